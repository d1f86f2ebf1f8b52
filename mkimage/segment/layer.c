// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a layer; see layer.h.
 *
 * Two passes over the clusters that changed. The first computes the digests of
 * their contents, by which the hash tree finds those that the image has
 * already. The second compresses and stores the rest. Then the new items of the
 * map and of the tree's lowest level are known, and each level of the tree
 * follows from the one below.
 */
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "progress.h"
#include "segment/dictionary.h"
#include "segment/known.h"
#include "segment/layer.h"
#include "segment/repage.h"
#include "segment/windows.h"

/*
 * So many times what is new, and what changed, are looked at for references, so that
 * small changes of a large image stay fast.
 */
#define TIMES_NEW	16u
#define TIMES_CHANGED	2u

#define FANOUT		(INC_PAGE_SIZE / INC_SHA256_SIZE)

struct layer {
	struct segment *seg;
	struct overlay *overlay;
	struct incr_image *image;
	const struct inc_segment *base;
	const struct layer_options *options;
	struct cluster_options batch;
	u8 zero_digest[INC_SHA256_SIZE];
	struct known *known;
	struct windows *windows;
	struct compressor *primed;
	struct repage map;
	struct repage level[INC_LEVELS_MAX];

	bool first_pass;
	u64 next;			/* block to look at */
	struct progress progress;
	u64 done, total;		/* blocks */
};

/* The end of a cluster that starts at or before @block and covers it. */
static u64 cluster_end(const struct layer *layer, u64 block)
{
	u64 step = 1ull << layer->seg->cluster_shift;
	u64 end = (block | (step - 1)) + 1;

	return end < layer->seg->device_blocks ? end :
						 layer->seg->device_blocks;
}

static u64 cluster_start(const struct layer *layer, u64 block)
{
	return block & ~((1ull << layer->seg->cluster_shift) - 1);
}

/*
 * The next clusters that changed, as blocks *first to *end - 1. A cluster that
 * the device's old or new end cuts counts: its extent has the zeros past the
 * end.
 */
static bool next_change(const struct layer *layer, u64 block, u64 *first,
			u64 *end)
{
	u64 old = layer->base->device_blocks, new = layer->seg->device_blocks;
	u64 cut = cluster_start(layer, old < new ? old : new);
	bool found = overlay_next(layer->overlay, block, first, end);

	if (found) {
		*first = cluster_start(layer, *first);
		if (*first < block)
			*first = block;
		*end = cluster_end(layer, *end - 1);
	}
	if (old == new || cut >= new || cut < block ||
	    cut == (old < new ? old : new) || (found && *first < cut))
		return found;
	*first = cut;
	*end = cluster_end(layer, cut);
	return true;
}

static int produce(void *context, struct batch *batch)
{
	struct layer *layer = context;
	u64 first, end, more, stop;
	int ret;

	if (!next_change(layer, layer->next, &first, &end))
		return 0;
	/* Neighbours in the same batch share their look-ups. */
	while (end - first < BATCH_BLOCKS &&
	       next_change(layer, end, &more, &stop) && more == end)
		end = stop;
	if (end - first > BATCH_BLOCKS)
		end = first + BATCH_BLOCKS;
	batch->block = first;
	batch->blocks = end - first;
	batch->hole = false;
	layer->next = end;
	ret = overlay_read(layer->overlay, first << INC_BLOCK_SHIFT,
			   batch->blocks << INC_BLOCK_SHIFT, batch->data);
	return ret ? ret : 1;
}

static int consume_digests(struct layer *layer, const struct batch *batch)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < batch->cluster_count; i++)
		if (batch->clusters[i].codec != INC_CODEC_ZERO &&
		    batch->clusters[i].whole)
			ret = known_want(layer->known, batch->clusters[i].id);
	return ret;
}

static int consume_clusters(struct layer *layer, const struct batch *batch)
{
	u32 step = 1u << layer->seg->cluster_shift, i;
	u64 at, end = batch->block + batch->blocks;
	u64 entries[BATCH_BLOCKS];
	int ret = 0;

	for (at = 0; !ret && at < batch->blocks; at++) {
		if (layer->seg->meta.tree.levels)
			ret = repage_set(&layer->level[0], batch->block + at,
					 batch->digest[at]);
		else
			memcpy(layer->seg->meta.root, batch->digest[0],
			       INC_SHA256_SIZE);
	}
	if (!ret)
		ret = segment_store_batch(layer->seg, batch, entries);
	at = batch->block;
	for (i = 0; !ret && i < batch->cluster_count; i++) {
		u64 stop = at + step < end ? at + step : end;
		__le64 item = cpu_to_le64(entries[i]);

		layer->seg->shared += batch->clusters[i].entry != 0;
		for (; !ret && at < stop; at++)
			ret = repage_set(&layer->map, at, &item);
	}
	return ret;
}

