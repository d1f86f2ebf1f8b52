// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading contents; see content.h.
 */
#include <errno.h>
#include "common/message.h"
#include "erofs/content.h"
#include "erofs/runs.h"

/* The first block of chunk @chunk. */
static int find_chunk(struct erofs_image *image,
		      const struct erofs_inode *inode, u64 chunk, u32 *block)
{
	struct erofs_disk_chunk disk = { 0 };
	u32 entry = erofs_chunk_entry(inode);
	u64 bytes;
	u64 offset = erofs_inode_offset(image, inode->nid) +
		     erofs_list_start(inode, &bytes) + chunk * entry;
	int ret;

	ret = erofs_meta_read(image, offset,
			      entry == sizeof(disk) ? (void *)&disk :
						      (void *)&disk.block,
			      entry);
	if (ret)
		return ret;
	*block = le32_to_cpu(disk.block);
	if (*block != EROFS_NO_BLOCK && le16_to_cpu(disk.device)) {
		message_error("%s: contents of inode %llu of the erofs are on another device",
			      image->device->name,
			      (unsigned long long)inode->nid);
		return -ENOTSUP;
	}
	return 0;
}

int erofs_content_blocks(struct erofs_image *image,
			 const struct erofs_inode *inode, u64 index,
			 u32 *block, u64 *count)
{
	u64 blocks = erofs_full_blocks(inode), in_chunk;
	u32 shift;
	int ret;

	*count = blocks - index;
	if (inode->layout != EROFS_CHUNKS) {
		*block = inode->address + (u32)index;
		return 0;
	}
	shift = erofs_chunk_shift(inode) - EROFS_BLOCK_SHIFT;
	in_chunk = index & (((u64)1 << shift) - 1);
	if (*count > ((u64)1 << shift) - in_chunk)
		*count = ((u64)1 << shift) - in_chunk;
	ret = find_chunk(image, inode, index >> shift, block);
	if (ret || *block == EROFS_NO_BLOCK)
		return ret;
	if (*block + in_chunk + *count > image->device->blocks)
		return erofs_damaged(image, "contents of inode %llu reach behind the device's end",
				     (unsigned long long)inode->nid);
	*block += (u32)in_chunk;
	return 0;
}

static int read_blocks(struct erofs_image *image,
		       const struct erofs_inode *inode, u64 offset, u8 *data,
		       size_t length)
{
	while (length) {
		u32 in_block = (u32)(offset & (EROFS_BLOCK_SIZE - 1)), block;
		size_t part = length;
		u64 count;
		int ret;

		ret = erofs_content_blocks(image, inode,
					   offset >> EROFS_BLOCK_SHIFT, &block,
					   &count);
		if (ret)
			return ret;
		if (part > (count << EROFS_BLOCK_SHIFT) - in_block)
			part = (size_t)((count << EROFS_BLOCK_SHIFT) -
					in_block);
		if (block == EROFS_NO_BLOCK)
			memset(data, 0, part);
		else
			ret = image->device->read(image->device->context,
						  ((u64)block <<
						   EROFS_BLOCK_SHIFT) +
						  in_block, data, part);
		if (ret)
			return ret;
		data += part;
		offset += part;
		length -= part;
	}
	return 0;
}

static int read_runs(struct erofs_image *image, const struct erofs_inode *inode,
		     u64 offset, u8 *data, size_t length)
{
	struct erofs_run run;
	int ret = 0;

	while (!ret && length) {
		size_t part = length;
		u64 skip;

		ret = erofs_run_find(image, inode, offset, &run);
		if (ret)
			break;
		skip = offset - run.start;
		if (part > run.length - skip)
			part = (size_t)(run.length - skip);
		ret = erofs_run_read(image, inode, &run, skip, data, part);
		data += part;
		offset += part;
		length -= part;
	}
	return ret;
}

int erofs_content_read(struct erofs_image *image,
		       const struct erofs_inode *inode, u64 offset, void *data,
		       size_t length)
{
	u64 inline_start = erofs_full_blocks(inode) << EROFS_BLOCK_SHIFT;
	size_t part = 0;
	int ret;

	if (inode->layout == EROFS_COMPRESSED)
		return read_runs(image, inode, offset, data, length);
	if (offset < inline_start) {
		part = inline_start - offset < length ?
		       (size_t)(inline_start - offset) : length;
		ret = read_blocks(image, inode, offset, data, part);
		if (ret)
			return ret;
	}
	if (part == length)
		return 0;
	return erofs_meta_read(image, erofs_inode_offset(image, inode->nid) +
			       erofs_header_size(inode) + inode->xattr_size +
			       (offset + part - inline_start),
			       (u8 *)data + part, length - part);
}
