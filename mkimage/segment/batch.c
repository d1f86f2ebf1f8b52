// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hashing and compressing many blocks; see batch.h.
 */
#include <stdlib.h>
#include "pipeline.h"
#include "segment/batch.h"
#include "segment/known.h"
#include "segment/order.h"
#include "segment/windows.h"

static void batch_free(void *item)
{
	struct batch *batch = item;

	if (!batch)
		return;
	free(batch->data);
	free(batch->packed);
	free(batch);
}

static void *batch_new(void *context)
{
	struct batch *batch = malloc(sizeof(*batch));

	(void)context;
	if (!batch)
		return NULL;
	batch->data = malloc(BATCH_BYTES);
	batch->packed = malloc(BATCH_BYTES);
	if (batch->data && batch->packed)
		return batch;
	batch_free(batch);
	return NULL;
}

static bool all_zero(const u8 *bytes, size_t length)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, length - 1);
}

static void hash_blocks(struct batch *batch,
			const struct cluster_options *options)
{
	u64 i;

	for (i = 0; i < batch->blocks; i++) {
		const u8 *data = batch->data + (i << INC_BLOCK_SHIFT);

		if (all_zero(data, INC_BLOCK_SIZE))
			memcpy(batch->digest[i], options->zero_digest,
			       sizeof(batch->digest[i]));
		else
			incr_hash_digest(options->hash, data, INC_BLOCK_SIZE,
					 batch->digest[i]);
	}
}

static bool digests_zero(const struct batch *batch, u64 first, u64 end,
			 const struct cluster_options *options)
{
	for (; first < end; first++)
		if (memcmp(batch->digest[first], options->zero_digest,
			   sizeof(batch->digest[first])))
			return false;
	return true;
}

/* Size, and if it is in an order place, of the cluster that starts at @first. */
static void start_cluster(const struct batch *batch, u64 first,
			  struct cluster *cluster,
			  const struct cluster_options *options)
{
	const struct order_cluster *stored = NULL;

	cluster->entry = 0;
	cluster->shift = (u8)options->cluster_shift;
	if (options->order)
		cluster->shift = (u8)order_cluster_at(options->order,
						      batch->block + first,
						      &stored);
	if (stored)
		cluster->entry = stored->entry;
}

/*
 * Compress with references if that is worth while. Returns how many bytes of @packed it
 * took; 0: it is not; or a negative errno.
 */
static int refer(const u8 *data, u8 *packed, struct cluster *cluster,
		 struct window_hint *hint, const struct cluster_options *options)
{
	u8 room[INC_BLOCK_SIZE << INC_REFERENCES_SHIFT];
	int length;

	if (!options->windows || !cluster->whole)
		return 0;
	length = windows_compress(options->windows, hint, data, room,
				  cluster->length - 1);
	if (length <= 0)
		return length;
	memcpy(packed, room, (size_t)length);
	cluster->codec = INC_CODEC_LZ4_REFERENCES;
	cluster->length = (u32)length;
	cluster->stored = packed;
	return length;
}

/* Returns how many bytes of @packed it took, or a negative errno. */
static int make_cluster(const struct batch *batch, u64 first, u8 *packed,
			struct cluster *cluster, struct window_hint *hint,
			const struct cluster_options *options)
{
	const u8 *data = batch->data + (first << INC_BLOCK_SHIFT);
	u64 end = first + (1u << cluster->shift);
	u32 length;
	int referring;

	cluster->whole = end <= batch->blocks;
	if (!cluster->whole)
		end = batch->blocks;
	cluster->codec = INC_CODEC_ZERO;
	cluster->length = 0;
	cluster->stored = cluster->data = NULL;
	if (digests_zero(batch, first, end, options))
		return 0;

	cluster->codec = INC_CODEC_STORED;
	if (cluster->entry)
		return 0;
	if (cluster->whole)
		cluster_id(options, cluster->shift, batch->digest[first],
			   cluster->id);
	if (cluster->whole && options->known)
		cluster->entry = known_entry(options->known, cluster->id);
	if (cluster->entry || !options->level)
		return 0;

	cluster->data = data;
	length = cluster_compress(options, cluster->shift, data, packed);
	if (length) {
		cluster->codec = options->primed ? INC_CODEC_LZ4_DICT :
						   INC_CODEC_LZ4;
		cluster->length = length;
		cluster->stored = packed;
	} else {
		cluster->length = INC_BLOCK_SIZE << cluster->shift;
		cluster->stored = data;
	}
	referring = refer(data, packed, cluster, hint, options);
	return referring ? referring : (int)length;
}

static int work(void *context, void *item)
{
	const struct batch_run *run = context;
	const struct cluster_options *options = run->options;
	struct batch *batch = item;
	u32 step = 1u << (options->order ? options->order->rest_shift :
					   options->cluster_shift);
	struct window_hint hint = { 0 };
	u8 *packed = batch->packed;
	u64 first, rest;
	int length;

	batch->cluster_count = 0;
	if (batch->hole)
		return 0;
	if (!cluster_prepare_thread())
		return -ENOMEM;
	hash_blocks(batch, options);
	/* The device's end: a cluster always expands to all of its blocks. */
	rest = batch->blocks % step ? step - batch->blocks % step : 0;
	memset(batch->data + (batch->blocks << INC_BLOCK_SHIFT), 0,
	       rest << INC_BLOCK_SHIFT);
	for (first = 0; first < batch->blocks;) {
		struct cluster *cluster =
			&batch->clusters[batch->cluster_count++];

		start_cluster(batch, first, cluster, options);
		length = make_cluster(batch, first, packed, cluster, &hint,
				      options);
		if (length < 0)
			return length;
		packed += length;
		first += 1u << cluster->shift;
	}
	return 0;
}

static int produce(void *context, void *item)
{
	const struct batch_run *run = context;

	return run->produce(run->context, item);
}

static int consume(void *context, void *item)
{
	const struct batch_run *run = context;

	return run->consume(run->context, item);
}

int batch_run(const struct batch_run *run)
{
	const struct pipeline pipeline = {
		.threads = run->threads,
		.context = (void *)run,
		.item_new = batch_new,
		.item_free = batch_free,
		.produce = produce,
		.work = work,
		.consume = consume,
	};

	return pipeline_run(&pipeline);
}
