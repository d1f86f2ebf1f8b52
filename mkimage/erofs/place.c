// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where changed inodes and directories go.
 *
 * An inode stays where it is if its new form fits there: no reference to it
 * needs a change then, neither in the directories above it nor, for a
 * directory, the ".." in those below it. It fits into the bytes that it had,
 * with its attributes and inline contents. Otherwise it is appended, and each
 * directory that names it gets its new number.
 *
 * A new erofs is one whose inodes all are appended, behind the superblock.
 *
 * Additions come after the device's end: inodes, then blocks of directories,
 * then contents of files. Inodes are packed like mkfs.erofs does: the last,
 * partial block of a file follows its inode if both fit into one block.
 *
 * The blocks of a directory stay where they are as long as there are enough of
 * them, otherwise all are appended: they have to be consecutive.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/message.h"
#include "erofs/change.h"
#include "mkimage.h"

/* Blocks of new inodes that may still take some more. */
#define OPEN_BLOCKS	16u

struct placer {
	struct erofs_change *change;
	struct {
		u64 block;
		u32 used;
	} open[OPEN_BLOCKS];
	u32 open_count;
};

/* A form that an inode may have. */
struct form {
	bool compact;
	bool is_inline;
	u32 header;		/* with attributes */
	u64 list;		/* of chunks or logical clusters, and what aligns it */
	u32 tail;
};

/* Can it be a struct erofs_disk_compact? */
static bool fits_compact(const struct erofs_image *image,
			 const struct erofs_inode *inode)
{
	return inode->uid <= UINT16_MAX && inode->gid <= UINT16_MAX &&
	       inode->nlink <= UINT16_MAX && inode->size <= UINT32_MAX &&
	       inode->mtime == (int64_t)le64_to_cpu(image->super.build_time) &&
	       inode->mtime_nanoseconds ==
	       le32_to_cpu(image->super.build_nanoseconds);
}

/* The inline part, if the layout that it may have is inline. */
static u32 tail_of(const struct erofs_node *node)
{
	if (node->dir)
		return node->dir->last_length;
	if (!erofs_has_content(node->inode.mode))
		return 0;
	if (node->same_content)
		return erofs_tail_size(&node->disk);
	if (node->borrowed)
		return erofs_tail_size(&node->inode);
	if (node->chunks || node->packed)
		return 0;
	return (u32)(node->inode.size & (EROFS_BLOCK_SIZE - 1));
}

/* Must contents stay in the layout that they have on the device? */
static bool fixed_layout(const struct erofs_node *node)
{
	return !node->dir && (node->same_content || node->borrowed);
}

/* The layout of contents that are not inline. */
static u8 layout_of(const struct erofs_node *node)
{
	if (fixed_layout(node))
		return node->same_content ? node->disk.layout :
					    node->inode.layout;
	if (node->chunks)
		return EROFS_CHUNKS;
	return node->packed ? EROFS_COMPRESSED : EROFS_PLAIN;
}

/* Bytes of the list that is written behind the attributes, and what aligns it. */
static u64 list_of(const struct erofs_node *node, bool compact)
{
	struct erofs_inode inode = node->inode;
	u64 bytes;

	inode.compact = compact;
	inode.layout = layout_of(node);
	if (node->chunks)
		inode.address = EROFS_CHUNK_BLOCKS_SHIFT;
	else if (!erofs_is_compressed(&inode))
		return 0;
	return erofs_list_start(&inode, &bytes) + bytes -
	       erofs_header_size(&inode) - inode.xattr_size;
}

/*
 * Does @node in this form fit at @offset of a block, in @room bytes? Sets the
 * rest of the form.
 */
static bool fits(const struct erofs_node *node, u64 offset, u64 room,
		 struct form *form)
{
	form->header = node->inode.xattr_size + (form->compact ?
		       (u32)sizeof(struct erofs_disk_compact) :
		       (u32)sizeof(struct erofs_disk_inode));
	form->list = list_of(node, form->compact);
	form->tail = tail_of(node);
	form->is_inline = form->tail &&
		(u64)form->header + form->tail <= room &&
		((offset + form->header) & (EROFS_BLOCK_SIZE - 1)) +
		form->tail <= EROFS_BLOCK_SIZE;
	return form->header + form->list <= room;
}

static void set_form(struct erofs_node *node, const struct form *form)
{
	node->inode.compact = form->compact;
	if (fixed_layout(node)) {
		node->inode.layout = layout_of(node);
		if (node->same_content)
			node->inode.address = node->disk.address;
		return;
	}
	node->inode.layout = form->is_inline ? EROFS_INLINE : layout_of(node);
	if (node->chunks)
		node->inode.address = EROFS_CHUNK_BLOCKS_SHIFT;
	else if (node->packed)
		node->inode.address = (u32)node->packed->blocks;
	else if (erofs_has_content(node->inode.mode))
		node->inode.address = EROFS_NO_BLOCK;
}

