/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading single files and directories of a filesystem, and nothing else of it.
 */
#ifndef MKIMAGE_READER_H
#define MKIMAGE_READER_H

#include "fs/overlay.h"
#include "fs/tree.h"

/**
 * struct node - an inode
 * @number: that the filesystem has for it
 * @seconds, @nanoseconds: when its contents were changed
 * @device: of a device node, as makedev(3) has it
 */
struct node {
	u64 number;
	u64 size;
	int64_t seconds;
	u64 device;
	u32 nanoseconds;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 links;
};

/* The longest text of a symbolic link, and the most that one read() takes. */
#define READER_LINK_MAX	4096u
#define READER_READ_MAX	(1u << 20)

/**
 * reader_entry - called for each name in a directory but "." and ".."
 * @name: 1 to 255 bytes, none of them "/"
 *
 * Return: 0 to go on, else what the walk returns.
 */
typedef int (*reader_entry)(void *context, const char *name, u64 number);

/**
 * struct reader - how a filesystem is read
 * @root: number of its root directory
 * @open: set *opened; freed by @close, which comes before overlay_close()
 * @node: read and check an inode
 * @list: the names in a directory, in any order
 * @read: bytes of a regular file's contents, or of a symbolic link's text: @offset + @length
 *	is at most @node->size, and @length at most READER_READ_MAX
 * @xattrs: all extended attributes
 *
 * All that return an int return 0, or a negative errno after an error message. One thread at
 * a time.
 */
struct reader {
	int (*open)(struct overlay *overlay, void **opened);
	void (*close)(void *opened);
	u64 (*root)(void *opened);
	int (*node)(void *opened, u64 number, struct node *node);
	int (*list)(void *opened, const struct node *dir, reader_entry entry,
		    void *context);
	int (*read)(void *opened, const struct node *node, u64 offset,
		    void *data, size_t length);
	int (*xattrs)(void *opened, const struct node *node, xattr_visit visit,
		      void *context);
};

#endif /* MKIMAGE_READER_H */
