// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compressing with references; see windows.h.
 *
 * Each anchor of a new cluster that the index has votes for the place in the row where
 * the cluster would begin. The row's clusters below the places with the most votes are
 * the window, as many as it has room for. What LZ4 then finds next to nothing in is left
 * out again.
 */
#include <lz4hc.h>
#include <pthread.h>
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "segment/row.h"
#include "segment/windows.h"

/*
 * Bytes of a window where the cluster is small; two clusters where it is large. More
 * make reading slower, and gain next to nothing.
 */
#define WINDOW_BYTES	16384u

/* Some more than chance gives the largest cluster. */
#define ANCHORS_MAX	2048u

#define PLACES		128u

/*
 * A reference must save a 32nd of what it expands to, 128 bytes for a block, to be worth
 * reading and expanding at every read.
 */
#define SAVING_SHIFT	5

#define CACHED		64u	/* expanded clusters, for each thread */

struct windows {
	struct incr_image *image;	/* NULL: of @stored */
	const char *name;
	struct spool *stored;
	const u8 *dictionary;
	u32 dictionary_size;
	int level;
	u32 cluster;			/* bytes of those that will refer */
	u32 room;			/* bytes of a window */
	struct row row;
	struct anchors *anchors;
	pthread_key_t key;		/* each thread's struct worker */
	bool has_key;
};

/* Where a cluster may begin. */
struct place {
	int64_t start;
	u32 votes;
};

struct worker {
	LZ4_streamHC_t *stream;
	u32 numbers[CACHED];		/* of cached clusters, plus 1 */
	u8 *cached;
	u8 *stored;
	u8 *text;			/* window and cluster */
	u8 packed[INC_BLOCK_SIZE << INC_REFERENCES_SHIFT];
	struct anchor anchors[ANCHORS_MAX];
	struct place places[PLACES];
	u32 place_count;
	u32 chosen[INC_REFERENCES_MAX];	/* of the row, ascending */
	u32 chosen_count;
	u32 chosen_bytes;
};

static void worker_free(void *pointer)
{
	struct worker *worker = pointer;

	if (!worker)
		return;
	LZ4_freeStreamHC(worker->stream);
	free(worker->cached);
	free(worker->stored);
	free(worker->text);
	free(worker);
}

static struct worker *get_worker(const struct windows *windows)
{
	struct worker *worker = pthread_getspecific(windows->key);

	if (worker)
		return worker;
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return NULL;
	worker->stream = LZ4_createStreamHC();
	worker->cached = malloc(CACHED * (size_t)windows->room);
	worker->stored = malloc(windows->room);
	worker->text = malloc(INC_REFERENCES_REACH);
	if (worker->stream && worker->cached && worker->stored &&
	    worker->text && !pthread_setspecific(windows->key, worker))
		return worker;
	worker_free(worker);
	return NULL;
}

static int start(struct windows **windows, u32 cluster_shift, int level)
{
	struct windows *made = calloc(1, sizeof(*made));

	*windows = made;
	if (!made || pthread_key_create(&made->key, worker_free))
		return no_memory();
	made->has_key = true;
	made->level = level;
	made->cluster = INC_BLOCK_SIZE << cluster_shift;
	made->room = 2 * made->cluster;
	if (made->room < WINDOW_BYTES)
		made->room = WINDOW_BYTES;
	if (made->room > INC_REFERENCES_REACH - made->cluster)
		made->room = INC_REFERENCES_REACH - made->cluster;
	return 0;
}

int windows_new(struct windows **windows, const struct overlay *overlay,
		u64 most, u32 cluster_shift, int level, unsigned int threads)
{
	int ret = start(windows, cluster_shift, level);
	struct windows *made = *windows;
	u32 shift_most = 0;

	if (ret || cluster_shift > INC_REFERENCES_SHIFT)
		return ret;
	made->image = overlay_image(overlay);
	made->name = overlay_name(overlay);
	while (INC_BLOCK_SIZE << (shift_most + 1) <= made->room)
		shift_most++;
	ret = row_make(&made->row, overlay, shift_most, most);
	if (ret || !made->row.count)
		return ret;
	made->anchors = anchors_new((u64)made->row.blocks << INC_BLOCK_SHIFT);
	if (!made->anchors)
		return no_memory();
	return row_index(&made->row, overlay, made->anchors, threads);
}

