// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block device that holds an image: itself, or a loop device over the
 * file. A file has one loop device however many generations of it are in use,
 * because two would each have their own idea of what is present.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/loop.h>
#include "setup.h"

#define ATTEMPTS	16	/* others look for a free loop device, too */
#define LOCK_ATTEMPTS	50
#define LOCK_PAUSE	100000u	/* microseconds */

/* Open @path for reading and writing if possible. */
static int open_image(const char *path, bool *read_only)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	*read_only = false;
	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
		*read_only = true;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* Does loop device @fd show the whole file @st, from its start? */
static bool shows(int fd, const struct stat *st, bool *read_only)
{
	struct loop_info64 info;

	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return false;
	*read_only = info.lo_flags & LO_FLAGS_READ_ONLY;
	return info.lo_device == st->st_dev && info.lo_inode == st->st_ino &&
	       !info.lo_offset && !info.lo_sizelimit;
}

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
			shows(backing->fd, st, &backing->read_only);
		if (!found && backing->fd >= 0) {
			close(backing->fd);
			backing->fd = -1;
		}
	}
	if (blocks)
		closedir(blocks);
	return found;
}

/* Bind loop device @number to @file. -EBUSY: someone else was faster. */
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
		     struct inc_error *error)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number, attempt, err = -EBUSY;

	if (control < 0) {
		err = -errno;
		return setup_fail(error, err, "cannot open /dev/loop-control: %s",
				  strerror(-err));
	}
	for (attempt = 0; err == -EBUSY && attempt < ATTEMPTS; attempt++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		err = number < 0 ? -errno :
		      bind_loop(backing, number, file, path);
	}
	close(control);
	if (err)
		setup_fail(error, err, "cannot set up a loop device for %s: %s",
			   path, strerror(-err));
	return err;
}

int lock_image(const char *path, int *lock, struct inc_error *error)
{
	unsigned int attempt;
	int err;

	*lock = open(path, O_RDONLY | O_CLOEXEC);
	if (*lock < 0) {
		err = -errno;
		return setup_fail(error, err, "cannot open %s: %s", path,
				  strerror(-err));
	}
	for (attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
		if (!flock(*lock, LOCK_EX | LOCK_NB))
			return 0;
		err = -errno;
		if (err != -EWOULDBLOCK && err != -EINTR)
			break;
		usleep(LOCK_PAUSE);
	}
	close(*lock);
	if (err == -EWOULDBLOCK)
		return setup_fail(error, -EBUSY,
				  "%s stays locked by another program", path);
	return setup_fail(error, err, "cannot lock %s: %s", path,
			  strerror(-err));
}

static int use_file(struct backing *backing, const char *path, int file,
		    const struct stat *st, struct inc_error *error)
{
	bool read_only = backing->read_only;
	int lock, err;

	/* Who sets up the same image meanwhile must find our loop device. */
	err = lock_image(path, &lock, error);
	if (err)
		return err;
	if (!find_loop(backing, st)) {
		backing->read_only = read_only;
		err = make_loop(backing, file, path, error);
	}
	close(lock);
	return err;
}

int backing_open(struct backing *backing, const char *path,
		 struct inc_error *error)
{
	struct stat st;
	int file, err;

	backing->fd = -1;
	file = open_image(path, &backing->read_only);
	if (file < 0)
		return setup_fail(error, file, "cannot open %s: %s", path,
				  strerror(-file));
	if (fstat(file, &st)) {
		err = setup_fail(error, -errno, "cannot look at %s: %s", path,
				 strerror(errno));
	} else if (S_ISREG(st.st_mode)) {
		err = use_file(backing, path, file, &st, error);
	} else if (!S_ISBLK(st.st_mode)) {
		err = setup_fail(error, -EINVAL,
				 "%s is neither a file nor a block device", path);
	} else if (strlen(path) >= sizeof(backing->path) ||
		   strpbrk(path, " \t\n")) {
		err = setup_fail(error, -ERR_USAGE,
				 "the path \"%s\" cannot stand in a table", path);
	} else {
		strcpy(backing->path, path);
		err = 0;
	}
	close(file);
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