/* Can it stay at its place? If so, sets its form. */
static bool stays(const struct erofs_change *change, struct erofs_node *node)
{
	u64 offset = erofs_inode_offset(&change->image, node->disk.nid);
	u64 room = erofs_inode_room(&node->disk);
	struct form form;
	int i;

	/* A list of chunks is not moved. */
	if (node->same_content && node->disk.layout == EROFS_CHUNKS) {
		form.compact = node->disk.compact;
		if (node->inode.xattr_size != node->disk.xattr_size ||
		    (form.compact && !fits_compact(&change->image,
						   &node->inode)))
			return false;
		set_form(node, &form);
		return true;
	}
	/* Its own form first; a directory's contents rather inline. */
	for (i = 0; i < 4; i++) {
		form.compact = !(i & 1) && node->disk.compact;
		if (form.compact && !fits_compact(&change->image, &node->inode))
			continue;
		if (!fits(node, offset, room, &form))
			continue;
		/* Prefer a new place to a whole block for the tail. */
		if (form.tail && !form.is_inline && !(node->dir && i > 1))
			continue;
		set_form(node, &form);
		return true;
	}
	return false;
}

/* Take room of @length bytes, at most a block, for an inode: its offset. */
static u64 take_room(struct placer *placer, u32 length)
{
	u32 best = OPEN_BLOCKS, fullest = 0, i;
	u64 offset;

	length = (u32)erofs_whole_slots(length);
	for (i = 0; i < placer->open_count; i++) {
		if (placer->open[i].used > placer->open[fullest].used)
			fullest = i;
		if (placer->open[i].used + length <= EROFS_BLOCK_SIZE &&
		    (best == OPEN_BLOCKS ||
		     placer->open[i].used > placer->open[best].used))
			best = i;
	}
	if (best == OPEN_BLOCKS) {
		best = placer->open_count < OPEN_BLOCKS ?
		       placer->open_count++ : fullest;
		placer->open[best].block = placer->change->end++;
		placer->open[best].used = 0;
	}
	offset = (placer->open[best].block << EROFS_BLOCK_SHIFT) +
		 placer->open[best].used;
	placer->open[best].used += length;
	return offset;
}

static void append(struct placer *placer, struct erofs_node *node)
{
	struct erofs_change *change = placer->change;
	struct form form = { 0 };
	u64 offset, length;

	/* At a block's start most fits. */
	fits(node, 0, UINT64_MAX, &form);
	if (fixed_layout(node) &&
	    ((node->same_content && node->disk.layout == EROFS_CHUNKS) ||
	     (form.tail && !form.is_inline))) {
		node->same_content = false;
		node->borrowed = false;
		fits(node, 0, UINT64_MAX, &form);
	}
	set_form(node, &form);
	length = form.header + form.list + (form.is_inline ? form.tail : 0);
	if (length <= EROFS_BLOCK_SIZE) {
		offset = take_room(placer, (u32)length);
	} else {
		offset = change->end << EROFS_BLOCK_SHIFT;
		change->end += erofs_blocks(length);
	}
	node->moved = true;
	node->inode.nid = (offset - change->image.meta_offset) >>
			  EROFS_SLOT_SHIFT;
	if (!node->placed)
		node->inode.ino = ++change->tree.last_ino;
}

/* Set the size that the attributes take, and keep those that are the same. */
static int set_xattrs(struct erofs_change *change, struct erofs_node *node)
{
	struct erofs_xattrs old;
	bool same;
	int ret;

	if (!node->given)
		return 0;
	if (node->placed) {
		ret = erofs_xattrs_read(&change->image, &node->disk, &old);
		if (ret)
			return ret;
		same = old.size == node->xattrs.size &&
		       (!old.size ||
			!memcmp(old.data, node->xattrs.data, old.size));
		erofs_xattrs_free(&old);
		if (same) {
			erofs_xattrs_free(&node->xattrs);
			node->inode.xattr_size = node->disk.xattr_size;
			return 0;
		}
	}
	/* New attributes, and own ones only. */
	node->inode.xattr_size = node->xattrs.size ?
		(u32)(sizeof(struct erofs_disk_xattrs) + node->xattrs.size) : 0;
	node->new_xattrs = true;
	return 0;
}

static bool same_inode(const struct erofs_node *node)
{
	const struct erofs_inode *a = &node->inode, *b = &node->disk;

	return node->placed && !node->new_xattrs && a->mode == b->mode &&
	       a->uid == b->uid && a->gid == b->gid && a->nlink == b->nlink &&
	       a->size == b->size && a->mtime == b->mtime &&
	       a->mtime_nanoseconds == b->mtime_nanoseconds &&
	       (erofs_has_content(a->mode) || a->address == b->address) &&
	       (node->dir || !erofs_has_content(a->mode) ||
		node->same_content);
}

