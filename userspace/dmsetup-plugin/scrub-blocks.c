// SPDX-License-Identifier: GPL-2.0-only
/*
 * scrub: which blocks of the device need what is damaged; see scrub.h.
 *
 * For data the whole map is walked, as any block may share an extent, and those
 * with an extent in damaged chunks are read, as it may be another's bytes. For a
 * page of map or hash tree the directories say which blocks are below it. Guard
 * and owner table are for loaders: no block needs them.
 */
#include <stdlib.h>
#include "scrub.h"

static int add_blocks(struct damage *damage, u64 first, u64 last)
{
	struct blocks *before = damage->count ?
				&damage->blocks[damage->count - 1] : NULL;

	if (before && first <= before->last + 1 && first >= before->first) {
		if (last > before->last)
			before->last = last;
		return 0;
	}
	if (damage->count == BLOCKS_MAX) {
		damage->more = true;
		return 0;
	}
	if (!damage->blocks) {
		damage->blocks = calloc(BLOCKS_MAX, sizeof(*damage->blocks));
		if (!damage->blocks)
			return -ENOMEM;
	}
	damage->blocks[damage->count++] = (struct blocks){ first, last };
	return 0;
}

/* The first damage that ends after @offset. */
static size_t find_damage(const struct damages *damages, u64 offset)
{
	size_t low = 0, high = damages->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct damage *damage = &damages->list[middle];

		if (damage->offset + damage->length > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int add_extent(struct scrub *scrub, const struct inc_extent *extent,
		      u64 block, u64 blocks, void *buffer)
{
	struct damages *damages = &scrub->damages;
	u64 end = extent->offset + extent->length;
	struct inc_error error;
	u64 first = inc_cluster_start(extent, block);
	u64 last = first + (1ull << extent->cluster_shift) - 1;
	size_t i = find_damage(damages, extent->offset);
	int err = 0;

	if (last >= blocks)
		last = blocks - 1;
	if (i == damages->count || damages->list[i].offset >= end ||
	    !inc_image_read(scrub->image, first, last - first + 1, buffer,
			    &error))
		return 0;
	for (; !err && i < damages->count && damages->list[i].offset < end; i++)
		err = add_blocks(&damages->list[i], first, last);
	return err;
}

/* Where the map is absent or damaged, go on after that. */
static int walk_map(struct scrub *scrub)
{
	u64 blocks = inc_image_segment(scrub->image)->device_blocks;
	u64 block = 0, next;
	struct inc_extent extent;
	void *buffer = malloc((size_t)INC_BLOCK_SIZE << INC_CLUSTER_SHIFT_MAX);
	struct inc_error error;
	int err = buffer ? 0 : -ENOMEM;

	while (!err && block < blocks && !scrub_signal) {
		if (inc_image_map(scrub->image, block, &extent, &next, &error))
			next = (inc_map_page(block) + 1) << INC_ENTRIES_SHIFT;
		else if (extent.codec != INC_CODEC_ZERO)
			err = add_extent(scrub, &extent, block, blocks, buffer);
		block = next;
	}
	free(buffer);
	return err;
}

/* Which blocks are below pages [@first, @last] of the tree or the map. */
static int add_pages(struct damage *damage, const struct inc_segment *seg,
		     bool tree, u64 first, u64 last)
{
	int err = 0;

	for (; !err && first <= last; first++) {
		u32 level = 0, shift = INC_ENTRIES_SHIFT;
		u64 number = first;

		if (tree) {
			while (first < seg->tree.first[level])
				level++;
			number -= seg->tree.first[level];
			shift = (INC_PAGE_SHIFT - seg->tree.digest_shift) *
				(level + 1);
		}
		if (number << shift >= seg->device_blocks)
			continue;
		number = ((number + 1) << shift) - 1;
		err = add_blocks(damage, number >> shift << shift,
				 number < seg->device_blocks ? number :
				 seg->device_blocks - 1);
		if (damage->more)
			break;
	}
	return err;
}

static int add_runs(struct damage *damage, const struct inc_segment *seg,
		    bool tree, const struct inc_run *runs, u32 count)
{
	u64 start = damage->offset >> INC_PAGE_SHIFT;
	u64 end = (damage->offset + damage->length) >> INC_PAGE_SHIFT;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < count; i++) {
		u64 first = le32_to_cpu(runs[i].first);
		u64 stop = i + 1 < count ? le32_to_cpu(runs[i + 1].first) :
			   tree ? seg->tree.pages : seg->map_pages;
		u64 page = le64_to_cpu(runs[i].file_page);
		u64 low = page > start ? page : start;
		u64 high = page + (stop - first);

		if (le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT) {
			if (page >= start && page < end)
				err = add_pages(damage, seg, tree, first,
						stop - 1);
			continue;
		}
		if (high > end)
			high = end;
		if (low < high)
			err = add_pages(damage, seg, tree, first + low - page,
					first + high - 1 - page);
	}
	return err;
}

static int by_first(const void *left, const void *right)
{
	const struct blocks *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static int add_metadata(struct scrub *scrub, struct inc_error *error)
{
	const struct inc_segment *seg = inc_image_segment(scrub->image);
	u8 *head = malloc(seg->head_size);
	int err = head ? 0 : -ENOMEM;
	size_t i;

	if (!err)
		err = scrub_read(scrub, seg->offset, seg->head_size, head,
				 error);
	for (i = 0; !err && i < scrub->damages.count; i++) {
		struct damage *damage = &scrub->damages.list[i];

		if (damage->area == INC_AREA_MAP)
			err = add_runs(damage, seg, false,
				       (void *)(head + seg->map_dir_offset),
				       seg->map_runs);
		else if (damage->area == INC_AREA_TREE)
			err = add_runs(damage, seg, true,
				       (void *)(head + seg->tree_dir_offset),
				       seg->tree_runs);
		if (damage->count)
			qsort(damage->blocks, damage->count,
			      sizeof(*damage->blocks), by_first);
	}
	free(head);
	return err;
}

int scrub_blocks(struct scrub *scrub, struct inc_error *error)
{
	const struct damages *damages = &scrub->damages;
	bool data = false;
	size_t i;
	int err;

	for (i = 0; i < damages->count; i++)
		data |= damages->list[i].area == INC_AREA_DATA;
	if (!damages->count)
		return 0;
	err = add_metadata(scrub, error);
	if (!err && data)
		err = walk_map(scrub);
	if (err == -ENOMEM)
		setup_fail(error, err, "out of memory");
	return err;
}
