/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file or block device that holds an image. A path is looked at once: all
 * later steps use the descriptor. By then the path may name another file, and a
 * user who may change it need not be root.
 */
#ifndef SETUP_IMAGE_FILE_H
#define SETUP_IMAGE_FILE_H

#include <sys/stat.h>
#include "dmsetup-plugin/setup.h"

/**
 * struct image_file - an image that is open
 * @path: its name, for messages
 * @fd: for reading, and for writing unless @read_only; -1: none
 * @st: of @fd
 */
struct image_file {
	const char *path;
	int fd;
	struct stat st;
	bool read_only;
};

/*
 * Open the regular file or block device at @path, which is kept; anything else is
 * refused before it is opened. image_file_close() in any case.
 */
int image_file_open(struct image_file *file, const char *path,
		    struct incr_error *error);
void image_file_close(struct image_file *file);

/**
 * loop_file_open - open the file that a loop device shows
 * @loop: the device, open
 * @loop_path: its path, for messages
 * @path: where the file was, kept
 *
 * Return: 0; -ENOENT if @path names another file or none; other errnos.
 */
int loop_file_open(struct image_file *file, int loop, const char *loop_path,
		   const char *path, struct incr_error *error);

/* Does loop device @loop show the whole file @st, from its start? */
bool loop_shows(int loop, const struct stat *st, bool *read_only);

/* Open the same file or device anew. Return: a descriptor or -errno. */
int file_reopen(int fd, int flags);

/* Root's alone: locks of images, and the origins of their loaders. */
#define STATE_DIRECTORY	"/run/incremental"

/* Root's alone, too: local images for which no other place was told. */
#define LOCAL_DIRECTORY	"/var/lib/incremental"

/*
 * The key that names an image's files there: made of the image's inode or device,
 * not of its names. A loop device counts as its file. @fd: open file, or block
 * device; @path: for messages.
 */
#define IMAGE_KEY_MAX	64
int image_key(int fd, const char *path, char key[IMAGE_KEY_MAX],
	      struct incr_error *error);

#define ORIGINS_PATH_MAX	128

/* The file of the origins of the image with this key. */
void origins_path(const char *key, char path[ORIGINS_PATH_MAX]);

/* Write those of @options, and how they are asked; the image must be locked, so that the directory exists. */
int origins_save(const struct options *options, const char *key,
		 struct incr_error *error);

/* Add what was saved to @options; allocated, the caller's. */
void origins_load(struct options *options, const char *key);

void origins_forget(const char *key);

/**
 * struct image_lock - keeps other programs from setting up, changing or evicting
 * an image
 * @directory: of the lock; -1: nothing is locked
 * @fd: the lock
 * @file: a lock of the file itself, against mkimage; -1: none
 * @name: of the lock in the directory
 */
struct image_lock {
	int directory;
	int fd;
	int file;
	char name[IMAGE_KEY_MAX];
};

#define IMAGE_UNLOCKED	{ .directory = -1, .fd = -1, .file = -1 }

/**
 * image_lock - lock an image
 * @fd: open file, or block device; a loop device means its file
 * @path: for messages
 *
 * Waits a little for another holder to let go, and gives up then (-EBUSY): to set
 * up, update, extend or evict an image takes a moment as a rule. The lock is in a
 * directory that only root can look into, and ends with this process and those
 * that it forks.
 */
int image_lock(struct image_lock *lock, int fd, const char *path,
	       struct incr_error *error);
void image_unlock(struct image_lock *lock);

#endif /* SETUP_IMAGE_FILE_H */
