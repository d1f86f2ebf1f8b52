// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lock of an image; see image-file.h.
 *
 * It is a file in a directory of root's, named by the image's file system and
 * inode, not a lock of the image itself: any user who may read the image could
 * lock that, and so keep it from being opened or updated. The lock ends with its
 * process. Its name is removed while the lock is held, so that names of images
 * that are gone do not pile up; a process that has waited for a file without a
 * name begins anew. A name that a killed process has left is used again.
 *
 * mkimage may lack the rights to go there. It takes a write lock of the image
 * (F_OFD_SETLK), which needs a descriptor open for writing. So we take a read
 * lock of the image, too, which conflicts with write locks only: a user who can
 * hold us up by one could destroy the image as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/loop.h>
#include "common/file-lock.h"
#include "common/message.h"
#include "dmsetup-plugin/image-file.h"

#define ATTEMPTS	50
#define PAUSE		100000u	/* microseconds */

static int no_directory(int err, struct incr_error *error)
{
	if (err == -EACCES)
		return incr_fail(error, -EPERM, "root is needed");
	return incr_fail(error, err,
			 "cannot use " STATE_DIRECTORY ", where locks of images are kept: %s",
			 strerror(-err));
}

static int open_directory(int *directory, struct incr_error *error)
{
	struct stat st;

	if (mkdir(STATE_DIRECTORY, 0700) && errno != EEXIST)
		return no_directory(-errno, error);
	*directory = open(STATE_DIRECTORY,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*directory < 0 || fstat(*directory, &st))
		return no_directory(-errno, error);
	if (st.st_uid || st.st_mode & 077)
		return incr_fail(error, -EPERM,
				 STATE_DIRECTORY ", where locks of images are kept, is not root's alone: it must be owned by root, with mode 0700");
	return 0;
}

int image_key(int fd, const char *path, char key[IMAGE_KEY_MAX],
	      struct incr_error *error)
{
	struct loop_info64 info;
	struct stat st;

	if (fstat(fd, &st))
		return incr_fail(error, -errno, "cannot look at %s: %s", path,
				 strerror(errno));
	if (S_ISBLK(st.st_mode) && !ioctl(fd, LOOP_GET_STATUS64, &info))
		snprintf(key, IMAGE_KEY_MAX, "file-%llx-%llu",
			 (unsigned long long)info.lo_device,
			 (unsigned long long)info.lo_inode);
	else if (S_ISBLK(st.st_mode))
		snprintf(key, IMAGE_KEY_MAX, "block-%u-%u",
			 major(st.st_rdev), minor(st.st_rdev));
	else
		snprintf(key, IMAGE_KEY_MAX, "file-%llx-%llu",
			 (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
	return 0;
}

/* Does the name still lead to the locked file? */
static bool has_name(const struct image_lock *lock)
{
	struct stat own, named;

	return !fstat(lock->fd, &own) &&
	       !fstatat(lock->directory, lock->name, &named,
			AT_SYMLINK_NOFOLLOW) &&
	       own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* Return: 0, -EAGAIN if another process has it, or -errno. */
static int try_lock(struct image_lock *lock)
{
	int err;

	lock->fd = openat(lock->directory, lock->name,
			  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock->fd < 0)
		return -errno;
	if (flock(lock->fd, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
	else
		err = has_name(lock) ? 0 : -EAGAIN;
	if (err) {
		close(lock->fd);
		lock->fd = -1;
	}
	return err;
}

/*
 * On an open file of its own: the loop device that we make holds the other one,
 * and would hold the lock with it.
 */
static int try_file(struct image_lock *lock, int fd)
{
	int err;

	lock->file = file_reopen(fd, O_RDONLY);
	if (lock->file < 0)
		return lock->file;
	err = file_lock(lock->file, false);
	if (!err)
		return 0;
	close(lock->file);
	lock->file = -1;
	return err;
}

int image_lock(struct image_lock *lock, int fd, const char *path,
	       struct incr_error *error)
{
	unsigned int attempt;
	struct stat st = { .st_mode = 0 };
	int err;

	*lock = (struct image_lock)IMAGE_UNLOCKED;
	err = image_key(fd, path, lock->name, error);
	if (!err && fstat(fd, &st))
		err = incr_fail(error, -errno, "cannot look at %s: %s", path,
				strerror(errno));
	if (!err)
		err = open_directory(&lock->directory, error);
	if (err) {
		image_unlock(lock);
		return err;
	}
	err = -EAGAIN;
	for (attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		if (attempt)
			usleep(PAUSE);
		err = lock->fd < 0 ? try_lock(lock) : 0;
		if (!err && S_ISREG(st.st_mode))
			err = try_file(lock, fd);
	}
	if (!err)
		return 0;
	image_unlock(lock);
	if (err == -EAGAIN)
		return incr_fail(error, -EBUSY,
				 "%s stays locked by another program", path);
	return incr_fail(error, err,
			 "cannot lock %s in " STATE_DIRECTORY ": %s", path,
			 strerror(-err));
}

void image_unlock(struct image_lock *lock)
{
	if (lock->file >= 0)
		close(lock->file);
	if (lock->fd >= 0) {
		if (unlinkat(lock->directory, lock->name, 0))
			message_debug("cannot remove " STATE_DIRECTORY "/%s: %s",
				      lock->name, strerror(errno));
		close(lock->fd);
	}
	if (lock->directory >= 0)
		close(lock->directory);
	*lock = (struct image_lock)IMAGE_UNLOCKED;
}
