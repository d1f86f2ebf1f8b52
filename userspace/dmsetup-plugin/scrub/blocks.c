// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scrub: the blocks of the device that need damaged chunks; see blocks.h.
 *
 * For data and dictionaries the whole map is walked, as any block may share an extent,
 * and those with an extent in damaged chunks, or one that refers to something there or
 * needs a dictionary there, are read, as it may be another's bytes. For a
 * page of map or hash tree the directories say which blocks are below it. Guard
 * and owner table are for loaders: no block needs them.
 */
#include <stdlib.h>
#include "dmsetup-plugin/scrub/blocks.h"

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

/**
 * struct parts - the ranges of the image that a cluster takes: its extent, what that
 * refers to, and dictionaries
 */
struct parts {
	struct incr_range list[2 * (1 + INC_REFERENCES_MAX)];
	unsigned int count;
};

static void add_part(struct scrub *scrub, const struct inc_extent *extent,
		     struct parts *parts)
{
	u32 i;

	parts->list[parts->count++] =
		(struct incr_range){ extent->offset, extent->length };
	for (i = 0; extent->codec == INC_CODEC_LZ4_DICT &&
	     i < incr_image_segments(scrub->image); i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(scrub->image, i);

		if (extent->offset >= seg->offset && extent->offset < seg->end &&
		    seg->dictionary_size)
			parts->list[parts->count++] = (struct incr_range){
				seg->dictionary_offset, seg->dictionary_size };
	}
}

/* What an extent that cannot be read refers to is not known. */
static void find_parts(struct scrub *scrub, const struct inc_extent *extent,
		       u64 block, struct parts *parts)
{
	struct inc_references references;
	struct incr_error error;
	u32 i;

	parts->count = 0;
	add_part(scrub, extent, parts);
	if (extent->codec != INC_CODEC_LZ4_REFERENCES ||
	    incr_image_references(scrub->image, block, extent, &references,
				  &error))
		return;
	for (i = 0; i < references.count; i++)
		add_part(scrub, &references.extents[i], parts);
}

static bool is_damaged(const struct damages *damages, const struct parts *parts)
{
	unsigned int i;

	for (i = 0; i < parts->count; i++) {
		const struct incr_range *part = &parts->list[i];
		size_t at = damage_after(damages, part->offset);

		if (at < damages->count &&
		    damages->list[at].offset < part->offset + part->length)
			return true;
	}
	return false;
}

/* Note blocks [@first, @last] for the damaged ranges that touch @part. */
static int add_part_blocks(struct damages *damages, const struct incr_range *part,
			   u64 first, u64 last)
{
	u64 end = part->offset + part->length;
	size_t i = damage_after(damages, part->offset);
	int err = 0;

	for (; !err && i < damages->count && damages->list[i].offset < end; i++)
		err = add_blocks(&damages->list[i], first, last);
	return err;
}

static int add_extent(struct scrub *scrub, const struct inc_extent *extent,
		      u64 block, u64 blocks, void *buffer)
{
	struct incr_error error;
	u64 first = inc_cluster_start(extent, block);
	u64 last = first + (1ull << extent->cluster_shift) - 1;
	struct parts parts;
	unsigned int i;
	int err = 0;

	if (last >= blocks)
		last = blocks - 1;
	find_parts(scrub, extent, block, &parts);
	if (!is_damaged(&scrub->damages, &parts) ||
	    !incr_image_read(scrub->image, first, last - first + 1, buffer,
			     &error))
		return 0;
	for (i = 0; !err && i < parts.count; i++)
		err = add_part_blocks(&scrub->damages, &parts.list[i], first,
				      last);
	return err;
}

