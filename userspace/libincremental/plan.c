// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ranges of the image file that a set of blocks needs.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

struct plan {
	u64 mask;			/* chunk size less 1 */
	const struct inc_segment *dictionary;	/* whose was added last */
	struct incr_range *ranges;
	size_t count;
	size_t room;
};

static int range_compare(const void *left, const void *right)
{
	const struct incr_range *a = left, *b = right;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return 0;
}

/* Sort, and merge what overlaps or touches. */
static void plan_merge(struct plan *plan)
{
	size_t i, kept = 0;

	if (!plan->count)
		return;
	qsort(plan->ranges, plan->count, sizeof(*plan->ranges), range_compare);
	for (i = 1; i < plan->count; i++) {
		struct incr_range *last = &plan->ranges[kept];
		const struct incr_range *range = &plan->ranges[i];
		u64 end = range->offset + range->length;

		if (range->offset > last->offset + last->length)
			plan->ranges[++kept] = *range;
		else if (end > last->offset + last->length)
			last->length = end - last->offset;
	}
	plan->count = kept + 1;
}

static int plan_add(struct plan *plan, u64 offset, u64 length,
		    struct incr_error *error)
{
	u64 start = offset & ~plan->mask;
	u64 end = (offset + length + plan->mask) & ~plan->mask;
	struct incr_range *last;

	if (plan->count) {
		last = &plan->ranges[plan->count - 1];
		if (start >= last->offset &&
		    start <= last->offset + last->length) {
			if (end > last->offset + last->length)
				last->length = end - last->offset;
			return 0;
		}
	}
	if (plan->count == plan->room) {
		plan_merge(plan);
		/* Worth the sorting only if it leaves room enough. */
		if (plan->count >= plan->room / 2) {
			size_t room = plan->room ? 2 * plan->room : 16;
			void *more = realloc(plan->ranges,
					     room * sizeof(*plan->ranges));

			if (!more)
				return incr_fail(error, -ENOMEM,
						 "out of memory");
			plan->ranges = more;
			plan->room = room;
		}
	}
	plan->ranges[plan->count].offset = start;
	plan->ranges[plan->count++].length = end - start;
	return 0;
}

/* The pages of a hash tree on the way from the root to @block. */
static int plan_hashes(struct plan *plan, const struct inc_hashes *hashes,
		       u64 block, struct incr_error *error)
{
	u32 level, place;
	int ret = 0;

	for (level = hashes->tree->levels; !ret && level-- > 0;)
		ret = plan_add(plan, incr_hashes_page(hashes, level, block,
						      &place) << INC_PAGE_SHIFT,
			       INC_PAGE_SIZE, error);
	return ret;
}

/* Guarded pages, and those of the guard on the way to them. */
static int plan_guarded(struct plan *plan, const struct incr_image *image,
			u64 offset, u64 length, struct incr_error *error)
{
	const struct inc_segment *seg = incr_segment_holding(image, offset);
	u64 page, end = offset + length;
	struct inc_hashes guard;
	int ret = plan_add(plan, offset, length, error);

	if (!seg || !inc_within(offset, seg->guarded_offset, seg->guarded_size))
		return ret;
	incr_hashes_guard(&guard, seg);
	for (page = offset; !ret && page < end; page += INC_PAGE_SIZE)
		ret = plan_hashes(plan, &guard, (page - seg->guarded_offset) >>
				  INC_PAGE_SHIFT, error);
	return ret;
}

/* The dictionary of the extent at @offset. */
static int plan_dictionary(struct plan *plan, const struct incr_image *image,
			   u64 offset, struct incr_error *error)
{
	const struct inc_segment *seg = incr_segment_holding(image, offset);

	if (!seg || !seg->dictionary_size || seg == plan->dictionary)
		return 0;
	plan->dictionary = seg;
	return plan_guarded(plan, image, seg->dictionary_offset,
			    seg->dictionary_size, error);
}

/*
 * What an extent takes besides itself. Where the extent is absent, nobody knows what
 * it refers to.
 */
static int plan_more(struct plan *plan, const struct inc_source *source,
		     u64 block, const struct inc_extent *extent,
		     struct incr_error *error)
{
	struct inc_references references;
	int ret;
	u32 i;

