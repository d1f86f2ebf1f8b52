// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading and writing whole ranges; see exact.h.
 */
#include <errno.h>
#include <unistd.h>
#include "libincremental/exact.h"

int incr_read_exactly(int fd, uint64_t offset, void *data, size_t length)
{
	char *to = data;

	while (length) {
		ssize_t n = pread(fd, to, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		to += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int incr_write_exactly(int fd, uint64_t offset, const void *data, size_t length)
{
	const char *from = data;

	while (length) {
		ssize_t n = pwrite(fd, from, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		from += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}
