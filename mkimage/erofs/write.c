// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing the changes of an erofs. All places are known. Nothing is overwritten
 * before it is read: kept attributes and inline contents are read when their
 * own inode is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "erofs/change.h"
#include "erofs/content.h"
#include "mkimage.h"
#include "progress.h"

#define BUFFER_SIZE	(1u << 20)

struct writer {
	struct erofs_change *change;
	u8 *buffer;		/* BUFFER_SIZE bytes */
	u8 *inode;		/* the largest inode with all that follows it */
};

#define INODE_ROOM	(sizeof(struct erofs_disk_inode) + EROFS_XATTRS_MAX + \
			 EROFS_BLOCK_SIZE + EROFS_SLOT_SIZE)

static int write_device(struct erofs_change *change, u64 offset,
		       const void *data, size_t length)
{
	return change->device.write(change->device.context, offset, data,
				    length);
}

static bool from_source(const struct erofs_node *node)
{
	return node->given && S_ISREG(node->inode.mode);
}

/* Links that fit beside their inode are inline; the others have a block. */
static bool link_has_block(const struct erofs_node *node)
{
	return node->given && S_ISLNK(node->inode.mode) &&
	       !node->same_content && erofs_full_blocks(&node->inode);
}

/* The attributes as they follow the header, @node->inode.xattr_size bytes. */
static int make_xattrs(struct writer *writer, const struct erofs_node *node,
		       u8 *out)
{
	struct erofs_change *change = writer->change;

	if (!node->inode.xattr_size)
		return 0;
	if (!node->new_xattrs)
		return erofs_meta_read(&change->image,
				       erofs_inode_offset(&change->image,
							  node->disk.nid) +
				       erofs_header_size(&node->disk), out,
				       node->inode.xattr_size);
	memset(out, 0, sizeof(struct erofs_disk_xattrs));
	memcpy(out + sizeof(struct erofs_disk_xattrs), node->xattrs.data,
	       node->xattrs.size);
	return 0;
}

/* The inline contents, @size bytes, of a file or link. */
static int make_tail(struct writer *writer, const struct erofs_node *node,
		     const struct tree_file *file, u8 *out, u32 size)
{
	u64 start = erofs_full_blocks(&node->inode) << EROFS_BLOCK_SHIFT;

	if (!size)
		return 0;
	if (from_source(node))
		return erofs_read_source(writer->change, file, node, start,
					 out, size);
	if (!node->given)
		return erofs_content_read(&writer->change->image, &node->disk,
					  start, out, size);
	memcpy(out, node->target + start, size);
	return 0;
}

/* Write an inode with attributes and @tail, which is inline. */
static int write_inode(struct writer *writer, const struct erofs_node *node,
		       size_t length)
{
	struct erofs_change *change = writer->change;
	size_t end = (size_t)erofs_whole_slots(length);

	/* Clear the rest of the old inode. */
	if (!node->moved && end < erofs_inode_room(&node->disk))
		end = (size_t)erofs_inode_room(&node->disk);
	/* A list of chunks stays that is not written anew. */
	if (node->inode.layout == EROFS_CHUNKS)
		end = length;
	memset(writer->inode + length, 0, end - length);
	return write_device(change,
			   erofs_inode_offset(&change->image, node->inode.nid),
			   writer->inode, end);
}

/* The header and the attributes; sets where they end. */
static int start_inode(struct writer *writer, const struct erofs_node *node,
		       size_t *length)
{
	size_t header = erofs_header_size(&node->inode);

	erofs_inode_write(&node->inode, writer->inode);
	*length = header + node->inode.xattr_size;
	return make_xattrs(writer, node, writer->inode + header);
}

static int write_directory(struct writer *writer, const struct erofs_node *node)
{
	const struct erofs_directory *dir = node->dir;
	u64 full = erofs_full_blocks(&node->inode);
	u64 place = (u64)node->inode.address << EROFS_BLOCK_SHIFT;
	u8 block[EROFS_BLOCK_SIZE];
	u32 next = 0, number;
	size_t length;
	int ret = start_inode(writer, node, &length);

	for (number = 0; !ret && number < dir->blocks; number++) {
		next = erofs_directory_block(dir, next, block);
		if (number < full) {
			ret = write_device(writer->change, place, block,
					  sizeof(block));
			place += sizeof(block);
		} else {
			memcpy(writer->inode + length, block,
			       dir->last_length);
			length += dir->last_length;
		}
	}
	return ret ? ret : write_inode(writer, node, length);
}

