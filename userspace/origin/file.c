// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files and block devices as origins.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>
#include "libincremental/exact.h"
#include "origin/backend.h"

/* Undo %XX in place; a zero byte or a malformed escape is refused. */
static bool decode_percent(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '%') {
			int high = incr_hex_digit(text[1]);
			int low = high < 0 ? -1 : incr_hex_digit(text[2]);

			if (low < 0 || !(high | low))
				return false;
			*to++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return true;
}

/* The path in "file:/path", "file:///path" or "file://localhost/path". */
static char *url_path(const char *url)
{
	const char *rest = url + strlen("file:");
	char *path;

	if (!strncmp(rest, "//", 2)) {
		rest += 2;
		if (!strncasecmp(rest, "localhost/", 10))
			rest += 9;
	}
	if (*rest != '/')
		return NULL;
	path = strdup(rest);
	if (path && !decode_percent(path)) {
		free(path);
		return NULL;
	}
	return path;
}

static int file_open(struct origin *origin, const char *where,
		     struct incr_error *error)
{
	struct stat st;
	u64 size;

	origin->name = strncasecmp(where, "file:", 5) ?
		       strdup(where) : url_path(where);
	if (!origin->name)
		return incr_fail(error, -EINVAL,
				 "origin \"%s\" is not file:/PATH", where);

	/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
	origin->fd = open(origin->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (origin->fd < 0 || fstat(origin->fd, &st)) {
		int err = -errno;

		return incr_fail(error, err, "cannot open origin %s: %s",
				 origin->name, strerror(-err));
	}
	if (S_ISREG(st.st_mode))
		size = (u64)st.st_size;
	else if (!S_ISBLK(st.st_mode) || ioctl(origin->fd, BLKGETSIZE64, &size))
		return incr_fail(error, -EINVAL,
				 "origin %s is neither a file nor a block device",
				 origin->name);
	atomic_store(&origin->size, size);
	return 0;
}

static void file_close(struct origin *origin)
{
	if (origin->fd >= 0)
		close(origin->fd);
}

static int file_read(struct origin_connection *connection, u64 offset,
		     size_t length, void *buffer, struct incr_error *error)
{
	struct origin *origin = connection->origin;
	struct stat st;
	int ret;

	/* A layer may have been appended to it, or taken away again. */
	if (!fstat(origin->fd, &st) && S_ISREG(st.st_mode))
		atomic_store(&origin->size, (u64)st.st_size);
	ret = incr_read_exactly(origin->fd, offset, buffer, length);
	if (ret == -ENODATA)
		return incr_fail(error, -ENOENT, "the file ends before byte %llu",
				 (unsigned long long)offset + length);
	return ret ? incr_fail(error, -EAGAIN, "cannot read: %s",
			       strerror(-ret)) : 0;
}

static int file_get(struct origin_connection *connection, void *buffer,
		    size_t most, size_t *length, struct incr_error *error)
{
	u64 size = atomic_load(&connection->origin->size);

	if (size > most)
		return incr_fail(error, -EFBIG, "it has more than %zu bytes",
				 most);
	*length = (size_t)size;
	return size ? file_read(connection, 0, *length, buffer, error) : 0;
}

const struct origin_backend origin_file = {
	.open	= file_open,
	.close	= file_close,
	.read	= file_read,
	.get	= file_get,
};
