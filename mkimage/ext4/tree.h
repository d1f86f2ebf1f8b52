/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and directories of an ext4 that is being changed.
 */
#ifndef MKIMAGE_EXT4_TREE_H
#define MKIMAGE_EXT4_TREE_H

#include "ext4/ext4.h"
#include "progress.h"
#include "fs/tree.h"

/*
 * path.c: "DIRECTORY/NAME", or "NAME" if @dir is "". Return: freed by the caller;
 * NULL after an error message.
 */
char *ext4_join(const char *dir, const char *name);

/* The deepest nesting of directories; a hostile image may loop. */
#define EXT4_DEPTH_MAX	2048

/* Enter a directory; that is an error at the deepest level. */
int ext4_deeper(u32 *depth, const char *path);

/*
 * data.c: give the inode the contents of the file @path. Blocks that have them
 * already stay as they are. @fresh: the inode has no blocks. The second
 * function: does an inode of the same size have the same contents?
 */
int ext4_put_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		  const struct stat *st, bool fresh);
int ext4_same_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		   const struct stat *st, bool *same);

/* A name in a directory, and the block of it that it was read from. */
struct ext4_entry {
	char *name;
	ext2_ino_t number;
	u32 block;
};

/* Lengths of entries, in units of 4 bytes, are less than that. */
#define EXT4_LENGTHS	67

/**
 * struct ext4_directory - a directory that is read or changed
 * @path: for messages, not copied
 * @entries: as they were read, sorted by strcmp(), without "." and ".."
 * @index: it has an index: libext2fs adds to it
 * @moved: libext2fs did; entries may be in other blocks than they were read from
 * @blocks: number of them; @blocks_room have space in @block
 * @block: where each is, 0 being nowhere, and how long an entry it has room for
 * @search: no block before that has room for an entry of 4 * i bytes
 * @data: the block @at, if @valid; @dirty: not written yet
 */
struct ext4_directory {
	struct ext4 *ext4;
	ext2_ino_t number;
	const char *path;
	struct ext4_entry *entries;
	size_t count;
	bool index, moved;
	u32 blocks, blocks_room;
	struct {
		blk64_t physical;
		u32 gap;
	} *block;
	u32 search[EXT4_LENGTHS];
	void *data;
	u32 at;
	bool valid, dirty;
};

/*
 * directory.c. @path is for error messages. Return: 0, or a negative errno
 * after an error message. Add only a name that is not there; replace or remove
 * only names that were read, before any is added. ext4_directory_close() writes
 * all changes; it may be called again. ext4_directory_make()
 * gives a new inode the two entries of an empty directory, and counts the
 * parent's links.
 */
int ext4_directory_open(struct ext4_directory *dir, struct ext4 *ext4,
			ext2_ino_t number, const char *path);
int ext4_directory_close(struct ext4_directory *dir);
int ext4_directory_make(struct ext4 *ext4, ext2_ino_t parent, ext2_ino_t number,
			const char *path);
/* NULL if there is none of that name. */
const struct ext4_entry *ext4_directory_find(const struct ext4_directory *dir,
					     const char *name);
int ext4_directory_link(struct ext4_directory *dir, const char *name,
			const char *path, ext2_ino_t number, mode_t mode);
int ext4_directory_replace(struct ext4_directory *dir,
			   const struct ext4_entry *old, const char *path,
			   ext2_ino_t number, mode_t mode);
int ext4_directory_unlink(struct ext4_directory *dir,
			  const struct ext4_entry *old, const char *path);

/**
 * ext4_visit - visit all paths, directories before their entries
 * @path: from the root, without slashes at its ends; "" for the root
 *
 * In visit.c. Return: 0, or what @visit returned if that is not 0, or a
 * negative errno after an error message.
 */
typedef int (*ext4_visit_path)(void *context, ext2_ino_t number,
			       const struct ext2_inode_large *inode,
			       const char *path);
int ext4_visit(struct ext4 *ext4, ext4_visit_path visit, void *context);

/* In visit.c: an inode's attributes. Return: as ext4_visit(). */
int ext4_xattrs_visit(struct ext4 *ext4, ext2_ino_t number, const char *path,
		      xattr_visit visit, void *context);

/*
 * In visit.c: the digest of an inode's attributes (see fs/xattr-sum.h); a
 * link's target, padded with zeros if it is short.
 */
#define EXT4_TARGET_ROOM	65536
int ext4_xattr_sum(struct ext4 *ext4, ext2_ino_t number, const char *path,
		   u8 *digest);
int ext4_read_link(struct ext4 *ext4, ext2_ino_t number,
		   const struct ext2_inode_large *inode, const char *path,
		   char *target, unsigned int *length);

/*
 * inode.c: give an inode the attributes of the file @path, whose lstat()
 * is @st. One that has them already is not written, if it is not @fresh.
 */
int ext4_set_attributes(struct ext4 *ext4, ext2_ino_t number, const char *path,
			const struct stat *st, bool fresh);
/* Add to an inode's count of links; @links is set to the new count. */
int ext4_count_links(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     int add, u32 *links);
/* Free an inode without a name, with all its blocks. */
int ext4_free_inode(struct ext4 *ext4, ext2_ino_t number, const char *path);

/*
 * removed.c: files that have lost their last name. They are kept until the end:
 * an added file may be one of them under a new name, or another version of one.
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

/**
 * struct ext4_change - a change of an ext4
 * @linked: files of the source with several names, see add.c
 * @done: bytes of files
 * @depth: how deep the current directory is nested
 */
struct ext4_change {
	struct ext4 ext4;
	struct ext4_removed *removed;
	void *linked;
	struct progress progress;
	u64 done;
	u32 depth;
};

/*
 * add.c: start a change of the open change->ext4 by @source, which may be NULL; @doing and @bytes are for the
 * progress. At its end, write and close it, or with an error @ret give it up.
 * In between, add the contents of the source's directory @path to the directory @dir.
 */
int ext4_change_start(struct ext4_change *change, const struct tree *source,
		      const char *doing, u64 bytes);
int ext4_change_end(struct ext4_change *change, int ret);
int ext4_add_contents(struct ext4_change *change, ext2_ino_t dir,
		      const char *path);
/* removed.c: remove a name of an inode, and with the last one the inode. */
int ext4_drop(struct ext4_change *change, ext2_ino_t dir, const char *name,
	      const char *path, ext2_ino_t number);

#endif /* MKIMAGE_EXT4_TREE_H */