/* Bytes of a new file that go, as they are, into blocks of their own. */
static u64 block_bytes(const struct erofs_node *node)
{
	u64 bytes = erofs_full_blocks(&node->inode) << EROFS_BLOCK_SHIFT;

	if (!from_source(node) || !node->changed || node->same_content ||
	    node->borrowed || node->packed)
		return 0;
	return bytes < node->inode.size ? bytes : node->inode.size;
}

/*
 * Write the bytes from @done up to @end of a file to @place and on. The blocks are zeros,
 * so the file's holes are passed over.
 */
static int write_blocks(struct writer *writer, const struct erofs_node *node,
			const struct tree_file *file, u64 done, u64 end,
			u64 place)
{
	u64 start = done;
	int ret = 0;

	while (!ret && done < end) {
		u64 data = tree_seek_data(file, done, end);
		size_t part = BUFFER_SIZE, padded;

		if (data == end)
			break;
		data &= ~(u64)(EROFS_BLOCK_SIZE - 1);
		if (data > done)
			done = data;
		if (done >= end)
			break;
		if (part > end - done)
			part = (size_t)(end - done);
		padded = (part + EROFS_BLOCK_SIZE - 1) &
			 ~(size_t)(EROFS_BLOCK_SIZE - 1);
		ret = erofs_read_source(writer->change, file, node, done,
					writer->buffer, part);
		if (ret)
			break;
		memset(writer->buffer + part, 0, padded - part);
		ret = write_device(writer->change, place + (done - start),
				   writer->buffer, padded);
		done += part;
	}
	return ret;
}

/* Chunks that did not change are below the blocks that are added. */
static int write_chunks(struct writer *writer, const struct erofs_node *node,
			const struct tree_file *file)
{
	u64 bytes = (u64)EROFS_CHUNK_BLOCKS << EROFS_BLOCK_SHIFT, end;
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < node->chunk_count; i++) {
		u64 block = le32_to_cpu(node->chunks[i]);

		if (block < writer->change->start)
			continue;
		end = (i + 1) * bytes;
		if (end > node->inode.size)
			end = node->inode.size;
		ret = write_blocks(writer, node, file, i * bytes, end,
				   block << EROFS_BLOCK_SHIFT);
	}
	return ret;
}

/* The list of chunks or of logical clusters, new or as it is. */
static int make_list(struct writer *writer, const struct erofs_node *node,
		     u8 *list, u64 bytes)
{
	struct erofs_image *image = &writer->change->image;
	const struct erofs_inode *from = node->borrowed ? &node->lender->disk :
							  &node->disk;
	u64 there;

	if (node->chunks)
		memcpy(list, node->chunks, bytes);
	else if (node->packed)
		erofs_packed_list(writer->change, node, list);
	else
		return erofs_meta_read(image,
				       erofs_inode_offset(image, from->nid) +
				       erofs_list_start(from, &there), list,
				       bytes);
	return 0;
}

/* An inode with its list, which may be longer than any other. */
static int write_list(struct writer *writer, const struct erofs_node *node,
		      size_t length)
{
	u64 size, start = erofs_list_start(&node->inode, &size);
	u64 room = erofs_inode_room(&node->inode);
	u8 *bytes;
	int ret;

	/* Clear the rest of the old inode. */
	if (!node->moved && room < erofs_inode_room(&node->disk))
		room = erofs_inode_room(&node->disk);
	bytes = calloc(1, room);
	if (!bytes)
		return no_memory();
	memcpy(bytes, writer->inode, length);
	ret = make_list(writer, node, bytes + start, size);
	if (!ret)
		ret = write_device(writer->change,
				   erofs_inode_offset(&writer->change->image,
						      node->inode.nid), bytes,
				   room);
	free(bytes);
	return ret;
}

static int write_packed_blocks(struct writer *writer,
			       const struct erofs_packed *packed)
{
	u64 left = packed->blocks << EROFS_BLOCK_SHIFT, done = 0;
	int ret = 0;

	while (!ret && done < left) {
		size_t part = BUFFER_SIZE;

		if (part > left - done)
			part = (size_t)(left - done);
		ret = spool_read(writer->change->packed, packed->place + done,
				 part, writer->buffer);
		if (!ret)
			ret = write_device(writer->change,
					   ((u64)packed->block <<
					    EROFS_BLOCK_SHIFT) + done,
					   writer->buffer, part);
		done += part;
	}
	return ret;
}

static int write_link_block(struct writer *writer,
			    const struct erofs_node *node)
{
	u8 block[EROFS_BLOCK_SIZE] = { 0 };

	memcpy(block, node->target, (size_t)node->inode.size);
	return write_device(writer->change,
			   (u64)node->inode.address << EROFS_BLOCK_SHIFT,
			   block, sizeof(block));
}

