/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking a filesystem that was made of a tree of files, or extended by one: it is
 * read back, and every name in it is compared with the tree: its kind,
 * mode, owner, size, time, links, device number, target and extended
 * attributes, but not the contents of files. The check trusts nothing that the
 * making noted.
 */
#ifndef MKIMAGE_CHECK_H
#define MKIMAGE_CHECK_H

#include <stdbool.h>
#include <sys/types.h>
#include "fs/tree.h"
#include "libincremental/hash.h"

/**
 * struct check - a comparison
 * @tree: the files; kept
 * @epoch: times in the filesystem are no later, in seconds since 1970
 * @paths: that are in the source, itself included
 * @extended: there may be other names in the filesystem, and the root has
 *	attributes of its own
 * @own: a name that the filesystem has by itself; NULL if there is none
 */
struct check {
	const struct tree *tree;
	int64_t epoch;
	u64 paths;
	bool extended;
	const char *own;

	u64 found;
	void *linked;
};

/**
 * struct made - a name as the filesystem has it
 * @path: from the root, without slashes at its ends; "" for the root
 * @inode: the same for names of the same file only
 * @links: names that the file has; not looked at for directories
 * @size: of files and links
 * @whole_seconds: the time has no fraction, whatever was asked for
 * @target: of a link, @size bytes
 * @xattrs: see xattr-sum.h
 */
struct made {
	const char *path;
	u64 inode;
	u32 mode;
	u32 links;
	u32 uid;
	u32 gid;
	u64 size;
	int64_t seconds;
	u32 nanoseconds;
	bool whole_seconds;
	dev_t device;
	const char *target;
	u8 xattrs[INC_SHA256_SIZE];
};

/*
 * Call check_made() for each name, then check_end() once. Return: 0 if all is
 * as it should be, else a negative errno after an error message. check_end()
 * also has to be called after an error @ret, which it returns.
 */
int check_made(struct check *check, const struct made *made);
int check_end(struct check *check, int ret);

#endif /* MKIMAGE_CHECK_H */
