// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Training a dictionary; see dictionary.h.
 */
#include <lz4.h>
#include <stdlib.h>
#include <zdict.h>
#include "common/message.h"
#include "io.h"
#include "segment/dictionary.h"

/*
 * On real trees, up to here twice as many make the image 0.2 to 0.5 % smaller each time; the
 * next step gains 0.1 %, and costs more than a second. They and the training take about 30 MiB.
 */
#define SAMPLES		DICTIONARY_SAMPLES
/* Blocks that are read to find them: most of a device may be zeros. */
#define LOOKS		(1u << 18)
/*
 * A dictionary is worth its cost if it is no larger than this part of its
 * samples, and no smaller than the page that it takes.
 */
#define LEAST_RATIO	32u
/* Room for what ZDICT puts before the contents, for zstd only. */
#define HEADER_ROOM	1024u

static u64 common_divisor(u64 a, u64 b)
{
	while (b) {
		u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * A step that visits all blocks of a device evenly: after any number of steps
 * no part has been left out for long. The golden section does that best.
 */
static u64 even_step(u64 blocks)
{
	u64 step = (u64)((double)blocks * 0.6180339887);

	while (common_divisor(step ? step : 1, blocks) != 1)
		step++;
	return step ? step : 1;
}

bool dictionary_sample(const u8 *block)
{
	char packed[INC_BLOCK_SIZE];
	int length = LZ4_compress_default((const char *)block, packed,
					  INC_BLOCK_SIZE, sizeof(packed) - 64);

	return length > 64;
}

/* Return: the number of samples, or a negative errno after a message. */
static int take_samples(const struct source *source, u8 *samples)
{
	u64 step = even_step(source->blocks), block = 0, looks;
	u64 most = source->blocks < LOOKS ? source->blocks : LOOKS;
	int count = 0;

	for (looks = 0; looks < most && count < (int)SAMPLES; looks++) {
		u8 *place = samples + ((size_t)count << INC_BLOCK_SHIFT);
		int ret = read_all(source->fd, block << INC_BLOCK_SHIFT, place,
				   INC_BLOCK_SIZE, source->name);

		if (ret)
			return ret;
		count += dictionary_sample(place);
		block = (block + step) % source->blocks;
	}
	return count;
}

u32 dictionary_of(const u8 *samples, u32 count, u8 *bytes)
{
	size_t sizes[SAMPLES], size, header;
	size_t room = (size_t)count * INC_BLOCK_SIZE / LEAST_RATIO;
	u8 *trained;
	u32 i;

	if (room < INC_PAGE_SIZE)
		return 0;
	if (room > INC_DICTIONARY_MAX)
		room = INC_DICTIONARY_MAX;
	trained = malloc(room + HEADER_ROOM);
	if (!trained)
		return 0;
	for (i = 0; i < count; i++)
		sizes[i] = INC_BLOCK_SIZE;
	size = ZDICT_trainFromBuffer(trained, room + HEADER_ROOM, samples,
				     sizes, count);
	header = ZDICT_isError(size) ? 0 : ZDICT_getDictHeaderSize(trained,
								   size);
	if (ZDICT_isError(size) || ZDICT_isError(header) || header >= size) {
		free(trained);
		return 0;
	}
	/* The most useful bytes are at the end. */
	size -= header;
	header += size > room ? size - room : 0;
	size = size > room ? room : size;
	memcpy(bytes, trained + header, size);
	free(trained);
	return (u32)size;
}

int dictionary_train(const struct source *source, u8 *bytes, u32 *size)
{
	u8 *samples = malloc((size_t)SAMPLES << INC_BLOCK_SHIFT);
	int count;

	*size = 0;
	if (!samples) {
		message_error("out of memory for samples to train a dictionary with");
		return -ENOMEM;
	}
	count = take_samples(source, samples);
	if (count > 0)
		*size = dictionary_of(samples, (u32)count, bytes);
	free(samples);
	if (count < 0)
		return count;
	if (!*size)
		message_warning("%s: no dictionary can be made of it: too little of it is data that compress",
				source->name);
	return 0;
}
