/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A segment that has some clusters, and the metadata that they take, first in the file.
 */
#ifndef MKIMAGE_ORDERED_H
#define MKIMAGE_ORDERED_H

#include "segment/order.h"
#include "segment/segment.h"

/**
 * ordered_store - store the clusters of an order, before segment_add() is called
 * @seg: after segment_init(), with INC_COMPAT_NEAR
 * @order: finished; gets its entries, for @options->order of what follows
 * @options: how clusters are made, @order NULL
 * @threads: that work
 * @fd, @name: the device
 *
 * Return: 0, or a negative errno after an error message.
 */
int ordered_store(struct segment *seg, struct order *order,
		  const struct cluster_options *options, unsigned int threads,
		  int fd, const char *name);

/*
 * Then, after segment_finish(): the pages of map and tree that these clusters take come
 * first, too. Return: as above.
 */
int ordered_gather(struct segment *seg, const struct order *order);

#endif /* MKIMAGE_ORDERED_H */
