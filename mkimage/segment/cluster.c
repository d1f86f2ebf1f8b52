// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Identifying and compressing clusters; see cluster.h.
 */
#include <lz4hc.h>
#include <pthread.h>
#include <stdlib.h>
#include "segment/cluster.h"

/*
 * Compression must save a 64th to be worth expanding at every read. This also
 * keeps an LZ4 extent shorter than its cluster, as the format requires.
 */
#define LEAST_SAVING_SHIFT	6

/* An eighth, where what is not compressed costs no copy. */
#define LEAST_SAVING_SHIFT_PLAIN	3

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

bool cluster_prepare_thread(void)
{
	return thread_stream();
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

void cluster_id(const struct cluster_options *options, u32 shift,
		const u8 *digests, u8 *id)
{
	if (shift)
		incr_hash_digest(options->hash, digests,
				 (size_t)INC_SHA256_SIZE << shift, id);
	else
		memcpy(id, digests, INC_SHA256_SIZE);
}

u32 cluster_compress(const struct cluster_options *options, u32 shift,
		     const u8 *data, u8 *packed)
{
	u32 bytes = INC_BLOCK_SIZE << shift;
	u32 least = bytes >> (options->rather_plain ? LEAST_SAVING_SHIFT_PLAIN :
						      LEAST_SAVING_SHIFT);
	LZ4_streamHC_t *stream = thread_stream();
	int length;

	if (options->primed)
		*stream = options->primed->stream;
	else
		LZ4_resetStreamHC_fast(stream, options->level);
	length = LZ4_compress_HC_continue(stream, (const char *)data,
					  (char *)packed, (int)bytes,
					  (int)(bytes - least));
	return length > 0 ? (u32)length : 0;
}