static int write_file(struct writer *writer, const struct erofs_node *node)
{
	u32 tail = erofs_has_content(node->inode.mode) ?
		   erofs_tail_size(&node->inode) : 0;
	struct tree_file file = { .fd = -1 };
	size_t length;
	int ret;

	ret = start_inode(writer, node, &length);
	if (!ret && from_source(node) && (tail || block_bytes(node)))
		ret = erofs_open_source(writer->change, node, &file);
	if (!ret && node->chunks)
		ret = write_chunks(writer, node, &file);
	else if (!ret && node->packed)
		ret = write_packed_blocks(writer, node->packed);
	else if (!ret && block_bytes(node))
		ret = write_blocks(writer, node, &file, 0, block_bytes(node),
				   (u64)node->inode.address <<
				   EROFS_BLOCK_SHIFT);
	if (!ret && link_has_block(node))
		ret = write_link_block(writer, node);
	if (!ret)
		ret = make_tail(writer, node, &file, writer->inode + length,
				tail);
	tree_file_close(&file);
	if (!ret && (node->chunks || erofs_is_compressed(&node->inode)))
		return write_list(writer, node, length);
	return ret ? ret : write_inode(writer, node, length + tail);
}

static int write_super(struct erofs_change *change)
{
	u8 block[EROFS_BLOCK_SIZE];
	struct erofs_disk_super super = change->image.super;
	int ret;

	ret = change->device.read(change->device.context, 0, block,
				  sizeof(block));
	if (ret)
		return ret;
	/* The time stays: it is that of all compact inodes. */
	super.root_nid = cpu_to_le16((u16)change->tree.root->inode.nid);
	super.inodes = cpu_to_le64(change->live_count);
	super.blocks = cpu_to_le32((u32)change->end);
	if (change->chunked)
		super.incompat |= cpu_to_le32(EROFS_INCOMPAT_CHUNKS);
	super.checksum = 0;
	memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof(super));
	if (le32_to_cpu(super.compat) & EROFS_COMPAT_CHECKSUM) {
		super.checksum = cpu_to_le32(erofs_checksum(block));
		memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof(super));
	}
	return write_device(change, 0, block, sizeof(block));
}

static int write_change(struct erofs_change *change)
{
	struct writer writer = { .change = change };
	u64 i;
	int ret = 0;

	change->read_bytes = 0;
	change->read_done = 0;
	for (i = 0; i < change->live_count; i++)
		change->read_bytes += block_bytes(change->live[i]);
	writer.buffer = malloc(BUFFER_SIZE);
	writer.inode = malloc(INODE_ROOM);
	if (!writer.buffer || !writer.inode)
		ret = no_memory();
	if (!ret && change->end > change->start)
		ret = change->device.resize(change->device.context,
					    change->end);
	progress_start(&change->progress, "adding files", change->read_bytes);
	for (i = 0; !ret && i < change->live_count; i++) {
		const struct erofs_node *node = change->live[i];

		if (node->dir && (node->changed ||
				  erofs_directory_differs(node->dir)))
			ret = write_directory(&writer, node);
		else if (!node->dir && node->changed)
			ret = write_file(&writer, node);
	}
	progress_end(&change->progress);
	if (!ret)
		ret = write_super(change);
	free(writer.buffer);
	free(writer.inode);
	return ret;
}

/* Tell which blocks had the contents of files that are changed or gone. */
static int note_old(struct erofs_change *change)
{
	const struct erofs_device *device = &change->device;
	const struct erofs_node *node;
	u64 index, full, count;
	u32 block;
	int ret = 0;

	if (!device->note_old)
		return 0;
	for (node = change->tree.first; !ret && node; node = node->next) {
		/* Compressed contents have little in common with others. */
		if (!node->placed || !S_ISREG(node->disk.mode) ||
		    erofs_is_compressed(&node->disk) ||
		    (node->live && (!node->given || node->same_content)))
			continue;
		full = erofs_full_blocks(&node->disk);
		for (index = 0; !ret && index < full; index += count) {
			ret = erofs_content_blocks(&change->image, &node->disk,
						   index, &block, &count);
			if (!ret && block != EROFS_NO_BLOCK)
				ret = device->note_old(device->context, block,
						       count);
		}
	}
	return ret;
}

int erofs_finish(struct erofs_change *change, int ret)
{
	if (!ret)
		ret = erofs_list_live(change);
	if (!ret)
		ret = erofs_compress(change);
	if (!ret)
		ret = erofs_place(change);
	if (!ret)
		ret = note_old(change);
	if (!ret)
		ret = write_change(change);
	spool_free(change->packed);
	free(change->live);
	erofs_tree_free(&change->tree);
	erofs_close(&change->image);
	return ret;
}
