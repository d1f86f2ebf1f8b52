// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which ranges of the image file a set of blocks needs.
 */
#include <stdlib.h>
#include "internal.h"

struct plan {
	u64 mask;			/* chunk size less 1 */
	struct inc_range *ranges;
	size_t count;
	size_t room;
};

static int range_compare(const void *left, const void *right)
{
	const struct inc_range *a = left, *b = right;

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
		struct inc_range *last = &plan->ranges[kept];
		const struct inc_range *range = &plan->ranges[i];
		u64 end = range->offset + range->length;

		if (range->offset > last->offset + last->length)
			plan->ranges[++kept] = *range;
		else if (end > last->offset + last->length)
			last->length = end - last->offset;
	}
	plan->count = kept + 1;
}

static int plan_add(struct plan *plan, u64 offset, u64 length,
		    struct inc_error *error)
{
	u64 start = offset & ~plan->mask;
	u64 end = (offset + length + plan->mask) & ~plan->mask;
	struct inc_range *last;

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
				return inc_fail(error, -ENOMEM,
						"out of memory");
			plan->ranges = more;
			plan->room = room;
		}
	}
	plan->ranges[plan->count].offset = start;
	plan->ranges[plan->count++].length = end - start;
	return 0;
}

static int plan_page(struct plan *plan, const struct inc_run *runs, u32 count,
		     u64 page, struct inc_error *error)
{
	return plan_add(plan,
			inc_dir_lookup(runs, count, page) << INC_PAGE_SHIFT,
			INC_PAGE_SIZE, error);
}

/* The tree pages on the way from the root to @block. */
static int plan_tree(struct plan *plan, const struct inc_view *view, u64 block,
		     struct inc_error *error)
{
	const struct inc_segment *seg = view->seg;
	u32 level, place;
	int ret = 0;

	for (level = seg->tree.levels; !ret && level-- > 0;)
		ret = plan_page(plan, view->tree_runs, seg->tree_runs,
				inc_tree_page(&seg->tree, level, block, &place),
				error);
	return ret;
}

static int plan_blocks(struct plan *plan, const struct inc_source *source,
		       u64 block, u64 end, struct inc_error *error)
{
	const struct inc_view *view = source->view;
	const struct inc_segment *seg = view->seg;
	u32 fanout = 1u << (INC_PAGE_SHIFT - seg->tree.digest_shift);
	u64 map_page = UINT64_MAX, tree_end = 0;
	struct inc_cursor cursor;
	struct inc_extent extent;
	int ret = 0;

	inc_cursor_init(&cursor);
	while (!ret && block < end) {
		if (block >= tree_end) {
			ret = plan_tree(plan, view, block, error);
			tree_end = (block / fanout + 1) * fanout;
		}
		if (!ret && inc_map_page(block) != map_page) {
			map_page = inc_map_page(block);
			ret = plan_page(plan, view->map_runs, seg->map_runs,
					map_page, error);
		}
		if (!ret)
			ret = inc_entry_fetch(source, block, &cursor, &extent,
					      error);
		if (ret)
			break;
		if (extent.codec == INC_CODEC_ZERO) {
			u64 next = inc_map_skip(source, block, &cursor);

			block = next < tree_end ? next : tree_end;
			continue;
		}
		ret = plan_add(plan, extent.offset, extent.length, error);
		block = inc_cluster_start(&extent, block) +
			(1ull << extent.cluster_shift);
	}
	return ret;
}

int inc_image_plan(struct inc_image *image, u64 block, u64 blocks,
		   struct inc_range **ranges, size_t *count,
		   struct inc_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	const struct inc_segment *seg = image->view->seg;
	struct plan plan = { .mask = (1ull << seg->chunk_shift) - 1 };
	int ret;

	if (block > seg->device_blocks || blocks > seg->device_blocks - block)
		return inc_fail(error, -EINVAL,
				"blocks %llu+%llu reach past the device's end (%llu blocks)",
				(unsigned long long)block,
				(unsigned long long)blocks,
				(unsigned long long)seg->device_blocks);
	ret = plan_blocks(&plan, &source, block, block + blocks, error);
	if (ret) {
		free(plan.ranges);
		return ret;
	}
	plan_merge(&plan);
	*ranges = plan.ranges;
	*count = plan.count;
	return 0;
}
