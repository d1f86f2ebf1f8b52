/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names and files of a tree in memory, for model.c, which makes it, and model-tree.c,
 * which reads it.
 */
#ifndef MKIMAGE_NODES_H
#define MKIMAGE_NODES_H

#include "fs/tree.h"

struct xattr {
	struct xattr *next;
	size_t size;
	u8 *value;		/* behind the name */
	char name[];
};

/**
 * struct model_inode - a file, which may have several names
 * @number: told as st_ino
 * @start: of the contents in the temporary file
 * @stored: bytes of them that are no hole
 */
struct model_inode {
	struct model_inode *next;
	u64 number;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	dev_t device;
	struct timespec time;
	u64 size;
	u64 start;
	u64 stored;
	u32 names;
	char *target;
	struct xattr *xattrs;
};

/*
 * A name in a directory. One that was removed stays in the table, without an inode, and is
 * not among its parent's children.
 */
struct node {
	struct node *parent;
	struct node *sibling;	/* the next of the parent's children */
	struct node **link;	/* the pointer to this one */
	struct node *children;
	struct node **sorted;	/* the same, by model_finish() */
	u32 count;
	u32 hash;
	u32 layer;		/* that gave it its inode */
	u32 cleared;		/* the layer that removed what older ones had below */
	struct model_inode *inode;
	char name[];
};

struct model {
	struct tree tree;
	const char *name;
	int fd;
	u64 end;		/* of what is written to it */
	u64 most;		/* bytes that files may have yet */
	u64 text;		/* bytes of names and attributes, the same */
	u32 left;		/* names, the same */
	u32 layer;
	struct node *root;
	struct node **table;
	u32 room;		/* of the table, a power of two */
	u32 used;
	struct model_inode *inodes;
	u64 numbers;
	bool root_timed;
};

/* A name that is in no directory yet; NULL after an error message. */
struct node *model_new_node(const char *name, size_t length);

/*
 * Put a new name, without an inode, into the table. Return: 0 or -ENOMEM after an error
 * message.
 */
int model_add_node(struct model *model, struct node *parent, const char *name,
		   size_t length, struct node **node);

/* The name in @parent, removed ones included; NULL: there was never one. */
struct node *model_find(const struct model *model, const struct node *parent,
			const char *name, size_t length);

/* The one that has the path; NULL: there is nothing. */
struct node *model_look_up(const struct model *model, const char *path);

static inline bool model_is_directory(const struct node *node)
{
	return node->inode && S_ISDIR(node->inode->mode);
}

#endif /* MKIMAGE_NODES_H */
