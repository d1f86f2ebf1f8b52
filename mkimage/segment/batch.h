/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A piece of a raw filesystem image on its way through the pipeline.
 */
#ifndef MKIMAGE_BATCH_H
#define MKIMAGE_BATCH_H

#include "segment/cluster.h"

#define BATCH_BLOCKS	256u
#define BATCH_BYTES	(BATCH_BLOCKS << INC_BLOCK_SHIFT)

/**
 * struct batch - consecutive blocks, the first a multiple of BATCH_BLOCKS
 * @block: first
 * @blocks: how many; if @hole, any number, else up to BATCH_BLOCKS
 * @hole: all zeros, without data here
 * @data: the blocks
 * @packed: room for the compressed bytes
 * @digest: of each block
 * @clusters: filled in by batch_run()
 */
struct batch {
	u64 block;
	u64 blocks;
	bool hole;
	u8 *data;
	u8 *packed;
	u8 digest[BATCH_BLOCKS][INC_SHA256_SIZE];
	u32 cluster_count;
	struct cluster clusters[BATCH_BLOCKS];
};

/**
 * struct batch_run - how batches are made and used
 * @threads: that hash and compress
 * @produce: fill in the next batch: its fields up to @data. Return 1; 0 if there
 * is none; or a negative errno, which ends the run.
 * @consume: take the batch, with all of its fields. Return 0, or a negative
 * errno. Batches come in order, and both get @context, from the caller's thread.
 */
struct batch_run {
	const struct cluster_options *options;
	unsigned int threads;
	void *context;
	int (*produce)(void *context, struct batch *batch);
	int (*consume)(void *context, const struct batch *batch);
};

/* Hash and compress. Return: 0, or the first negative errno. */
int batch_run(const struct batch_run *run);

#endif /* MKIMAGE_BATCH_H */
