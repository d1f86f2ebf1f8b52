/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All clusters of an image that may be referred to, one behind the other: generation by
 * generation those whose extents its own segment holds, in the order of the device, and
 * so, mostly, of the file. Positions count the bytes of that row.
 */
#ifndef MKIMAGE_ROW_H
#define MKIMAGE_ROW_H

#include "libincremental/incremental.h"
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
 */
struct row {
	struct row_cluster *clusters;
	u32 count;
	u32 blocks;
	u32 room;
	u32 *generations;	/* where each one's begin, and the end */
};

/*
 * Make the row of the image, up to the open generation. Clusters of more than
 * 2^@shift_most blocks are left out. Return: 0, or a negative errno after an error
 * message; row_free() frees it in either case.
 */
int row_make(struct row *row, struct incr_image *image, const char *name,
	     u32 shift_most);
void row_free(struct row *row);

/* Read and verify the row, and index it. Return: as row_make(). */
int row_index(const struct row *row, struct incr_image *image, const char *name,
	      struct anchors *anchors, unsigned int threads);

/* Number of the cluster with a position that is in the row. */
u32 row_find(const struct row *row, u64 position);

#endif /* MKIMAGE_ROW_H */
