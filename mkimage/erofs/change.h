/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing an erofs: the steps that erofs_build() and erofs_extend() share, in
 * their order:
 *
 * merge	the source's files get into the tree in memory
 * match	contents that the image already has are found (not if it is new)
 * compress	files that are to be compressed are, into a temporary file
 * place	every changed inode and directory gets its place
 * write	all that is written
 *
 * All but the last one read the device only. Each returns 0, or a negative errno after an error
 * message.
 */
#ifndef MKIMAGE_EROFS_CHANGE_H
#define MKIMAGE_EROFS_CHANGE_H

#include "erofs/tree.h"
#include "fs/filesystem.h"
#include "io.h"
#include "progress.h"
#include "spool.h"

/**
 * struct erofs_change - a change of an erofs
 * @live: nodes of the new tree, directories before their entries
 * @chunked: a file is written as a list of chunks
 * @read_bytes: bytes that a step is to read from the source
 * @read_done: bytes that it has read
 * @compression: blocks of the largest physical cluster that new files are
 *	compressed into; 0: they are not
 * @packed: what the files were compressed to; NULL if none was
 * @start: first block that is added
 * @end: behind the last one
 */
struct erofs_change {
	const struct extend_plan *plan;
	struct erofs_device device;
	struct erofs_image image;
	struct erofs_tree tree;
	struct erofs_node **live;
	u64 live_count;
	u64 live_room;
	u32 compression;
	struct spool *packed;
	u64 start;
	u64 end;
	bool chunked;
	u64 read_bytes;
	u64 read_done;
	struct progress progress;
};

int erofs_merge(struct erofs_change *change);
int erofs_match(struct erofs_change *change);
int erofs_compress(struct erofs_change *change);
int erofs_place(struct erofs_change *change);

/* List the nodes of the new tree in change->live, and count their links. */
int erofs_list_live(struct erofs_change *change);

/*
 * Write the change, unless @ret is an error; free it. Return: @ret, or a negative
 * errno after an error message.
 */
int erofs_finish(struct erofs_change *change, int ret);

/* check.c: read all of it back; see fs/check.h. */
struct check;
int erofs_check_device(const struct erofs_device *device, struct check *check);

/*
 * Open @node's file in the source; it must not have changed. Return: as tree_open().
 */
int erofs_open_source(const struct erofs_change *change,
		      const struct erofs_node *node, struct tree_file *file);

/* Read from it. Return: 0, or a negative errno after an error message. */
int erofs_read_source(struct erofs_change *change,
		      const struct tree_file *file,
		      const struct erofs_node *node, u64 offset, void *data,
		      size_t length);

/*
 * Make the list of @node's logical clusters, with the struct erofs_disk_map in
 * front of it, as long as erofs_list_start() tells.
 */
void erofs_packed_list(const struct erofs_change *change,
		       const struct erofs_node *node, u8 *list);

/*
 * Divide a directory's entries into blocks: sets their block numbers, @blocks
 * and @last_length. With @afresh as few blocks as possible, else most entries
 * stay in the block they are in.
 */
void erofs_directory_divide(struct erofs_directory *dir, bool afresh);

/*
 * Make a block, the entries from @first on; they have their nodes' places.
 * Return: the first entry behind it.
 */
u32 erofs_directory_block(const struct erofs_directory *dir, u32 first,
			  u8 *block);

/* Does the directory on the device differ from the tree? */
bool erofs_directory_differs(const struct erofs_directory *dir);

#endif /* MKIMAGE_EROFS_CHANGE_H */
