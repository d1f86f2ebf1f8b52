// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Local images: the origin's layout, sparse where nothing has arrived.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "libincremental/exact.h"
#include "libincremental/internal.h"

#define COPY_STEP	(1u << 20)	/* a multiple of every chunk size */

/* Chunks of the head and of the bitmap, which count as present always. */
static u64 fixed_chunks(const struct inc_segment *seg)
{
	return (seg->meta_offset - seg->offset) >> seg->chunk_shift;
}

static int write_failed(int ret, u64 offset, struct incr_error *error)
{
	return incr_fail(error, ret, "cannot write at offset %llu: %s",
			 (unsigned long long)offset, strerror(-ret));
}

/*
 * The bitmap must have its room now. The kernel writes it later, when data have
 * arrived; should the file system be full by then, presence would be lost.
 */
static int bitmap_reserve(const struct inc_segment *seg, int fd,
			  struct incr_error *error)
{
	int err;

	do {
		err = posix_fallocate(fd, (off_t)seg->bitmap_offset,
				      (off_t)seg->bitmap_size);
	} while (err == EINTR);
	return err ? incr_fail(error, -err,
			       "cannot reserve %llu bytes for the presence bitmap at offset %llu: %s",
			       (unsigned long long)seg->bitmap_size,
			       (unsigned long long)seg->bitmap_offset,
			       strerror(err)) : 0;
}

/* Only the bytes with ones are written: the rest is zeros already. */
static int bitmap_write(const struct inc_segment *seg, int fd,
			struct incr_error *error)
{
	u64 ones = fixed_chunks(seg);
	size_t bytes = (ones + 7) / 8;
	int ret = bitmap_reserve(seg, fd, error);
	u8 *bits;

	if (ret)
		return ret;
	bits = malloc(bytes);
	if (!bits)
		return incr_fail(error, -ENOMEM, "out of memory for the bitmap");
	memset(bits, 0xff, bytes);
	if (ones % 8)
		bits[bytes - 1] = (u8)((1u << ones % 8) - 1);
	ret = incr_write_exactly(fd, seg->bitmap_offset, bits, bytes);
	free(bits);
	return ret ? write_failed(ret, seg->bitmap_offset, error) : 0;
}

int incr_local_create(struct incr_image *image, int fd, struct incr_error *error)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < image->segment_count; i++) {
		const struct inc_segment *seg = &image->segments[i];
		u8 *head;

		ret = incr_head_read(image, seg, &head, error);
		if (ret)
			return ret;
		ret = incr_write_exactly(fd, seg->offset, head, seg->head_size);
		free(head);
		if (ret)
			return write_failed(ret, seg->offset, error);
		ret = bitmap_write(seg, fd, error);
	}
	if (!ret && ftruncate(fd, (off_t)image->size))
		ret = incr_fail(error, -errno,
				"cannot give the local image its size of %llu bytes: %s",
				(unsigned long long)image->size,
				strerror(errno));
	return ret;
}

/* Write all of a segment but its head, each byte verified. */
static int copy_body(struct incr_image *image, const struct inc_segment *seg,
		     int fd, struct incr_error *error)
{
	u64 offset = seg->bitmap_offset;
	u8 *data = malloc(COPY_STEP);
	int ret = data ? 0 : incr_fail(error, -ENOMEM, "out of memory");

	while (!ret && offset < seg->end) {
		size_t length = seg->end - offset < COPY_STEP ?
				(size_t)(seg->end - offset) : COPY_STEP;

		ret = incr_raw_read(image, offset, length, data, error);
		if (!ret)
			ret = incr_image_verify(image, offset, length, data,
						error);
		if (ret)
			break;
		ret = incr_write_exactly(fd, offset, data, length);
		if (ret)
			write_failed(ret, offset, error);
		offset += length;
	}
	free(data);
	return ret;
}

static int sync_failed(const struct inc_segment *seg, struct incr_error *error)
{
	return incr_fail(error, -errno,
			 "cannot append generation %u: %s", seg->generation,
			 strerror(errno));
}

/*
 * The first sector comes last: until then a reader finds no segment after the old
 * image.
 */
static int append_segment(struct incr_image *image,
			  const struct inc_segment *seg, int fd, bool whole,
			  struct incr_error *error)
{
	u8 *head;
	int ret;

	ret = incr_head_read(image, seg, &head, error);
	if (ret)
		return ret;
	/* Remains of an earlier attempt are not holes. */
	if (ftruncate(fd, (off_t)seg->offset) ||
	    ftruncate(fd, (off_t)seg->end))
		ret = sync_failed(seg, error);
	if (!ret) {
		ret = incr_write_exactly(fd, seg->offset + INC_FIRST_SECTOR,
					 head + INC_FIRST_SECTOR,
					 seg->head_size - INC_FIRST_SECTOR);
		if (ret)
			write_failed(ret, seg->offset, error);
	}
	if (!ret)
		ret = whole ? copy_body(image, seg, fd, error) :
			      bitmap_write(seg, fd, error);
	if (!ret && fsync(fd))
		ret = sync_failed(seg, error);
	if (!ret) {
		ret = incr_write_exactly(fd, seg->offset, head, INC_FIRST_SECTOR);
		if (ret)
			write_failed(ret, seg->offset, error);
	}
	if (!ret && fsync(fd))
		ret = sync_failed(seg, error);
	free(head);
	return ret;
}

int incr_local_append(struct incr_image *image, u32 first, int fd, bool whole,
		      struct incr_error *error)
{
	int ret = 0;
	u32 i;

	for (i = first; !ret && i < image->segment_count; i++) {
		ret = append_segment(image, &image->segments[i], fd, whole,
				     error);
		/* Back to the last whole one; if that fails, it is ignored. */
		if (ret && ftruncate(fd, (off_t)image->segments[i].offset))
			break;
	}
	return ret;
}

/* Ones in bits @from to @to - 1 of the bitmap at @offset of @fd. */
static int count_ones(int fd, u64 offset, u64 from, u64 to, u64 *ones,
		      struct incr_error *error)
{
	u8 buffer[65536];
	u64 start = from / 8 * 8;

	for (; start < to; start += 8 * sizeof(buffer)) {
		u64 bytes = (to - start + 7) / 8;
		u64 bit;
		int ret;

		if (bytes > sizeof(buffer))
			bytes = sizeof(buffer);
		ret = incr_read_exactly(fd, offset + start / 8, buffer, bytes);
		if (ret)
			return incr_fail(error, ret,
					 "cannot read the presence bitmap at offset %llu: %s",
					 (unsigned long long)offset,
					 strerror(-ret));
		for (bit = start; bit < to && bit < start + 8 * bytes; bit++)
			if (bit >= from)
				*ones += buffer[(bit - start) / 8] >>
					 (bit % 8) & 1;
	}
	return 0;
}

int incr_local_present(struct incr_image *image, int fd, u64 *bytes,
		       struct incr_error *error)
{
	u32 i;

	*bytes = 0;
	for (i = 0; i < image->segment_count; i++) {
		const struct inc_segment *seg = &image->segments[i];
		u64 ones = fixed_chunks(seg);
		int ret = count_ones(fd, seg->bitmap_offset, ones,
				     seg->size >> seg->chunk_shift, &ones,
				     error);

		if (ret)
			return ret;
		*bytes += ones << seg->chunk_shift;
	}
	return 0;
}
