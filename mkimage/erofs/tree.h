/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An erofs's whole tree in memory, to be changed: directories with their
 * entries, inodes without contents. It takes some 300 bytes an inode and 40 a
 * name.
 */
#ifndef MKIMAGE_EROFS_TREE_H
#define MKIMAGE_EROFS_TREE_H

#include "erofs/image.h"
#include "erofs/xattr.h"

/* Directories nest no deeper; the longest path that Linux takes has no more. */
#define EROFS_DEPTH_MAX		2048u
#define EROFS_ENTRY_NEW		UINT32_MAX

/**
 * struct erofs_entry - a name in a directory, "." and ".." included
 * @nid: as on the device; 0 with @block EROFS_ENTRY_NEW
 * @type: the same
 * @block: of the directory, or EROFS_ENTRY_NEW
 * @name: @length bytes and a zero
 */
struct erofs_entry {
	struct erofs_node *node;
	const char *name;
	u64 nid;
	u32 block;
	u8 length;
	u8 type;
};

/**
 * struct erofs_directory - a directory's entries
 * @entries: in the order of their names
 * @blocks: that the entries are divided into
 * @last_length: bytes of the last one
 * @changed: entries were added or removed: it has to be divided anew
 */
struct erofs_directory {
	struct erofs_node *parent;
	struct erofs_entry *entries;
	u32 count;
	u32 room;
	u32 blocks;
	u32 last_length;
	u32 depth;
	bool changed;
};

/* A run of a file that was compressed; see layout.h. */
struct erofs_packed_run {
	u32 length;
	u16 blocks;
	bool plain;
};

/**
 * struct erofs_packed - a file that was compressed
 * @runs: @count of them, on the heap
 * @blocks: that they take
 * @place: where these are in the temporary file
 * @block: the first of them on the device
 */
struct erofs_packed {
	struct erofs_packed_run *runs;
	u64 count;
	u64 blocks;
	u64 place;
	u32 block;
};

/**
 * struct erofs_node - an inode
 * @inode: as it is to be
 * @disk: as it is on the device, if @placed
 * @next: of all nodes, those that are in no directory any more included
 * @dir: of a directory, else NULL
 * @path: of a regular file that comes from the source: where it can be read
 * @target: of a link that comes from the source: its text, @inode.size bytes
 * @chunks: of a regular file that is written as a list of chunks: the first block of
 *	each, EROFS_NO_BLOCK for those that change; else NULL
 * @chunk_count: their number
 * @xattrs: those that come from the source
 * @packed: new contents, compressed; NULL if they are not
 * @lender: a file whose contents it has, if @borrowed
 * @replaces: one inode that had all the names of this one so far
 * @names: entries that name it
 * @disk_names: entries that name it on the device
 * @placed: it has a place on the device
 * @given: attributes and contents come from the source
 * @torn: it replaces several inodes, or only some names of one
 * @same_content: its contents are as in @disk
 * @borrowed: its contents are those of @lender, in @inode.layout
 * @moved: it gets a new place
 * @new_xattrs: its attributes are @xattrs, not those in @disk
 * @changed: it has to be written
 * @live: it is in a directory that is in the tree
 */
struct erofs_node {
	struct erofs_inode inode;
	struct erofs_inode disk;
	struct erofs_node *next;
	struct erofs_directory *dir;
	char *path;
	char *target;
	__le32 *chunks;
	u32 chunk_count;
	struct erofs_xattrs xattrs;
	struct erofs_packed *packed;
	const struct erofs_node *lender;
	struct erofs_node *replaces;
	u32 names;
	u32 disk_names;
	bool placed;
	bool given;
	bool torn;
	bool same_content;
	bool borrowed;
	bool moved;
	bool new_xattrs;
	bool changed;
	bool live;
};

struct erofs_names;

struct erofs_tree {
	struct erofs_image *image;
	struct erofs_node *root;
	struct erofs_node *first, **last;
	struct erofs_node **by_nid;	/* a hash table while it is read */
	u64 by_nid_room;
	u64 by_nid_count;
	u64 directory_bytes;
	u32 last_ino;
	struct erofs_names *names;
};

/*
 * Read the whole tree. The image is kept until erofs_tree_free(), which also
 * has to be called after an error. Return: as in image.h; a tree with loops, or
 * where anything overlaps an inode or a directory, is refused.
 */
int erofs_tree_load(struct erofs_tree *tree, struct erofs_image *image);
void erofs_tree_free(struct erofs_tree *tree);

/* @node's compressed contents are not to be used. */
void erofs_packed_free(struct erofs_node *node);

/* A tree of a root only, which has no place on the device yet; the same. */
int erofs_tree_start(struct erofs_tree *tree, struct erofs_image *image);

/* A new node, not in any directory. NULL after an error message. */
struct erofs_node *erofs_tree_add(struct erofs_tree *tree);

/* A new, empty directory in @parent, or the root. NULL after an error message. */
struct erofs_node *erofs_tree_add_directory(struct erofs_tree *tree,
					    struct erofs_node *parent);

/* Find a name among the first @count entries; NULL if it is not there. */
struct erofs_entry *erofs_find(const struct erofs_directory *dir, u32 count,
			       const char *name, size_t length);

/*
 * Add a name at the end; erofs_directory_sort() has to follow when the last one
 * has been added. Entries move. Return: 0 or -ENOMEM after an error message.
 */
int erofs_directory_add(struct erofs_tree *tree, struct erofs_directory *dir,
			const char *name, struct erofs_node *node);
void erofs_directory_sort(struct erofs_directory *dir);

/*
 * Remove a path (see struct extend_plan). Return: 0, -ENOENT after an error
 * message. erofs_tree_end_removal() follows when the last one is removed.
 */
int erofs_tree_remove(struct erofs_tree *tree, const char *path);
void erofs_tree_end_removal(struct erofs_tree *tree);

/**
 * erofs_tree_visit - visit all nodes in the order of names, directories before
 * their entries
 * @visit: @entry is the node's name, or one of them; NULL for the root
 *
 * Return: 0, or what @visit returned if that is not 0.
 */
typedef int (*erofs_visit)(void *context, struct erofs_node *node,
			   const struct erofs_entry *entry, const char *path);
int erofs_tree_visit(struct erofs_tree *tree, erofs_visit visit,
		     void *context);

/* Is that "." or ".."? */
static inline bool erofs_is_dot(const struct erofs_entry *entry)
{
	return entry->name[0] == '.' &&
	       (entry->length == 1 ||
		(entry->length == 2 && entry->name[1] == '.'));
}

#endif /* MKIMAGE_EROFS_TREE_H */
