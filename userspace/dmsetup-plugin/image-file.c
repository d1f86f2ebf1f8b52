// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open images; see image-file.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/loop.h>
#include "dmsetup-plugin/image-file.h"

int file_reopen(int fd, int flags)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

/*
 * The type of @place, opened with O_PATH, which has no effect on it. Opening a
 * FIFO could wait for ever, and opening some devices has effects.
 */
static int open_place(struct image_file *file, int place,
		      struct incr_error *error)
{
	if (S_ISDIR(file->st.st_mode))
		return incr_fail(error, -EISDIR, "%s is a directory",
				 file->path);
	if (!S_ISREG(file->st.st_mode) && !S_ISBLK(file->st.st_mode))
		return incr_fail(error, -EINVAL,
				 "%s is neither a file nor a block device",
				 file->path);
	file->read_only = false;
	file->fd = file_reopen(place, O_RDWR);
	if (file->fd == -EROFS || file->fd == -EACCES || file->fd == -EPERM) {
		file->read_only = true;
		file->fd = file_reopen(place, O_RDONLY);
	}
	return file->fd >= 0 ? 0 :
	       incr_fail(error, file->fd, "%s: %s", file->path,
			 strerror(-file->fd));
}

static int look_at(struct image_file *file, const char *path, int *place,
		   struct incr_error *error)
{
	file->path = path;
	file->fd = -1;
	*place = open(path, O_PATH | O_CLOEXEC);
	if (*place >= 0 && !fstat(*place, &file->st))
		return 0;
	return incr_fail(error, -errno, "%s: %s", path, strerror(errno));
}

int image_file_open(struct image_file *file, const char *path,
		    struct incr_error *error)
{
	int place;
	int err = look_at(file, path, &place, error);

	if (!err)
		err = open_place(file, place, error);
	if (place >= 0)
		close(place);
	return err;
}

void image_file_close(struct image_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static bool is_file_of(const struct loop_info64 *info, const struct stat *st)
{
	return info->lo_device == st->st_dev && info->lo_inode == st->st_ino;
}

bool loop_shows(int loop, const struct stat *st, bool *read_only)
{
	struct loop_info64 info;

	if (ioctl(loop, LOOP_GET_STATUS64, &info))
		return false;
	*read_only = info.lo_flags & LO_FLAGS_READ_ONLY;
	return is_file_of(&info, st) && !info.lo_offset && !info.lo_sizelimit;
}

int loop_file_open(struct image_file *file, int loop, const char *loop_path,
		   const char *path, struct incr_error *error)
{
	struct loop_info64 info;
	int place, err;

	file->fd = -1;
	if (ioctl(loop, LOOP_GET_STATUS64, &info))
		return incr_fail(error, -errno, "cannot look at %s: %s",
				 loop_path, strerror(errno));
	err = look_at(file, path, &place, error);
	if (err || !is_file_of(&info, &file->st))
		err = incr_fail(error, -ENOENT,
				"the file of %s is no longer at %s", loop_path,
				path);
	/* The loop device holds the file, so its inode means no other. */
	if (!err)
		err = open_place(file, place, error);
	if (place >= 0)
		close(place);
	return err;
}
