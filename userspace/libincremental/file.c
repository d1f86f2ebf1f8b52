// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An image in a file or block device. A local image may be sparse: a chunk whose
 * presence bit is zero is absent, whatever its bytes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "libincremental/exact.h"
#include "libincremental/internal.h"

struct inc_file {
	int fd;
	struct incr_image *image;
	bool complete;
};

/* Are bits @first to @last of the bitmap at @offset all ones? */
static int bits_set(int fd, u64 offset, u64 first, u64 last, bool *set)
{
	u8 bytes[512];
	u64 bit = first;

	while (bit <= last) {
		u64 start = bit / 8;
		u64 end = last / 8 + 1;
		u64 length = end - start;
		int ret;

		if (length > sizeof(bytes))
			length = sizeof(bytes);
		ret = incr_read_exactly(fd, offset + start, bytes, length);
		if (ret)
			return ret;
		for (; bit <= last && bit / 8 < start + length; bit++) {
			*set = bytes[bit / 8 - start] >> (bit % 8) & 1;
			if (!*set)
				return 0;
		}
	}
	*set = true;
	return 0;
}

/* Is [offset, offset + length), inside @seg, present? */
static int present(int fd, const struct inc_segment *seg, u64 offset,
		   u64 length, bool *set)
{
	u64 end = offset + length;

	*set = true;
	/* Head and bitmap are there whatever their bits say. */
	if (offset < seg->meta_offset)
		offset = seg->meta_offset;
	if (end <= offset)
		return 0;
	return bits_set(fd, seg->bitmap_offset,
			(offset - seg->offset) >> seg->chunk_shift,
			(end - 1 - seg->offset) >> seg->chunk_shift, set);
}

static int file_read(void *context, u64 offset, size_t length, void *buffer,
		     struct incr_error *error)
{
	struct inc_file *file = context;
	u64 at = offset, left = length;
	int ret = 0;

	while (file->image && !file->complete && left) {
		const struct inc_segment *seg =
			incr_segment_holding(file->image, at);
		u64 part = seg->end - at < left ? seg->end - at : left;
		bool set;

		ret = present(file->fd, seg, at, part, &set);
		if (ret)
			break;
		if (!set)
			return incr_fail(error, -ENODATA,
					 "bytes %llu to %llu are not present in this local image",
					 (unsigned long long)at,
					 (unsigned long long)(at + part - 1));
		at += part;
		left -= part;
	}
	if (!ret)
		ret = incr_read_exactly(file->fd, offset, buffer, length);
	if (ret == -ENODATA)
		return incr_fail(error, -EIO,
				 "file ends before offset %llu: truncated?",
				 (unsigned long long)offset + length);
	if (ret)
		return incr_fail(error, ret, "reading at offset %llu: %s",
				 (unsigned long long)offset,
				 strerror(-ret));
	return 0;
}

/**
 * incr_file_open - make a file an incr_io
 * @file: set on success; freed with incr_file_close()
 * @fd: of the file, open for reading: closed with @file, and on failure
 * @io: filled in; valid as long as @file
 * @size: bytes of the file or block device
 */
int incr_file_open(struct inc_file **file, int fd, struct incr_io *io, u64 *size,
		   struct incr_error *error)
{
	struct inc_file *new = calloc(1, sizeof(*new));
	struct stat st;
	off_t end;
	int ret;

	if (!new) {
		close(fd);
		return incr_fail(error, -ENOMEM, "out of memory");
	}
	new->fd = fd;
	if (fstat(new->fd, &st))
		goto fail;
	errno = EISDIR;
	if (S_ISDIR(st.st_mode))
		goto fail;
	/* A pipe, which was opened with O_NONBLOCK if at all, would keep us waiting. */
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		incr_file_close(new);
		return incr_fail(error, -EINVAL,
				 "it is neither a file nor a block device");
	}
	end = lseek(new->fd, 0, SEEK_END);
	if (end < 0)
		goto fail;
	*size = (u64)end;
	io->read = file_read;
	io->context = new;
	*file = new;
	return 0;
fail:
	ret = incr_fail(error, -errno, "%s", strerror(errno));
	incr_file_close(new);
	return ret;
}

/* From now on reads of absent bytes fail with ENODATA. */
int incr_file_attach(struct inc_file *file, struct incr_image *image,
		     struct incr_error *error)
{
	bool set = true;
	u32 i;

	for (i = 0; set && i < image->segment_count; i++) {
		const struct inc_segment *seg = &image->segments[i];
		int ret = present(file->fd, seg, seg->offset, seg->size, &set);

		if (ret)
			return incr_fail(error, ret,
					 "reading the presence bitmap at offset %llu: %s",
					 (unsigned long long)seg->bitmap_offset,
					 strerror(-ret));
	}
	file->complete = set;
	file->image = image;
	return 0;
}

void incr_file_close(struct inc_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}
