// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hashing and compressing; see batch.h.
 */
#include <lz4hc.h>
#include <pthread.h>
#include <stdlib.h>
#include "segment/batch.h"
#include "segment/known.h"
#include "segment/pipeline.h"

/*
 * What compression must save to be worth expanding at every read: a 64th. It
 * also keeps the length of an LZ4 extent below its cluster's, as the format
 * wants it.
 */
#define LEAST_SAVING_SHIFT	6

static pthread_key_t stream_key;
static pthread_once_t stream_once = PTHREAD_ONCE_INIT;

static void stream_free(void *stream)
{
	LZ4_freeStreamHC(stream);
}

static void stream_key_make(void)
{
	pthread_key_create(&stream_key, stream_free);
}

/* This thread's compressor: 256 KiB that are expensive to clear each time. */
static LZ4_streamHC_t *thread_stream(void)
{
	LZ4_streamHC_t *stream;

	pthread_once(&stream_once, stream_key_make);
	stream = pthread_getspecific(stream_key);
	if (!stream) {
		stream = LZ4_createStreamHC();
		pthread_setspecific(stream_key, stream);
	}
	return stream;
}

struct compressor {
	LZ4_streamHC_t stream;
};

struct compressor *compressor_prime(const u8 *bytes, u32 size, int level)
{
	struct compressor *compressor = malloc(sizeof(*compressor));

	if (!compressor)
		return NULL;
	LZ4_initStreamHC(&compressor->stream, sizeof(compressor->stream));
	LZ4_resetStreamHC_fast(&compressor->stream, level);
	LZ4_loadDictHC(&compressor->stream, (const char *)bytes, (int)size);
	return compressor;
}

void compressor_free(struct compressor *compressor)
{
	free(compressor);
}

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
			const struct batch_options *options)
{
	u64 i;

	for (i = 0; i < batch->blocks; i++) {
		const u8 *data = batch->data + (i << INC_BLOCK_SHIFT);

		if (all_zero(data, INC_BLOCK_SIZE))
			memcpy(batch->digest[i], options->zero_digest,
			       sizeof(batch->digest[i]));
		else
			inc_hash_digest(options->hash, data, INC_BLOCK_SIZE,
					batch->digest[i]);
	}
}

static bool digests_zero(const struct batch *batch, u64 first, u64 end,
			 const struct batch_options *options)
{
	for (; first < end; first++)
		if (memcmp(batch->digest[first], options->zero_digest,
			   sizeof(batch->digest[first])))
			return false;
	return true;
}

void batch_cluster_id(const struct batch_options *options, const u8 *digests,
		      u8 *id)
{
	if (options->cluster_shift)
		inc_hash_digest(options->hash, digests,
				(size_t)INC_SHA256_SIZE <<
				options->cluster_shift, id);
	else
		memcpy(id, digests, INC_SHA256_SIZE);
}

/* Returns how many bytes of @packed it took. */
static u32 compress_cluster(const struct batch *batch, u64 first, u8 *packed,
			    struct batch_cluster *cluster,
			    const struct batch_options *options,
			    LZ4_streamHC_t *stream)
{
	u32 blocks = 1u << options->cluster_shift;
	u32 bytes = INC_BLOCK_SIZE << options->cluster_shift;
	const u8 *data = batch->data + (first << INC_BLOCK_SHIFT);
	u64 end = first + blocks;
	int length;

	cluster->whole = end <= batch->blocks;
	if (!cluster->whole)
		end = batch->blocks;
	cluster->codec = INC_CODEC_ZERO;
	cluster->entry = 0;
	cluster->length = 0;
	cluster->stored = NULL;
	if (digests_zero(batch, first, end, options))
		return 0;

	if (cluster->whole)
		batch_cluster_id(options, batch->digest[first], cluster->id);
	cluster->codec = INC_CODEC_STORED;
	if (cluster->whole && options->known)
		cluster->entry = known_entry(options->known, cluster->id);
	if (cluster->entry || !options->level)
		return 0;

	if (options->primed)
		*stream = options->primed->stream;
	else
		LZ4_resetStreamHC_fast(stream, options->level);
	length = LZ4_compress_HC_continue(stream, (const char *)data,
					  (char *)packed, (int)bytes,
					  (int)(bytes - (bytes >>
							 LEAST_SAVING_SHIFT)));
	if (length > 0) {
		cluster->codec = options->primed ? INC_CODEC_LZ4_DICT :
						   INC_CODEC_LZ4;
		cluster->length = (u32)length;
		cluster->stored = packed;
		return cluster->length;
	}
	cluster->length = bytes;
	cluster->stored = data;
	return 0;
}

static int work(void *context, void *item)
{
	const struct batch_run *run = context;
	const struct batch_options *options = run->options;
	struct batch *batch = item;
	u32 step = 1u << options->cluster_shift;
	u8 *packed = batch->packed;
	LZ4_streamHC_t *stream;
	u64 first, rest;

	batch->cluster_count = 0;
	if (batch->hole)
		return 0;
	stream = thread_stream();
	if (!stream)
		return -ENOMEM;
	hash_blocks(batch, options);
	/* The device's end: a cluster always expands to all of its blocks. */
	rest = batch->blocks % step ? step - batch->blocks % step : 0;
	memset(batch->data + (batch->blocks << INC_BLOCK_SHIFT), 0,
	       rest << INC_BLOCK_SHIFT);
	for (first = 0; first < batch->blocks; first += step)
		packed += compress_cluster(batch, first, packed,
				&batch->clusters[batch->cluster_count++],
				options, stream);
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
