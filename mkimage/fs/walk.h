/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking through a tree of files.
 */
#ifndef MKIMAGE_WALK_H
#define MKIMAGE_WALK_H

#include <sys/stat.h>
#include "fs/tree.h"
#include "libincremental/hash.h"

/**
 * struct walk - the contents of a tree, its root included
 * @id: digest over all paths and their inodes (see the manual), but not over
 *	the contents of files
 * @epoch: no file is newer than that many seconds since 1970:
 * SOURCE_DATE_EPOCH, or when the newest file was changed
 * @epoch_nanoseconds: the newest file's beyond that
 * @paths: names of files and directories, the root included
 * @inodes: files, directories and so on; hard links count once
 * @file_blocks: 4096-byte blocks of all files
 * @used_blocks: the same without their holes
 * @directory_blocks: blocks that directories take in ext4, with some to spare
 * @link_blocks: blocks that symbolic links take in ext4
 * @xattr_blocks: blocks that extended attributes may take in ext4
 * @extent_blocks: blocks that extents of big files may take in ext4
 */
struct walk {
	u8 id[INC_SHA256_SIZE];
	int64_t epoch;
	u32 epoch_nanoseconds;
	u64 paths;
	u64 inodes;
	u64 file_blocks;
	u64 used_blocks;
	u64 directory_blocks;
	u64 link_blocks;
	u64 xattr_blocks;
	u64 extent_blocks;
};

/*
 * SOURCE_DATE_EPOCH, as in https://reproducible-builds.org/specs/; 0 if it is
 * not given. Return: 0, or a negative errno after an error message.
 */
int walk_epoch(int64_t *epoch, bool *given);

/*
 * Walk through @tree. It is an error if @image, the image that is to be changed, is
 * one of its files; NULL: there is none. Return: as walk_epoch().
 */
int walk_tree(struct walk *walk, const struct tree *tree,
	      const struct stat *image);

#endif /* MKIMAGE_WALK_H */