int windows_new_within(struct windows **windows, struct spool *stored,
		       const u8 *dictionary, u32 size, u64 blocks,
		       u32 cluster_shift, int level)
{
	int ret = start(windows, cluster_shift, level);
	struct windows *made = *windows;

	if (ret || cluster_shift > INC_REFERENCES_SHIFT)
		return ret;
	made->stored = stored;
	made->dictionary = dictionary;
	made->dictionary_size = size;
	made->row.most = (u32)(ANCHORS_POSITIONS >> INC_BLOCK_SHIFT);
	made->anchors = anchors_new(blocks << INC_BLOCK_SHIFT);
	return made->anchors ? 0 : no_memory();
}

int windows_add(struct windows *windows, u64 block, u64 entry, const u8 *data)
{
	u32 first = windows->row.blocks, count, i;
	struct worker *worker;
	int ret;

	if (!windows->anchors)
		return 0;
	worker = get_worker(windows);
	if (!worker)
		return no_memory();
	ret = row_add(&windows->row, entry, block,
		      windows->cluster >> INC_BLOCK_SHIFT);
	if (ret || windows->row.blocks == first)
		return ret;
	count = anchors_scan(windows->anchors, data, windows->cluster,
			     (u64)first << INC_BLOCK_SHIFT, worker->anchors,
			     ANCHORS_MAX);
	for (i = 0; i < count; i++)
		anchors_add(windows->anchors, &worker->anchors[i]);
	return 0;
}

void windows_free(struct windows *windows)
{
	if (!windows)
		return;
	/* The workers of other threads went with these. */
	if (windows->has_key) {
		worker_free(pthread_getspecific(windows->key));
		pthread_key_delete(windows->key);
	}
	anchors_free(windows->anchors);
	row_free(&windows->row);
	free(windows);
}

static void vote(struct worker *worker, int64_t start)
{
	u32 i;

	for (i = 0; i < worker->place_count; i++)
		if (worker->places[i].start == start)
			break;
	if (i == PLACES)
		return;
	if (i == worker->place_count)
		worker->places[worker->place_count++] =
			(struct place){ .start = start };
	worker->places[i].votes++;
}

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->votes != b->votes)
		return a->votes > b->votes ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static void find_places(const struct windows *windows, struct worker *worker,
			const struct window_hint *hint, const u8 *data)
{
	u64 position;
	u32 count, i;

	worker->place_count = 0;
	if (hint->next)
		vote(worker, (int64_t)hint->next - 1);
	count = anchors_scan(windows->anchors, data, windows->cluster, 0,
			     worker->anchors, ANCHORS_MAX);
	for (i = 0; i < count; i++)
		if (anchors_find(windows->anchors, worker->anchors[i].hash,
				 &position))
			vote(worker, (int64_t)position -
				     (int64_t)worker->anchors[i].position);
	qsort(worker->places, worker->place_count, sizeof(*worker->places),
	      compare_places);
}

static bool row_extent(const struct windows *windows, u32 number,
		       struct inc_extent *extent)
{
	/* It was checked when the row was made. */
	return !dm_inc_entry_decode(windows->row.clusters[number].entry,
				    INC_REFERENCES_SHIFT, INC_IMAGE_SIZE_MAX,
				    extent);
}

