/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One cluster: the id of its contents, and their compression.
 */
#ifndef MKIMAGE_CLUSTER_H
#define MKIMAGE_CLUSTER_H

#include "libincremental/hash.h"

struct known;
struct order;
struct windows;

/**
 * struct cluster_options - how clusters are made
 * @zero_digest: of a block
 * @cluster_shift: log2 of their blocks, if @order is NULL
 * @order: tells how the device is divided into clusters, and those that it has are
 *	stored already
 * @level: of LZ4 HC; 0 to hash only
 * @rather_plain: compress only what becomes much smaller by it
 * @known: clusters with these contents are not compressed; NULL if all are
 * @primed: a compressor with the dictionary; NULL for none
 * @windows: what clusters may refer to; NULL for nothing
 */
struct cluster_options {
	const struct inc_hash *hash;
	const u8 *zero_digest;
	u32 cluster_shift;
	int level;
	bool rather_plain;
	const struct known *known;
	const struct compressor *primed;
	const struct order *order;
	const struct windows *windows;
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
 * struct cluster - one, compressed
 * @id: identifies the contents, for clusters that are whole
 * @shift: log2 of its blocks
 * @entry: where the contents are stored already, 0 if they are not; then
 * @codec: enum inc_codec
 * @length: stored bytes
 * @stored: the stored bytes, in a batch; NULL if they were not compressed
 * @data: the expanded bytes, in a batch; likewise
 */
struct cluster {
	u8 id[INC_SHA256_SIZE];
	u64 entry;
	u8 shift;
	u8 codec;
	bool whole;			/* not cut off by the device's end */
	u32 length;
	const u8 *stored;
	const u8 *data;
};

/* The id of a whole cluster whose blocks have @digests, one after the other. */
void cluster_id(const struct cluster_options *options, u32 shift,
		const u8 *digests, u8 *id);

/*
 * Allocate this thread's compressor, which it keeps. Return: false without
 * memory.
 */
bool cluster_prepare_thread(void);

/*
 * Compress a cluster's bytes, @data, to @packed, which has the same capacity.
 * The thread must be prepared. Return: bytes of @packed; 0 if that saves too
 * little.
 */
u32 cluster_compress(const struct cluster_options *options, u32 shift,
		     const u8 *data, u8 *packed);

#endif /* MKIMAGE_CLUSTER_H */