static int place_node(struct placer *placer, struct erofs_node *node)
{
	struct erofs_directory *dir = node->dir;
	struct erofs_change *change = placer->change;
	int ret = set_xattrs(change, node);

	if (ret)
		return ret;
	if (dir && (dir->changed || !node->placed)) {
		erofs_directory_divide(dir, !node->placed);
		node->inode.size = ((u64)(dir->blocks - 1) <<
				    EROFS_BLOCK_SHIFT) + dir->last_length;
	} else if (dir) {
		dir->last_length = (u32)(node->disk.size -
			((u64)(dir->blocks - 1) << EROFS_BLOCK_SHIFT));
	}
	if (same_inode(node) && !(dir && dir->changed)) {
		node->inode = node->disk;
		return 0;
	}
	/* Device numbers are addresses, too. */
	node->changed = true;
	if (node->placed && stays(change, node))
		return 0;
	if (node == change->tree.root && node->placed) {
		message_error("%s: the root directory's inode cannot grow at its place",
			      change->device.name);
		return -ENOSPC;
	}
	append(placer, node);
	return 0;
}

static int too_large(const struct erofs_change *change,
		     const struct erofs_node *node)
{
	message_error("%s: the erofs would get larger than 16 TiB",
		      node->path ? node->path : change->device.name);
	return -EFBIG;
}

/* Give the chunks of a file that change their places. */
static int place_chunks(struct erofs_change *change, struct erofs_node *node)
{
	u64 blocks = erofs_full_blocks(&node->inode);
	u32 i;

	change->chunked = true;
	for (i = 0; i < node->chunk_count; i++) {
		u64 left = blocks - ((u64)i << EROFS_CHUNK_BLOCKS_SHIFT);

		if (le32_to_cpu(node->chunks[i]) != EROFS_NO_BLOCK)
			continue;
		if (change->end + EROFS_CHUNK_BLOCKS > INC_BLOCKS_MAX)
			return too_large(change, node);
		node->chunks[i] = cpu_to_le32((u32)change->end);
		change->end += left < EROFS_CHUNK_BLOCKS ? left :
							   EROFS_CHUNK_BLOCKS;
	}
	return 0;
}

/* Give a directory's or a file's whole blocks their places. */
static int place_blocks(struct erofs_change *change, struct erofs_node *node)
{
	u64 blocks = node->packed ? node->packed->blocks :
				    erofs_full_blocks(&node->inode);

	if (!node->changed || !erofs_has_content(node->inode.mode) || !blocks ||
	    fixed_layout(node))
		return 0;
	if (node->chunks)
		return place_chunks(change, node);
	if (node->dir && node->placed &&
	    blocks <= erofs_full_blocks(&node->disk)) {
		node->inode.address = node->disk.address;
		return 0;
	}
	if (blocks > INC_BLOCKS_MAX || change->end + blocks > INC_BLOCKS_MAX)
		return too_large(change, node);
	if (node->packed)
		node->packed->block = (u32)change->end;
	else
		node->inode.address = (u32)change->end;
	change->end += blocks;
	return 0;
}

/* List a node of the tree once, and count its links. */
static int count_node(void *context, struct erofs_node *node,
		      const struct erofs_entry *entry, const char *path)
{
	struct erofs_change *change = context;

	(void)path;
	if (node->live) {
		node->inode.nlink++;
		return 0;
	}
	if (change->live_count == change->live_room) {
		u64 room = change->live_room ? 2 * change->live_room : 1024;
		struct erofs_node **more = realloc(change->live,
						   room * sizeof(*more));

		if (!more)
			return no_memory();
		change->live = more;
		change->live_room = room;
	}
	change->live[change->live_count++] = node;
	node->live = true;
	node->inode.nlink = node->dir ? 2 : 1;
	if (node->dir && entry)
		node->dir->parent->inode.nlink++;
	return 0;
}

int erofs_list_live(struct erofs_change *change)
{
	return erofs_tree_visit(&change->tree, count_node, change);
}

int erofs_place(struct erofs_change *change)
{
	struct placer placer = { .change = change };
	int ret = 0;
	u64 i;

	change->start = change->end = change->device.blocks;
	/* Behind the superblock there is room, if nothing is there yet. */
	if (!change->tree.root->placed) {
		placer.open_count = 1;
		placer.open[0].used =
			(u32)erofs_whole_slots(change->image.super_end);
	}
	for (i = 0; !ret && i < change->live_count; i++)
		ret = place_node(&placer, change->live[i]);
	for (i = 0; !ret && i < change->live_count; i++)
		if (change->live[i]->dir)
			ret = place_blocks(change, change->live[i]);
	for (i = 0; !ret && i < change->live_count; i++)
		if (!change->live[i]->dir)
			ret = place_blocks(change, change->live[i]);
	if (!ret && change->end > INC_BLOCKS_MAX) {
		message_error("%s: the erofs would get larger than 16 TiB",
			      change->device.name);
		ret = -EFBIG;
	}
	return ret;
}