/* Return: false if the window has no room for it. */
static bool choose(const struct windows *windows, struct worker *worker,
		   u32 number)
{
	struct inc_extent extent;
	u32 i;

	for (i = 0; i < worker->chosen_count; i++)
		if (worker->chosen[i] == number)
			return true;
	if (!row_extent(windows, number, &extent) ||
	    worker->chosen_count == INC_REFERENCES_MAX ||
	    worker->chosen_bytes + inc_cluster_bytes(&extent) > windows->room)
		return false;
	for (i = worker->chosen_count++; i && worker->chosen[i - 1] > number; i--)
		worker->chosen[i] = worker->chosen[i - 1];
	worker->chosen[i] = number;
	worker->chosen_bytes += inc_cluster_bytes(&extent);
	return true;
}

/* The clusters below a place. */
static void choose_place(const struct windows *windows, struct worker *worker,
			 int64_t start)
{
	int64_t end = start + windows->cluster;
	int64_t all = (int64_t)windows->row.blocks << INC_BLOCK_SHIFT;
	u32 number, last;

	if (end <= 0 || start >= all)
		return;
	number = row_find(&windows->row, start > 0 ? (u64)start : 0);
	last = row_find(&windows->row, (u64)(end < all ? end : all) - 1);
	while (number <= last && choose(windows, worker, number))
		number++;
}

/* A single vote means little, unless there is no other. */
static void choose_window(const struct windows *windows, struct worker *worker)
{
	u32 i;

	worker->chosen_count = worker->chosen_bytes = 0;
	for (i = 0; i < worker->place_count; i++)
		if (!i || worker->places[i].votes > 1)
			choose_place(windows, worker, worker->places[i].start);
}

/* Expand an extent of a segment that is being written. */
static int expand_stored(const struct windows *windows,
			 const struct inc_extent *extent, u8 *stored, u8 *to)
{
	int bytes = (int)inc_cluster_bytes(extent), ret;
	bool primed = extent->codec == INC_CODEC_LZ4_DICT;

	ret = spool_read(windows->stored, extent->offset, extent->length,
			 extent->codec == INC_CODEC_STORED ? to : stored);
	if (ret || extent->codec == INC_CODEC_STORED)
		return ret;
	if (LZ4_decompress_safe_usingDict((const char *)stored, (char *)to,
			(int)extent->length, bytes,
			primed ? (const char *)windows->dictionary : NULL,
			primed ? (int)windows->dictionary_size : 0) == bytes)
		return 0;
	message_error("%s is not as it was written", SPOOL_NAME);
	return -EIO;
}

/* Expand a cluster of the row to @to. */
static int expand(const struct windows *windows, struct worker *worker,
		  u32 number, const struct inc_extent *extent, u8 *to)
{
	u32 at = number % CACHED;
	u8 *cached = worker->cached + at * (size_t)windows->room;
	struct incr_error error;
	int ret;

	if (worker->numbers[at] != number + 1) {
		worker->numbers[at] = 0;
		if (windows->image)
			ret = incr_image_expand(windows->image, extent,
						worker->stored, cached, &error);
		else
			ret = expand_stored(windows, extent, worker->stored,
					    cached);
		if (ret && windows->image)
			message_error("%s: %s", windows->name, error.text);
		if (ret)
			return ret;
		worker->numbers[at] = number + 1;
	}
	memcpy(to, cached, inc_cluster_bytes(extent));
	return 0;
}

/* Put the window's bytes before the cluster, and its references to @references. */
static int fill_window(const struct windows *windows, struct worker *worker,
		       struct inc_references *references)
{
	u32 i;
	int ret = 0;

	memset(references, 0, sizeof(*references));
	for (i = 0; !ret && i < worker->chosen_count; i++) {
		struct inc_extent *extent =
			&references->extents[references->count++];

		row_extent(windows, worker->chosen[i], extent);
		ret = expand(windows, worker, worker->chosen[i], extent,
			     worker->text + references->bytes);
		references->bytes += inc_cluster_bytes(extent);
	}
	return ret;
}

/*
 * Compress the cluster from the chosen window, to @packed. Returns the bytes, 0 if they
 * are more than *most with what the references cost, or a negative errno. *most becomes
 * what would be smaller.
 */
