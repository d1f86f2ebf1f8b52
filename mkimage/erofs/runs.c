// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs of a compressed file; see runs.h.
 */
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include "erofs/runs.h"
#include "mkimage.h"

/* An entry of the list, in the machine's byte order. */
struct lcluster {
	u64 number;
	u32 kind;
	u32 offset;
	u32 block;
	u32 back;
};

static int bad_list(const struct erofs_image *image,
		    const struct erofs_inode *inode, u64 number)
{
	return erofs_damaged(image, "logical cluster %llu of inode %llu is of no run",
			     (unsigned long long)number,
			     (unsigned long long)inode->nid);
}

static int read_lcluster(struct erofs_image *image,
			 const struct erofs_inode *inode, u64 number,
			 struct lcluster *lcluster)
{
	struct erofs_disk_lcluster disk;
	u64 bytes, offset = erofs_inode_offset(image, inode->nid) +
			    erofs_list_start(inode, &bytes) +
			    sizeof(struct erofs_disk_map) +
			    number * sizeof(disk);
	int ret = erofs_meta_read(image, offset, &disk, sizeof(disk));

	if (ret)
		return ret;
	lcluster->number = number;
	lcluster->kind = le16_to_cpu(disk.advice);
	lcluster->offset = le16_to_cpu(disk.offset);
	lcluster->block = le32_to_cpu(disk.block);
	lcluster->back = le16_to_cpu(disk.back);
	/* A second algorithm and parts of clusters that are shared, too. */
	if (lcluster->kind > EROFS_LCLUSTER_BODY)
		return bad_list(image, inode, number);
	if (lcluster->kind != EROFS_LCLUSTER_BODY)
		return lcluster->offset < EROFS_BLOCK_SIZE ? 0 :
		       bad_list(image, inode, number);
	if (lcluster->back & EROFS_LCLUSTER_BLOCKS) {
		lcluster->block = lcluster->back & ~EROFS_LCLUSTER_BLOCKS;
		lcluster->back = 1;
	} else {
		lcluster->block = 1;
	}
	return lcluster->back && lcluster->back <= number ? 0 :
	       bad_list(image, inode, number);
}

/* The entry in which the run of byte @offset starts. */
static int find_head(struct erofs_image *image, const struct erofs_inode *inode,
		     u64 offset, struct lcluster *head)
{
	u64 number = offset >> EROFS_BLOCK_SHIFT;
	int ret;

	for (;;) {
		ret = read_lcluster(image, inode, number, head);
		if (ret)
			return ret;
		if (head->kind == EROFS_LCLUSTER_BODY)
			number -= head->back;
		else if ((number << EROFS_BLOCK_SHIFT) + head->offset <= offset)
			return 0;
		else if (number--)
			continue;
		else
			return bad_list(image, inode, 0);
	}
}

int erofs_run_find(struct erofs_image *image, const struct erofs_inode *inode,
		   u64 offset, struct erofs_run *run)
{
	u64 end = inode->size, last = erofs_blocks(inode->size), number;
	struct lcluster head, next;
	int ret = find_head(image, inode, offset, &head);

	if (ret)
		return ret;
	run->start = (head.number << EROFS_BLOCK_SHIFT) + head.offset;
	run->plain = head.kind == EROFS_LCLUSTER_PLAIN;
	run->block = head.block;
	run->blocks = 1;
	/* No run is that long; the list may say so at each of its entries. */
	if (last > head.number + 2 + EROFS_CLUSTER_BLOCKS_MAX * EROFS_EXPANDS_MAX)
		last = head.number + 2 +
		       EROFS_CLUSTER_BLOCKS_MAX * EROFS_EXPANDS_MAX;
	for (number = head.number + 1; number < last; number++) {
		ret = read_lcluster(image, inode, number, &next);
		if (ret)
			return ret;
		if (next.kind != EROFS_LCLUSTER_BODY) {
			end = (number << EROFS_BLOCK_SHIFT) + next.offset;
			break;
		}
		if (number == head.number + 1)
			run->blocks = next.block;
	}
	if (end > inode->size)
		end = inode->size;
	run->length = end - run->start;
	if (offset >= end || !run->blocks ||
	    run->blocks > image->cluster_blocks ||
	    run->length > ((u64)run->blocks << EROFS_BLOCK_SHIFT) *
			  (run->plain ? 1 : EROFS_EXPANDS_MAX))
		return bad_list(image, inode, head.number);
	if (run->block >= image->device->blocks ||
	    run->blocks > image->device->blocks - run->block)
		return erofs_damaged(image, "contents of inode %llu reach behind the device's end",
				     (unsigned long long)inode->nid);
	return 0;
}

static int expand(struct erofs_image *image, const struct erofs_inode *inode,
		  const struct erofs_run *run, const u8 *stored, u64 skip,
		  void *data, size_t length)
{
	u32 size = run->blocks << EROFS_BLOCK_SHIFT, start = 0;
	u64 end = skip + length;
	u8 *bytes = malloc(end);
	int made;

	if (!bytes)
		return no_memory();
	while (start < size && !stored[start])
		start++;
	made = LZ4_decompress_safe_partial((const char *)stored + start,
					   (char *)bytes, (int)(size - start),
					   (int)end, (int)end);
	if (made >= 0 && (u64)made == end)
		memcpy(data, bytes + skip, length);
	free(bytes);
	if (made >= 0 && (u64)made == end)
		return 0;
	return erofs_damaged(image, "inode %llu is not LZ4's at byte %llu",
			     (unsigned long long)inode->nid,
			     (unsigned long long)run->start);
}

int erofs_run_read(struct erofs_image *image, const struct erofs_inode *inode,
		   const struct erofs_run *run, u64 skip, void *data,
		   size_t length)
{
	u64 place = (u64)run->block << EROFS_BLOCK_SHIFT;
	u32 size = run->blocks << EROFS_BLOCK_SHIFT;
	u8 *stored;
	int ret;

	if (run->plain)
		return image->device->read(image->device->context,
					   place + skip, data, length);
	stored = malloc(size);
	if (!stored)
		return no_memory();
	ret = image->device->read(image->device->context, place, stored, size);
	if (!ret)
		ret = expand(image, inode, run, stored, skip, data, length);
	free(stored);
	return ret;
}
