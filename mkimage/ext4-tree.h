/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files and directories of an ext4 that is being changed.
 */
#ifndef MKIMAGE_EXT4_TREE_H
#define MKIMAGE_EXT4_TREE_H

#include "ext4.h"

/*
 * ext4-data.c: give the inode the contents of the file @path. Blocks that have
 * them already stay as they are. @fresh: the inode has no blocks. Does the
 * inode have the same contents, the sizes being the same?
 */
int ext4_put_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		  const struct stat *st, bool fresh);
int ext4_same_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		   const struct stat *st, bool *same);

/* A directory's entries, sorted by strcmp(), without "." and "..". */
struct ext4_entry {
	char *name;
	ext2_ino_t number;
};

struct ext4_folder {
	struct ext4_entry *entries;
	size_t count;
};

/*
 * ext4-folder.c. @path: for messages. Return: 0, or an errno below 0 after an
 * error message.
 */
int ext4_folder_read(struct ext4 *ext4, ext2_ino_t folder, const char *path,
		     struct ext4_folder *list);
void ext4_folder_free(struct ext4_folder *list);
/* NULL if there is none of that name. */
const struct ext4_entry *ext4_folder_find(const struct ext4_folder *list,
					  const char *name);
int ext4_link(struct ext4 *ext4, ext2_ino_t folder, const char *name,
	      const char *path, ext2_ino_t number, mode_t mode);
int ext4_unlink(struct ext4 *ext4, ext2_ino_t folder, const char *name,
		const char *path);
/* Add to an inode's count of links; what it is then goes to @links. */
int ext4_count_links(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     int add, u32 *links);
/* Give an inode without a name up, with all its blocks. */
int ext4_free_inode(struct ext4 *ext4, ext2_ino_t number, const char *path);

/*
 * ext4-removed.c: files without a name any more. They are kept until the end: a
 * file that is added may be one of them under a new name, or another version
 * of one.
 */
struct ext4_removed;
struct ext4_removed *ext4_removed_new(void);
void ext4_removed_free(struct ext4_removed *removed);
int ext4_removed_add(struct ext4_removed *removed, struct ext4 *ext4,
		     ext2_ino_t number, const char *name);
/*
 * Take out the one that suits the file @path best; *number is 0 if none does.
 */
int ext4_removed_take(struct ext4_removed *removed, struct ext4 *ext4,
		      const char *path, const char *name,
		      const struct stat *st, ext2_ino_t *number);
/* Free the inodes of all that are left. */
int ext4_removed_finish(struct ext4_removed *removed, struct ext4 *ext4);

#endif /* MKIMAGE_EXT4_TREE_H */
