// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading and writing with messages; see io.h.
 */
#include "common/message.h"
#include "io.h"
#include "libincremental/exact.h"

int read_bytes(int fd, u64 offset, void *data, size_t length,
	       struct incr_error *error)
{
	int ret = incr_read_exactly(fd, offset, data, length);

	if (ret == -ENODATA)
		return incr_fail(error, -EIO,
				 "ends before offset %llu: did it shrink while it was read?",
				 (unsigned long long)offset + length);
	return ret ? incr_fail(error, ret, "reading at offset %llu: %s",
			       (unsigned long long)offset, strerror(-ret)) : 0;
}

int read_all(int fd, u64 offset, void *data, size_t length, const char *name)
{
	struct incr_error error;
	int ret = read_bytes(fd, offset, data, length, &error);

	if (ret)
		message_error("%s: %s", name, error.text);
	return ret;
}

int write_bytes(int fd, u64 offset, const void *data, size_t length,
		struct incr_error *error)
{
	int ret = incr_write_exactly(fd, offset, data, length);

	return ret ? incr_fail(error, ret, "writing at offset %llu: %s",
			       (unsigned long long)offset, strerror(-ret)) : 0;
}

int write_all(int fd, u64 offset, const void *data, size_t length,
	      const char *name)
{
	struct incr_error error;
	int ret = write_bytes(fd, offset, data, length, &error);

	if (ret)
		message_error("%s: %s", name, error.text);
	return ret;
}
