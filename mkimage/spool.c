// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Temporary files; see spool.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "io.h"
#include "spool.h"

#define BUFFER_SIZE	(256u << 10)

struct spool {
	int fd;
	u64 written;		/* in the file */
	size_t fill;		/* in the buffer, after that */
	u8 buffer[BUFFER_SIZE];
};

int spool_open_file(const char *dir)
{
	char name[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every filesystem can do that. */
	if (snprintf(name, sizeof(name), "%s/.mkimage.XXXXXX", dir) >=
	    (int)sizeof(name)) {
		errno = ENAMETOOLONG;
	} else {
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		message_error("%s: cannot create a temporary file: %s", dir,
			      strerror(errno));
	return fd;
}

struct spool *spool_new(const char *dir)
{
	struct spool *spool = malloc(sizeof(*spool));

	if (!spool) {
		message_error("out of memory");
		return NULL;
	}
	spool->written = 0;
	spool->fill = 0;
	spool->fd = spool_open_file(dir);
	if (spool->fd < 0) {
		free(spool);
		return NULL;
	}
	return spool;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	close(spool->fd);
	free(spool);
}

u64 spool_size(const struct spool *spool)
{
	return spool->written + spool->fill;
}

static int flush(struct spool *spool)
{
	int ret = write_all(spool->fd, spool->written, spool->buffer,
			    spool->fill, SPOOL_NAME);

	if (!ret) {
		spool->written += spool->fill;
		spool->fill = 0;
	}
	return ret;
}

int spool_append(struct spool *spool, const void *data, size_t length)
{
	const u8 *bytes = data;

	while (length) {
		size_t part = sizeof(spool->buffer) - spool->fill;

		if (part > length)
			part = length;
		memcpy(spool->buffer + spool->fill, bytes, part);
		spool->fill += part;
		bytes += part;
		length -= part;
		if (spool->fill == sizeof(spool->buffer)) {
			int ret = flush(spool);

			if (ret)
				return ret;
		}
	}
	return 0;
}

int spool_read(struct spool *spool, u64 offset, size_t length, void *data)
{
	u64 in_file = offset < spool->written ? spool->written - offset : 0;
	int ret;

	if (in_file > length)
		in_file = length;
	ret = read_all(spool->fd, offset, data, in_file, SPOOL_NAME);
	if (!ret && in_file < length)
		memcpy((u8 *)data + in_file,
		       spool->buffer + (offset + in_file - spool->written),
		       length - in_file);
	return ret;
}

int spool_copy(struct spool *spool, int fd, u64 offset, const char *name)
{
	u64 from = 0, part;
	int ret = flush(spool);

	while (!ret && from < spool->written) {
		off_t in = (off_t)from, out = (off_t)(offset + from);
		ssize_t done = copy_file_range(spool->fd, &in, fd, &out,
					       spool->written - from, 0);

		if (done > 0) {
			from += (u64)done;
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		/*
		 * Copy the rest by hand: across filesystems, or where not
		 * supported.
		 */
		part = spool->written - from;
		if (part > sizeof(spool->buffer))
			part = sizeof(spool->buffer);
		ret = read_all(spool->fd, from, spool->buffer, part,
			       SPOOL_NAME);
		if (!ret)
			ret = write_all(fd, offset + from, spool->buffer, part,
					name);
		from += part;
	}
	return ret;
}
