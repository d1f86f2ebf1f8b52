/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters that refer to others of the segment that is being written.
 */
#ifndef MKIMAGE_WITHIN_H
#define MKIMAGE_WITHIN_H

#include "segment/cluster.h"
#include "spool.h"

struct within;

/**
 * within_new - start without anything that can be referred to
 * @within: set on success; freed by within_free()
 * @data: the extents of the segment, which is an image's first; offsets count from their start
 * @dictionary: the segment's, of @size bytes, or NULL and 0
 * @blocks: of the device
 * @cluster_shift: log2 of the blocks of clusters that refer and are referred to
 * @level: of LZ4 HC
 * @dir: where temporary files go
 *
 * @data and @dictionary stay there. It takes 256 MiB at most, and 16 bytes for each cluster.
 * Return: 0, or a negative errno after an error message; so do the functions below.
 */
int within_new(struct within **within, struct spool *data, const u8 *dictionary,
	       u32 size, u64 blocks, u32 cluster_shift, int level,
	       const char *dir);
void within_free(struct within *within);

/*
 * Make a cluster that is about to be stored one with references, if these make it half as long.
 * Its stored bytes then stay until the next call.
 */
int within_refer(struct within *within, struct cluster *cluster);

/* It has been stored as @entry: from now on others can refer to it. */
int within_stored(struct within *within, u64 block, const struct cluster *cluster,
		  u64 entry);

/* Are there extents with references? */
bool within_any(const struct within *within);

/* The data are in the file @fd from @offset on: make references offsets of the file. */
int within_write(const struct within *within, int fd, u64 offset,
		 const char *name);

#endif /* MKIMAGE_WITHIN_H */