	if (extent->codec == INC_CODEC_LZ4_DICT)
		return plan_dictionary(plan, source->image, extent->offset,
				       error);
	if (extent->codec != INC_CODEC_LZ4_REFERENCES)
		return 0;
	ret = incr_references_read(source, extent, block, &references, error);
	if (ret == -ENODATA)
		return 0;
	for (i = 0; !ret && i < references.count; i++) {
		const struct inc_extent *reference = &references.extents[i];

		ret = plan_add(plan, reference->offset, reference->length,
			       error);
		if (!ret && reference->codec == INC_CODEC_LZ4_DICT)
			ret = plan_dictionary(plan, source->image,
					      reference->offset, error);
	}
	return ret;
}

static int plan_blocks(struct plan *plan, const struct inc_source *source,
		       u64 block, u64 end, struct incr_error *error)
{
	const struct inc_view *view = source->view;
	const struct inc_segment *seg = view->seg;
	u32 fanout = 1u << (INC_PAGE_SHIFT - seg->tree.digest_shift);
	u64 map_page = UINT64_MAX, tree_end = 0;
	struct inc_hashes tree;
	struct inc_cursor cursor;
	struct inc_extent extent;
	int ret = 0;

	inc_cursor_init(&cursor);
	incr_hashes_tree(&tree, view);
	while (!ret && block < end) {
		if (block >= tree_end) {
			ret = plan_hashes(plan, &tree, block, error);
			tree_end = (block / fanout + 1) * fanout;
		}
		if (!ret && inc_map_page(block) != map_page) {
			map_page = inc_map_page(block);
			ret = plan_guarded(plan, source->image,
					   dm_inc_dir_lookup(view->map_runs,
							     seg->map_runs,
							     map_page)
						   << INC_PAGE_SHIFT,
					   INC_PAGE_SIZE, error);
		}
		if (!ret)
			ret = incr_entry_fetch(source, block, &cursor, &extent,
					       error);
		if (ret)
			break;
		if (extent.codec == INC_CODEC_ZERO) {
			u64 next = incr_map_skip(source, block, &cursor);

			block = next < tree_end ? next : tree_end;
			continue;
		}
		ret = plan_add(plan, extent.offset, extent.length, error);
		if (!ret)
			ret = plan_more(plan, source, block, &extent, error);
		block = inc_cluster_start(&extent, block) +
			(1ull << extent.cluster_shift);
	}
	return ret;
}

static int plan_finish(struct plan *plan, int ret, struct incr_range **ranges,
		       size_t *count)
{
	if (ret) {
		free(plan->ranges);
		return ret;
	}
	plan_merge(plan);
	*ranges = plan->ranges;
	*count = plan->count;
	return 0;
}

int incr_image_plan(struct incr_image *image, u64 block, u64 blocks,
		    struct incr_range **ranges, size_t *count,
		    struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	const struct inc_segment *seg = image->view->seg;
	struct plan plan = { .mask = (1ull << seg->chunk_shift) - 1 };
	int ret;

	if (block > seg->device_blocks || blocks > seg->device_blocks - block)
		return incr_fail(error, -EINVAL,
				 "blocks %llu+%llu reach past the device's end (%llu blocks)",
				 (unsigned long long)block,
				 (unsigned long long)blocks,
				 (unsigned long long)seg->device_blocks);
	ret = plan_blocks(&plan, &source, block, block + blocks, error);
	return plan_finish(&plan, ret, ranges, count);
}

int incr_image_plan_first(const struct incr_image *image,
			  struct incr_range **ranges, size_t *count,
			  struct incr_error *error)
{
	const struct inc_view *view = image->view;
	const struct inc_segment *seg = view->seg;
	struct plan plan = { .mask = (1ull << seg->chunk_shift) - 1 };
	struct inc_hashes tree;
	u64 map;
	int ret;

	incr_hashes_tree(&tree, view);
	map = dm_inc_dir_lookup(view->map_runs, seg->map_runs, 0)
	      << INC_PAGE_SHIFT;
	ret = plan_hashes(&plan, &tree, 0, error);
	if (!ret)
		ret = plan_guarded(&plan, image, map, INC_PAGE_SIZE, error);
	/* The extents that the page names are in its segment, mostly. */
	seg = incr_segment_holding(image, map);
	if (!ret && seg && seg->owners_size)
		ret = plan_guarded(&plan, image, seg->owners_offset,
				   INC_PAGE_SIZE, error);
	if (!ret && seg)
		ret = plan_dictionary(&plan, image, seg->data_offset, error);
	return plan_finish(&plan, ret, ranges, count);
}