static int consume(void *context, const struct batch *batch)
{
	struct layer *layer = context;

	layer->done += batch->blocks;
	progress_show(&layer->progress, layer->done << INC_BLOCK_SHIFT);
	return layer->first_pass ? consume_digests(layer, batch) :
				   consume_clusters(layer, batch);
}

static int walk(struct layer *layer)
{
	const struct batch_run run = {
		.options = &layer->batch,
		.threads = layer->options->threads,
		.context = layer,
		.produce = produce,
		.consume = consume,
	};

	layer->next = 0;
	return batch_run(&run);
}

/* The image is read for it only if there is something to compress. */
static int find_windows(struct layer *layer)
{
	u64 new = known_missing(layer->known) << layer->seg->cluster_shift;
	u64 first, end, at;
	int ret = 0;

	if (!layer->options->references || !new)
		return 0;
	for (at = 0; !ret && next_change(layer, at, &first, &end); at = end)
		ret = overlay_note_old(layer->overlay, first, end - first);
	if (!ret)
		ret = windows_new(&layer->windows, layer->overlay,
				  TIMES_NEW * new + TIMES_CHANGED * layer->total,
				  layer->seg->cluster_shift,
				  layer->options->level,
				  layer->options->threads);
	layer->batch.windows = layer->windows;
	return ret;
}

/* Is a cluster new, and not better made of references? Return: -errno after an error. */
static int is_new(struct layer *layer, const u8 *data, u8 *packed)
{
	u32 bytes = INC_BLOCK_SIZE << layer->seg->cluster_shift, at;
	u8 digests[INC_SHA256_SIZE << INC_CLUSTER_SHIFT_MAX];
	struct window_hint hint = { 0 };
	u8 id[INC_SHA256_SIZE];
	int length;

	for (at = 0; at < bytes; at += INC_BLOCK_SIZE)
		incr_hash_digest(layer->batch.hash, data + at, INC_BLOCK_SIZE,
				 digests + (at >> INC_BLOCK_SHIFT) *
				 INC_SHA256_SIZE);
	cluster_id(&layer->batch, layer->seg->cluster_shift, digests, id);
	if (known_entry(layer->known, id))
		return 0;
	if (!layer->windows)
		return 1;
	length = windows_compress(layer->windows, &hint, data, packed,
				  bytes / 4);
	return length < 0 ? length : !length;
}

/* Take samples of what is new, evenly. Return: their number, or -errno after an error. */
static int take_samples(struct layer *layer, u8 *samples, u8 *cluster)
{
	u32 blocks = 1u << layer->seg->cluster_shift, count = 0, i;
	u64 step = layer->total / DICTIONARY_SAMPLES / blocks * blocks;
	u64 first, end, at;
	int ret;

	step = step ? step : blocks;
	for (at = 0; next_change(layer, at, &first, &end); at = first + step) {
		if (first + blocks > layer->seg->device_blocks)
			break;
		ret = overlay_read(layer->overlay, first << INC_BLOCK_SHIFT,
				   (size_t)blocks << INC_BLOCK_SHIFT, cluster);
		if (!ret)
			ret = is_new(layer, cluster, cluster +
				     ((size_t)blocks << INC_BLOCK_SHIFT));
		if (ret < 0)
			return ret;
		for (i = 0; ret && i < blocks && count < DICTIONARY_SAMPLES;
		     i++) {
			const u8 *block = cluster + ((size_t)i <<
						     INC_BLOCK_SHIFT);

			if (!dictionary_sample(block))
				continue;
			memcpy(samples + ((size_t)count++ << INC_BLOCK_SHIFT),
			       block, INC_BLOCK_SIZE);
		}
	}
	return (int)count;
}

