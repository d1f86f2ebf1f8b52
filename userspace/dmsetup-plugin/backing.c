// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block device that holds an image: itself, or a loop device over the
 * file. A file has one loop device however many generations of it are in use,
 * because two would each have a presence bitmap of their own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/loop.h>
#include "dmsetup-plugin/image-file.h"

#define ATTEMPTS	16	/* other programs look for a free loop device, too */

/* A loop device that shows the file already; it stays while @fd is open. */
static bool find_loop(struct backing *backing, const struct stat *st)
{
	DIR *blocks = opendir("/sys/block");
	struct dirent *entry;
	bool found = false;

	while (blocks && !found && (entry = readdir(blocks))) {
		char bound[300];

		if (strncmp(entry->d_name, "loop", 4) ||
		    strlen(entry->d_name) > 32)
			continue;
		snprintf(bound, sizeof(bound), "/sys/block/%s/loop",
			 entry->d_name);
		if (access(bound, F_OK))
			continue;
		snprintf(backing->path, sizeof(backing->path), "/dev/%.32s",
			 entry->d_name);
		backing->fd = open(backing->path, O_RDONLY | O_CLOEXEC);
		found = backing->fd >= 0 &&
			loop_shows(backing->fd, st, &backing->read_only);
		if (!found && backing->fd >= 0) {
			close(backing->fd);
			backing->fd = -1;
		}
	}
	if (blocks)
		closedir(blocks);
	return found;
}

/* Bind loop device @number to @file. -EBUSY: another program was faster. */
static int bind_loop(struct backing *backing, int number, int file,
		     const char *path)
{
	struct loop_config config = {
		.fd = (__u32)file,
		.block_size = INC_BLOCK_SIZE,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO |
				 (backing->read_only ? LO_FLAGS_READ_ONLY : 0),
	};
	int err;

	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", path);
	snprintf(backing->path, sizeof(backing->path), "/dev/loop%d", number);
	backing->fd = open(backing->path, O_CLOEXEC |
			   (backing->read_only ? O_RDONLY : O_RDWR));
	if (backing->fd < 0)
		return -errno;
	if (!ioctl(backing->fd, LOOP_CONFIGURE, &config))
		return 0;
	err = -errno;
	close(backing->fd);
	backing->fd = -1;
	return err;
}

static int make_loop(struct backing *backing, int file, const char *path,
		     struct incr_error *error)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number, attempt, err = -EBUSY;

	if (control < 0) {
		err = -errno;
		return incr_fail(error, err, "cannot open /dev/loop-control: %s",
				 strerror(-err));
	}
	for (attempt = 0; err == -EBUSY && attempt < ATTEMPTS; attempt++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		err = number < 0 ? -errno :
		      bind_loop(backing, number, file, path);
	}
	close(control);
	if (err)
		incr_fail(error, err, "cannot set up a loop device for %s: %s",
			  path, strerror(-err));
	return err;
}

static int use_file(struct backing *backing, const struct image_file *file,
		    struct incr_error *error)
{
	if (find_loop(backing, &file->st))
		return 0;
	backing->read_only = file->read_only;
	return make_loop(backing, file->fd, file->path, error);
}

int backing_open(struct backing *backing, const struct image_file *file,
		 struct incr_error *error)
{
	int err = 0;

	backing->fd = -1;
	backing->read_only = file->read_only;
	if (S_ISREG(file->st.st_mode))
		err = use_file(backing, file, error);
	else	/* Not its path: that may lead to another by now. */
		snprintf(backing->path, sizeof(backing->path), "%u:%u",
			 major(file->st.st_rdev), minor(file->st.st_rdev));
	if (err)
		backing_close(backing);
	return err;
}

void backing_close(struct backing *backing)
{
	if (backing->fd >= 0)
		close(backing->fd);
	backing->fd = -1;
}