static int compress(const struct windows *windows, struct worker *worker,
		    const u8 *data, u8 *packed, u32 *most,
		    struct inc_references *references)
{
	u32 cost, size;
	int length, ret;

	ret = fill_window(windows, worker, references);
	if (ret)
		return ret;
	references->size = size = dm_inc_references_encode(references, packed);
	cost = size + (references->bytes >> SAVING_SHIFT);
	if (cost >= *most)
		return 0;
	memcpy(worker->text + references->bytes, data, windows->cluster);
	LZ4_resetStreamHC_fast(worker->stream, windows->level);
	LZ4_loadDictHC(worker->stream, (const char *)worker->text,
		       (int)references->bytes);
	length = LZ4_compress_HC_continue(worker->stream,
			(const char *)worker->text + references->bytes,
			(char *)packed + size, (int)windows->cluster,
			(int)(*most - cost));
	if (length <= 0)
		return 0;
	*most = cost + (u32)length - 1;
	return (int)size + length;
}

/* A length in an LZ4 sequence, whose first four bits were in its token. */
static u32 lz4_length(u32 bits, const u8 **at)
{
	u32 length = bits;

	if (bits == 15)
		do
			length += **at;
		while (*(*at)++ == 255);
	return length;
}

/* How many bytes of the cluster LZ4 has copied from each reference. */
static void count_used(const struct inc_references *references, const u8 *packed,
		       u32 length, u32 *used)
{
	const u8 *at = packed + references->size, *end = packed + length;
	u32 ends[INC_REFERENCES_MAX], to = references->bytes, i, from, count;

	for (i = 0; i < references->count; i++) {
		used[i] = 0;
		ends[i] = (i ? ends[i - 1] : 0) +
			  inc_cluster_bytes(&references->extents[i]);
	}
	while (at < end) {
		u32 token = *at++;

		count = lz4_length(token >> 4, &at);
		at += count;
		to += count;
		if (at >= end)
			break;
		from = to - (u32)(at[0] | at[1] << 8);
		at += 2;
		count = lz4_length(token & 15, &at) + 4;
		to += count;
		for (i = 0; i < references->count && count; i++) {
			u32 part;

			if (from >= ends[i])
				continue;
			part = ends[i] - from < count ? ends[i] - from : count;
			used[i] += part;
			from += part;
			count -= part;
		}
	}
}

/* Leave out references that are hardly used. Return: whether there are any. */
static bool drop_unused(struct worker *worker,
			const struct inc_references *references,
			const u8 *packed, u32 length)
{
	u32 used[INC_REFERENCES_MAX], i, kept = 0;

	count_used(references, packed, length, used);
	for (i = 0; i < references->count; i++)
		if (used[i] >= inc_cluster_bytes(&references->extents[i]) >>
			       SAVING_SHIFT)
			worker->chosen[kept++] = worker->chosen[i];
	if (!kept || kept == references->count)
		return false;
	worker->chosen_count = kept;
	return true;
}

int windows_compress(const struct windows *windows, struct window_hint *hint,
		     const u8 *data, u8 *packed, u32 most)
{
	struct inc_references references;
	struct worker *worker;
	int length, shorter;

	if (!windows->anchors)
		return 0;
	worker = get_worker(windows);
	if (!worker)
		return no_memory();
	find_places(windows, worker, hint, data);
	/* What follows what was found before may be worth another look later. */
	if (hint->next)
		hint->next += windows->cluster;
	choose_window(windows, worker);
	if (!worker->chosen_count)
		return 0;
	length = compress(windows, worker, data, packed, &most, &references);
	if (length <= 0)
		return length;
	if (worker->places[0].start >= 0)
		hint->next = (u64)worker->places[0].start + windows->cluster + 1;
	if (!drop_unused(worker, &references, packed, (u32)length))
		return length;
	shorter = compress(windows, worker, data, worker->packed, &most,
			   &references);
	if (shorter <= 0)
		return shorter < 0 ? shorter : length;
	memcpy(packed, worker->packed, (size_t)shorter);
	return shorter;
}