/* A dictionary for what is new, if there is enough of it. */
static int train(struct layer *layer)
{
	u8 *bytes = layer->options->dictionary, *samples, *cluster;
	struct segment *seg = layer->seg;
	int count;

	if (!bytes || !known_missing(layer->known))
		return 0;
	samples = malloc((size_t)DICTIONARY_SAMPLES << INC_BLOCK_SHIFT);
	cluster = malloc((size_t)2 * INC_BLOCK_SIZE << seg->cluster_shift);
	count = samples && cluster ? take_samples(layer, samples, cluster) :
				     no_memory();
	if (count > 0)
		seg->dictionary_size = dictionary_of(samples, (u32)count,
						     bytes);
	free(samples);
	free(cluster);
	if (count < 0 || !seg->dictionary_size)
		return count < 0 ? count : 0;
	seg->dictionary = bytes;
	layer->primed = compressor_prime(bytes, seg->dictionary_size,
					 layer->options->level);
	layer->batch.primed = layer->primed;
	return layer->primed ? 0 : no_memory();
}

/* Return: 0, 1 if nothing changed, or a negative errno. */
static int store_clusters(struct layer *layer)
{
	u64 first, end, at = 0;
	int ret;

	while (next_change(layer, at, &first, &end)) {
		layer->total += end - first;
		at = end;
	}
	if (!layer->options->always && !layer->total &&
	    layer->base->device_blocks == layer->seg->device_blocks)
		return 1;
	progress_start(&layer->progress, "storing",
		       2 * layer->total << INC_BLOCK_SHIFT);
	layer->first_pass = true;
	ret = walk(layer);
	if (!ret)
		ret = known_find(layer->known, layer->image,
				 overlay_name(layer->overlay), &layer->batch);
	layer->first_pass = false;
	layer->batch.known = layer->known;
	layer->batch.level = layer->options->level;
	if (!ret)
		ret = find_windows(layer);
	if (!ret)
		ret = train(layer);
	if (!ret)
		ret = walk(layer);
	progress_end(&layer->progress);
	return ret;
}

/* The root of a device of one block is that block's digest. */
static int start_root(struct layer *layer)
{
	struct incr_error error;
	int ret;

	if (layer->seg->meta.tree.levels)
		return 0;
	ret = incr_image_digests(layer->image, 0, 1, layer->seg->meta.root,
				 &error);
	if (ret)
		message_error("%s: %s", overlay_name(layer->overlay),
			      error.text);
	return ret;
}

static int start_arrays(struct layer *layer)
{
	const struct inc_tree *old = &layer->base->tree;
	const struct inc_tree *new = &layer->seg->meta.tree;
	struct repage start = {
		.image = layer->image,
		.name = overlay_name(layer->overlay),
		.hash = layer->seg->hash,
	};
	u64 old_items = old->blocks, items = new->blocks;
	u32 i;
	int ret;

	memcpy(start.old_single, layer->base->root_digest, INC_SHA256_SIZE);
	layer->map = start;
	layer->map.item_size = 1u << INC_ENTRY_SHIFT;
	layer->map.old_items = old_items;
	layer->map.items = items;
	layer->map.old_pages = layer->base->map_pages;
	/*
	 * The format requires guarded pages, so store at least one of the map.
	 */
	layer->map.keep_touched = true;
	ret = repage_init(&layer->map, layer->options->dir);

	start.tree = true;
	start.item_size = INC_SHA256_SIZE;
	memcpy(start.hole_item, layer->zero_digest, INC_SHA256_SIZE);
	for (i = 0; !ret && i < new->levels; i++) {
		struct repage *level = &layer->level[i];
		u64 old_pages = (old_items + FANOUT - 1) / FANOUT;

		*level = start;
		level->old_items = old_items;
		level->items = items;
		if (i < old->levels) {
			level->old_first = old->first[i];
			level->old_pages = old_pages;
		}
		ret = repage_init(level, layer->options->dir);
		repage_hole_digest(level, start.hole_item);
		old_items = old_pages;
		items = level->pages;
	}
	return ret;
}

/* Each level's items are the digests of the pages below. */
static int finish_arrays(struct layer *layer)
{
	u32 levels = layer->seg->meta.tree.levels, i;
	int ret = repage_finish(&layer->map);
	u64 j;

	for (i = 0; !ret && i < levels; i++) {
		struct repage *level = &layer->level[i];

		ret = repage_finish(level);
		for (j = 0; !ret && i + 1 < levels && j < level->change_count;
		     j++)
			ret = repage_set(&layer->level[i + 1],
					 level->changes[j].number,
					 level->changes[j].digest);
	}
	if (!ret && levels)
		ret = repage_top_digest(&layer->level[levels - 1],
					layer->seg->meta.root);
	return ret;
}