/* Where the map is absent or damaged, go on after that. */
static int walk_map(struct scrub *scrub)
{
	u64 blocks = incr_image_segment(scrub->image)->device_blocks;
	u64 block = 0, next;
	struct inc_extent extent;
	void *buffer = malloc((size_t)INC_BLOCK_SIZE << INC_CLUSTER_SHIFT_MAX);
	struct incr_error error;
	int err = buffer ? 0 : -ENOMEM;

	while (!err && block < blocks && !scrub_signal) {
		if (incr_image_map(scrub->image, block, &extent, &next, &error))
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

/**
 * struct place - where a run's pages are
 * @first, @stop: numbers of the pages, [@first, @stop)
 * @page, @end: in the file: [@page, @end)
 * @most: the largest @end up to here in the list
 */
struct place {
	u64 first;
	u64 stop;
	u64 page;
	u64 end;
	u64 most;
};

/**
 * struct places - a directory's runs, by where they are in the file
 * @tree: it is the tree's, not the map's
 * @found: room for the numbers of those in a damaged range
 */
struct places {
	const struct inc_segment *seg;
	bool tree;
	struct place *list;
	u32 count;
	u64 *found;
};

static int by_page(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	return (a->page > b->page) - (a->page < b->page);
}

static int by_number(const void *left, const void *right)
{
	const u64 *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int places_make(struct places *places, const struct inc_segment *seg,
		       bool tree, const struct inc_run *runs, u32 count)
{
	u64 pages = tree ? seg->tree.pages : seg->map_pages, most = 0;
	u32 i;

	*places = (struct places){ .seg = seg, .tree = tree, .count = count };
	places->list = calloc(count + 1u, sizeof(*places->list));
	places->found = calloc(count + 1u, sizeof(*places->found));
	if (!places->list || !places->found)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		struct place *place = &places->list[i];

		place->first = le32_to_cpu(runs[i].first);
		place->stop = i + 1 < count ? le32_to_cpu(runs[i + 1].first) :
					      pages;
		place->page = le64_to_cpu(runs[i].file_page);
		place->end = place->page +
			     (le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT ? 1 :
			      place->stop - place->first);
	}
	qsort(places->list, count, sizeof(*places->list), by_page);
	for (i = 0; i < count; i++) {
		if (places->list[i].end > most)
			most = places->list[i].end;
		places->list[i].most = most;
	}
	return 0;
}

static void places_free(struct places *places)
{
	free(places->list);
	free(places->found);
}

/* The first run of which, or of one before it, pages are after @page. */
static u32 first_after(const struct places *places, u64 page)
{
	u32 low = 0, high = places->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (places->list[middle].most > page)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int add_place(struct damage *damage, const struct places *places,
		     const struct place *place, u64 start, u64 end)
{
	u64 low = place->page > start ? place->page : start;
	u64 high = place->end < end ? place->end : end;

	/* One page for all of them. */
	if (place->end - place->page != place->stop - place->first)
		return add_pages(damage, places->seg, places->tree,
				 place->first, place->stop - 1);
	return add_pages(damage, places->seg, places->tree,
			 place->first + low - place->page,
			 place->first + high - 1 - place->page);
}

static int add_runs(struct damage *damage, const struct places *places)
{
	u64 start = damage->offset >> INC_PAGE_SHIFT;
	u64 end = (damage->offset + damage->length) >> INC_PAGE_SHIFT;
	const struct place *list = places->list;
	size_t found = 0, i;
	int err = 0;
	u32 at;

	/* The lowest blocks first: not all may be kept. */
	for (at = first_after(places, start); at < places->count &&
	     list[at].page < end; at++)
		if (list[at].end > start)
			places->found[found++] = list[at].first << 32 | at;
	qsort(places->found, found, sizeof(*places->found), by_number);
	for (i = 0; !err && i < found && !damage->more; i++)
		err = add_place(damage, places, &list[(u32)places->found[i]],
				start, end);
	return err;
}

static int by_first(const void *left, const void *right)
{
	const struct blocks *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static int add_metadata(struct scrub *scrub, struct incr_error *error)
{
	const struct inc_segment *seg = incr_image_segment(scrub->image);
	struct places map = { 0 }, tree = { 0 };
	u8 *head = malloc(seg->head_size);
	int err = head ? 0 : -ENOMEM;
	size_t i;

	if (!err)
		err = scrub_read(scrub, seg->offset, seg->head_size, head,
				 error);
	if (!err)
		err = places_make(&map, seg, false,
				  (void *)(head + seg->map_dir_offset),
				  seg->map_runs);
	if (!err)
		err = places_make(&tree, seg, true,
				  (void *)(head + seg->tree_dir_offset),
				  seg->tree_runs);
	for (i = 0; !err && i < scrub->damages.count; i++) {
		struct damage *damage = &scrub->damages.list[i];

		if (damage->area == INCR_AREA_MAP)
			err = add_runs(damage, &map);
		else if (damage->area == INCR_AREA_TREE)
			err = add_runs(damage, &tree);
		if (damage->count)
			qsort(damage->blocks, damage->count,
			      sizeof(*damage->blocks), by_first);
	}
	places_free(&map);
	places_free(&tree);
	free(head);
	return err;
}

int scrub_blocks(struct scrub *scrub, struct incr_error *error)
{
	const struct damages *damages = &scrub->damages;
	bool data = false;
	size_t i;
	int err;

	for (i = 0; i < damages->count; i++)
		data |= damages->list[i].area == INCR_AREA_DATA ||
			damages->list[i].area == INCR_AREA_DICTIONARY;
	if (!damages->count)
		return 0;
	err = add_metadata(scrub, error);
	if (!err && data)
		err = walk_map(scrub);
	if (err == -ENOMEM)
		incr_fail(error, err, "out of memory");
	return err;
}
