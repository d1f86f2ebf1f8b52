// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A text that a program writes; see text-output.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/text-output.h"
#include "format.h"

/* A file that cannot be read is none that we may empty unseen. */
static int starts_as_image(int fd, bool *is_image)
{
	char magic[sizeof(INC_MAGIC) - 1], path[32];
	ssize_t length;
	int reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		return -errno;
	length = pread(reader, magic, sizeof(magic), 0);
	*is_image = length == sizeof(magic) &&
		    !memcmp(magic, INC_MAGIC, sizeof(magic));
	close(reader);
	return 0;
}

static int empty(int fd, const char *path, struct incr_error *error)
{
	bool is_image = false;
	struct stat st;
	int err = fstat(fd, &st) ? -errno : 0;

	if (!err && S_ISBLK(st.st_mode))
		return incr_fail(error, -EINVAL,
				 "%s is a block device, which is not overwritten",
				 path);
	if (!err && S_ISREG(st.st_mode) && st.st_size)
		err = starts_as_image(fd, &is_image);
	if (is_image)
		return incr_fail(error, -EINVAL,
				 "%s is an incremental image, which is not overwritten",
				 path);
	if (!err && S_ISREG(st.st_mode) && ftruncate(fd, 0))
		err = -errno;
	return err ? incr_fail(error, err, "cannot empty %s: %s", path,
			       strerror(-err)) : 0;
}

int text_output_open(const char *path, bool replace, struct incr_error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC |
		      (replace ? 0 : O_EXCL), 0644);
	int err;

	if (fd < 0)
		return incr_fail(error, -errno, "cannot open %s: %s", path,
				 strerror(errno));
	err = empty(fd, path, error);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