static u64 count_runs(const struct repage *arrays, u32 count, u64 most)
{
	u64 runs = 0;
	u32 i;

	for (i = 0; i < count; i++)
		runs += repage_runs(&arrays[i], most);
	return runs;
}

/*
 * The longest row of unchanged pages between changed ones that is stored again,
 * so that the directory stays within its bounds.
 */
static u64 choose_most(const struct layer *layer, const struct repage *arrays,
		       u32 count)
{
	const struct inc_segment *first = incr_image_segment_at(layer->image, 0);
	u64 bound = arrays->tree ? first->tree_runs : first->map_runs;
	u64 most = 0;

	bound += LAYER_RUNS - 13 * LAYER_STEP;
	if (bound > INC_RUNS_MAX - 13 * LAYER_STEP)
		bound = INC_RUNS_MAX - 13 * LAYER_STEP;
	while (count_runs(arrays, count, most) > bound)
		most = most ? 2 * most : 1;
	return most;
}

static int list_arrays(struct layer *layer)
{
	struct metadata *meta = &layer->seg->meta;
	u32 levels = meta->tree.levels, i;
	u64 most = choose_most(layer, &layer->map, 1);
	int ret;

	meta->map_runs.step = meta->tree_runs.step = LAYER_STEP;
	ret = repage_list(&layer->map, most, &meta->map.list, &meta->map_runs);
	most = choose_most(layer, layer->level, levels);
	for (i = 0; !ret && i < levels; i++)
		ret = repage_list(&layer->level[i], most, &meta->level[i].list,
				  &meta->tree_runs);
	return ret;
}

static int prepare(struct layer *layer, const struct inc_hash *hash)
{
	static const u8 zero_block[INC_BLOCK_SIZE];
	const struct inc_segment *base = layer->base;
	struct segment *seg = layer->seg;

	if (base->generation + 1 >= INC_SEGMENTS_MAX) {
		message_error("%s: it has %u generations, the format's limit; the command \"squash\" makes one of them",
			      overlay_name(layer->overlay), INC_SEGMENTS_MAX);
		return -EFBIG;
	}
	incr_hash_digest(hash, zero_block, sizeof(zero_block),
			 layer->zero_digest);
	memset(seg, 0, sizeof(*seg));
	seg->hash = hash;
	seg->zero_digest = layer->zero_digest;
	memcpy(seg->uuid, base->uuid, sizeof(seg->uuid));
	memcpy(seg->salt, base->salt, sizeof(seg->salt));
	seg->salt_size = base->salt_size;
	seg->chunk_shift = base->chunk_shift;
	seg->cluster_shift = base->cluster_shift;
	seg->device_blocks = overlay_blocks(layer->overlay);
	seg->generation = base->generation + 1;
	seg->offset = base->end;
	layer->batch.hash = hash;
	layer->batch.zero_digest = layer->zero_digest;
	layer->batch.cluster_shift = base->cluster_shift;
	seg->plain_apart = overlay_compressed(layer->overlay) &&
			   seg->chunk_shift == INC_CHUNK_SHIFT_MIN;
	layer->batch.rather_plain = seg->plain_apart;
	layer->known = known_new();
	return layer->known ? segment_init(seg, layer->options->dir) : -ENOMEM;
}

int layer_build(struct segment *seg, struct overlay *overlay,
		const struct inc_hash *hash, const struct layer_options *options)
{
	struct layer layer = {
		.seg = seg,
		.overlay = overlay,
		.image = overlay_image(overlay),
		.base = incr_image_segment(overlay_image(overlay)),
		.options = options,
	};
	u32 i;
	int ret = prepare(&layer, hash);

	if (!ret)
		ret = start_root(&layer);
	if (!ret)
		ret = start_arrays(&layer);
	if (!ret)
		ret = store_clusters(&layer);
	if (!ret)
		ret = finish_arrays(&layer);
	if (!ret)
		ret = list_arrays(&layer);
	repage_free(&layer.map);
	for (i = 0; i < INC_LEVELS_MAX; i++)
		repage_free(&layer.level[i]);
	windows_free(layer.windows);
	compressor_free(layer.primed);
	known_free(layer.known);
	/* It points into this function's frame. */
	seg->zero_digest = NULL;
	return ret;
}
