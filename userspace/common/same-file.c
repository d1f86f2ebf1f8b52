// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One file by two names; see same-file.h.
 */
#include <stddef.h>
#include "common/blockdev.h"
#include "common/same-file.h"

/**
 * struct search - a file, and a device that may show it
 * @depth: of devices that stand on each other
 */
struct search {
	const struct stat *file;
	int depth;
};

/* The same inode, or the same device behind two inodes. */
static bool is_it(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool shows(dev_t device, const struct stat *file, int depth);

static bool is_beneath(void *context, const char *file, dev_t device)
{
	const struct search *search = context;
	struct stat st = { .st_mode = S_IFBLK, .st_rdev = device };

	if (file && stat(file, &st))
		return false;
	return is_it(&st, search->file) ||
	       (S_ISBLK(st.st_mode) &&
		shows(st.st_rdev, search->file, search->depth + 1));
}

static bool shows(dev_t device, const struct stat *file, int depth)
{
	struct search search = { .file = file, .depth = depth };

	return depth < BLOCKDEV_DEPTH_MAX &&
	       blockdev_beneath(device, is_beneath, &search);
}

bool same_file(const struct stat *a, const struct stat *b)
{
	return is_it(a, b) ||
	       (S_ISBLK(a->st_mode) && shows(a->st_rdev, b, 0)) ||
	       (S_ISBLK(b->st_mode) && shows(b->st_rdev, a, 0));
}
