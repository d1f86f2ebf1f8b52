/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters that come first in the file, in an order of their own, and how the rest of
 * the device is divided into clusters around them.
 */
#ifndef MKIMAGE_ORDER_H
#define MKIMAGE_ORDER_H

#include "libincremental/hash.h"

/* What starts an app is less; each takes some 40 bytes of memory. */
#define ORDER_CLUSTERS_MAX	(16u << 20)

/*
 * Blocks of a stretch of the file, in which clusters are sorted, so that extents follow
 * each other without padding: 256 KiB of the device.
 */
#define ORDER_STRETCH		64u

/**
 * struct order_cluster - a cluster of the order
 * @block: its first
 * @entry: its map entry, when it has been stored
 */
struct order_cluster {
	u64 entry;
	u32 block;
};

/**
 * struct order - the clusters that come first
 * @shift: log2 of the blocks of each of them
 * @rest_shift: of the largest of the others, not less
 * @device_blocks: of the device
 * @list: in file order, after order_finish(); @count of them
 */
struct order {
	u32 shift;
	u32 rest_shift;
	u64 device_blocks;
	struct order_cluster *list;
	size_t count;
	size_t room;
	u64 *taken;			/* a bit for each cluster of the device */
	u32 *by_block;			/* numbers in @list */
};

/*
 * Start with none: the fields up to @device_blocks filled in, the others zero.
 * Return: 0, or a negative errno after an error message; in either case order_free()
 * frees it.
 */
int order_init(struct order *order);
void order_free(struct order *order);

/*
 * The clusters of these blocks, which the device has, come next, but for those that
 * were added before. Return: as above.
 */
int order_add(struct order *order, u64 block, u64 count);

/* No more come. Return: as above. */
int order_finish(struct order *order);

/* Tells one order from another: INC_SHA256_SIZE bytes. */
void order_id(const struct order *order, u8 *id);

/*
 * The cluster of the device that starts at @block: the log2 of its blocks, and in
 * *@first which one of the order it is, or NULL. @block is 0, or where such a cluster
 * ends. (A cluster may reach past the device's end, as ever.)
 */
u32 order_cluster_at(const struct order *order, u64 block,
		     const struct order_cluster **first);

#endif /* MKIMAGE_ORDER_H */
