// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Storing clusters in an order of their own; see ordered.h.
 */
#include "io.h"
#include "segment/ordered.h"

/* The clusters of an order on their way: @next is read next, @done stored. */
struct ordered {
	struct segment *seg;
	struct order *order;
	int fd;
	const char *name;
	size_t next;
	size_t done;
};

/* Clusters that follow each other on the device make a batch. */
static int produce(void *context, struct batch *batch)
{
	struct ordered *ordered = context;
	const struct order *order = ordered->order;
	u64 step = 1ull << order->shift, end;
	size_t i = ordered->next;
	int ret;

	if (i == order->count)
		return 0;
	batch->block = order->list[i].block;
	batch->hole = false;
	end = batch->block + step;
	for (i++; i < order->count && order->list[i].block == end &&
	     end + step - batch->block <= BATCH_BLOCKS; i++)
		end += step;
	if (end > order->device_blocks)
		end = order->device_blocks;
	batch->blocks = end - batch->block;
	ordered->next = i;
	ret = read_all(ordered->fd, batch->block << INC_BLOCK_SHIFT,
		       batch->data, batch->blocks << INC_BLOCK_SHIFT,
		       ordered->name);
	return ret ? ret : 1;
}

static int consume(void *context, const struct batch *batch)
{
	struct ordered *ordered = context;
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < batch->cluster_count; i++) {
		struct order_cluster *place =
			&ordered->order->list[ordered->done++];

		if (batch->clusters[i].codec != INC_CODEC_ZERO)
			ret = segment_store(ordered->seg, place->block,
					    &batch->clusters[i], 0,
					    &place->entry);
	}
	return ret;
}

int ordered_store(struct segment *seg, struct order *order,
		  const struct cluster_options *options, unsigned int threads,
		  int fd, const char *name)
{
	struct ordered ordered = {
		.seg = seg, .order = order, .fd = fd, .name = name,
	};
	struct cluster_options own = *options;
	const struct batch_run run = {
		.options = &own,
		.threads = threads,
		.context = &ordered,
		.produce = produce,
		.consume = consume,
	};

	own.cluster_shift = order->shift;
	return batch_run(&run);
}

static int lead(struct segment *seg, u64 block)
{
	struct metadata *meta = &seg->meta;
	int ret = pagelist_lead(&meta->map.list, inc_map_page(block),
				&meta->map_runs);
	u64 page = block;
	u32 i;

	for (i = 0; !ret && i < meta->tree.levels; i++) {
		page /= INC_PAGE_SIZE / INC_SHA256_SIZE;
		ret = pagelist_lead(&meta->level[i].list, page,
				    &meta->tree_runs);
	}
	return ret;
}

int ordered_gather(struct segment *seg, const struct order *order)
{
	struct metadata *meta = &seg->meta;
	size_t i;
	u32 level;
	int ret = 0;

	/* A cluster starts at a multiple of its size: it has one page of each. */
	for (i = 0; !ret && i < order->count; i++)
		ret = lead(seg, order->list[i].block);
	if (!ret)
		ret = pagelist_gather(&meta->map.list, &meta->map_runs);
	for (level = 0; !ret && level < meta->tree.levels; level++)
		ret = pagelist_gather(&meta->level[level].list,
				      &meta->tree_runs);
	return ret;
}
