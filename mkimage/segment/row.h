/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters of an image that may be referred to, one behind the other: first those that
 * the change replaces, then, generation by generation, those whose extents its own segment
 * holds, in the order of the device, and so, mostly, of the file. Positions count the bytes
 * of that row.
 */
#ifndef MKIMAGE_ROW_H
#define MKIMAGE_ROW_H

#include "fs/overlay.h"
#include "segment/anchors.h"

/**
 * struct row_cluster - one of them
 * @entry: its map entry, of any codec but zero and INC_CODEC_LZ4_REFERENCES
 * @first: its first block in the row
 * @block: its first block in its generation
 */
struct row_cluster {
	u64 entry;
	u32 first;
	u32 block;
};

/**
 * struct row - the row
 * @count: of clusters; zeros are an empty row
 * @blocks: in the row
 * @room, @most: of @clusters, of @blocks
 * @parts: the first cluster of each part, and the end: the part of what is replaced, then
 *	one of each generation
 * @replaced: offsets of the extents of the first part, sorted
 */
struct row {
	struct row_cluster *clusters;
	u32 count;
	u32 blocks;
	u32 room;
	u32 most;
	u32 *parts;
	u64 *replaced;
};

/*
 * Make the row of the overlay's image, up to the open generation, and of @most blocks.
 * Clusters of more than 2^@shift_most blocks are left out. Return: 0, or a negative errno
 * after an error message; row_free() frees it in either case.
 */
int row_make(struct row *row, const struct overlay *overlay, u32 shift_most,
	     u64 most);
void row_free(struct row *row);

/*
 * Add the cluster of @block, of @blocks blocks, which is not indexed. Return: 0, also if the row
 * is as long as it may be; or -ENOMEM after an error message.
 */
int row_add(struct row *row, u64 entry, u64 block, u32 blocks);

/* Read and verify the row, and index it. Return: as row_make(). */
int row_index(const struct row *row, const struct overlay *overlay,
	      struct anchors *anchors, unsigned int threads);

/* Number of the cluster with a position that is in the row. */
u32 row_find(const struct row *row, u64 position);

#endif /* MKIMAGE_ROW_H */
