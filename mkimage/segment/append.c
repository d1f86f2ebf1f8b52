// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Appending a segment; see append.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/doomed.h"
#include "common/file-lock.h"
#include "common/message.h"
#include "io.h"
#include "segment/append.h"
#include "spool.h"

#define STEP_BYTES	(1u << 20)

static int failed(const char *path, const char *doing, int code)
{
	message_error("%s: %s: %s", path, doing, strerror(code));
	return -code;
}

int append_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int ret = 0;

	if (fd < 0 || fstat(fd, &st)) {
		ret = failed(path, "cannot open it for appending", errno);
	} else if (!S_ISREG(st.st_mode)) {
		message_error("%s: not a regular file: nothing can be appended to it",
			      path);
		ret = -EINVAL;
	} else {
		/* Two programs at a time would mix their segments. */
		ret = file_lock(fd, true);
		if (ret)
			failed(path, "cannot lock it (is it being extended or opened?)",
			       -ret);
	}
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return ret;
}

int append_check_path(int fd, const char *path)
{
	struct stat own, named;

	if (fstat(fd, &own))
		return failed(path, "cannot look at it", errno);
	if (!stat(path, &named) && own.st_dev == named.st_dev &&
	    own.st_ino == named.st_ino)
		return 0;
	message_error("%s: not changed: another file has come to that name meanwhile, or it is gone; try again",
		      path);
	return -ESTALE;
}

int append_recover(int fd, const char *path, u64 size)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return failed(path, "cannot find out its size", errno);
	if ((u64)st.st_size == size)
		return 0;
	ret = append_check_path(fd, path);
	if (ret)
		return ret;
	message_warning("%s: what an interrupted extension has left is cut off: %llu bytes",
			path, (unsigned long long)st.st_size - size);
	return ftruncate(fd, (off_t)size) ?
	       failed(path, "cannot cut it off", errno) : 0;
}

static int copy(int fd, const char *path, u64 at, int segment, u64 from,
		u64 end)
{
	u8 *data = malloc(STEP_BYTES);
	int ret = data ? 0 : failed(path, "cannot append to it", ENOMEM);

	while (!ret && from < end) {
		size_t length = end - from < STEP_BYTES ?
				(size_t)(end - from) : STEP_BYTES;

		ret = read_all(segment, from, data, length, SPOOL_NAME);
		if (!ret)
			ret = write_all(fd, at + from, data, length, path);
		from += length;
	}
	free(data);
	return ret;
}

int append_segment(int fd, const char *path, u64 size, int segment,
		   u64 length)
{
	struct stat st;
	int ret = append_check_path(fd, path);

	if (ret)
		return ret;
	/* A program without our lock may have written to it. */
	if (fstat(fd, &st) || (u64)st.st_size != size) {
		message_error("%s: not changed: its size has changed meanwhile; try again",
			      path);
		return -ESTALE;
	}
	doomed_append(fd, (off_t)size);
	ret = copy(fd, path, size, segment, INC_FIRST_SECTOR, length);
	if (!ret && fsync(fd))
		ret = failed(path, "cannot append to it", errno);
	if (!ret)
		ret = copy(fd, path, size, segment, 0, INC_FIRST_SECTOR);
	if (!ret && fsync(fd))
		ret = failed(path, "cannot append to it", errno);
	if (ret && ftruncate(fd, (off_t)size))
		failed(path, "cannot cut off the appended bytes", errno);
	doomed_append(-1, 0);
	return ret;
}
