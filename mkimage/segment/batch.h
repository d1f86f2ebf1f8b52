/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A piece of a raw filesystem image on its way through the pipeline.
 */
#ifndef MKIMAGE_BATCH_H
#define MKIMAGE_BATCH_H

#include "libincremental/hash.h"

#define BATCH_BLOCKS	256u
#define BATCH_BYTES	(BATCH_BLOCKS << INC_BLOCK_SHIFT)

struct known;

/**
 * struct batch_options - how a batch is to be turned into extents
 * @zero_digest: of a block
 * @level: of LZ4 HC; 0 to hash only
 * @known: clusters with these contents are not compressed; NULL if all are
 * @primed: what to compress with, the dictionary in it; NULL for none
 */
struct batch_options {
	const struct inc_hash *hash;
	const u8 *zero_digest;
	u32 cluster_shift;
	int level;
	const struct known *known;
	const struct compressor *primed;
};

/**
 * compressor_prime - a compressor that has a dictionary loaded
 * @bytes: stay where they are until compressor_free()
 * @level: of LZ4 HC
 *
 * Return: shared by all threads, which copy it for each cluster: loading takes
 * as long as compressing 64 KiB. NULL without memory.
 */
struct compressor *compressor_prime(const u8 *bytes, u32 size, int level);
void compressor_free(struct compressor *compressor);

/**
 * struct batch_cluster - one cluster, compressed
 * @id: identifies the contents, for clusters that are whole
 * @entry: where the contents are stored already, 0 if they are not; then
 * @codec: enum inc_codec
 * @length: stored bytes
 * @stored: the stored bytes, in the batch; NULL if they were not compressed
 */
struct batch_cluster {
	u8 id[INC_SHA256_SIZE];
	u64 entry;
	u8 codec;
	bool whole;			/* not cut off by the device's end */
	u32 length;
	const u8 *stored;
};

/**
 * struct batch - consecutive blocks, the first a multiple of BATCH_BLOCKS
 * @block: first
 * @blocks: how many; if @hole, any number, else up to BATCH_BLOCKS
 * @hole: all zeros, without data here
 * @data: the blocks
 * @packed: room for what they are compressed to
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
	struct batch_cluster clusters[BATCH_BLOCKS];
};

/* The id of a whole cluster whose blocks have @digests, one after the other. */
void batch_cluster_id(const struct batch_options *options, const u8 *digests,
		      u8 *id);

/**
 * struct batch_run - what is done with batches
 * @threads: that hash and compress
 * @produce: fill in the next batch: its fields up to @data. Return 1; 0 if there
 *	is none; or an errno below 0, which ends the run.
 * @consume: take the batch, with all of its fields. Return 0, or an errno below
 *	0. Batches come in order, and both get @context, from the caller's thread.
 */
struct batch_run {
	const struct batch_options *options;
	unsigned int threads;
	void *context;
	int (*produce)(void *context, struct batch *batch);
	int (*consume)(void *context, const struct batch *batch);
};

/* Hash and compress. Return: 0, or the first errno below 0. */
int batch_run(const struct batch_run *run);

#endif /* MKIMAGE_BATCH_H */
