// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What readers will want next; see foresee.h.
 */
#include "loader/foresee.h"
#include "loader/requests.h"

/* Bytes around a page of metadata that is wanted. */
#define METADATA_WINDOW	(64ull << 10)
/* The most of a map, and of an owner table, that is fetched before it is wanted. */
#define OPENING_MAX	(512ull << 10)
/* Of a tree, the pages that lead to all others: they come first. */
#define TREE_TOP	(32ull << 10)

static void hint(struct loader *loader, u64 start, u64 end, u32 flags)
{
	const struct dm_incremental_request request = {
		.offset = start,
		.length = end - start,
		.flags = DM_INCREMENTAL_REQUEST_HINT | flags,
	};

	if (start < end)
		queue_add(&loader->queue, &request);
}

static u64 lesser(u64 a, u64 b)
{
	return a < b ? a : b;
}

void foresee_opening(struct loader *loader)
{
	const struct inc_segment *seg =
		incr_image_segment(loader->loaded->image);
	u64 mask = loader->device.chunk - 1;
	u64 owners = seg->owners_offset & ~mask;
	u64 map = (seg->owners_offset + seg->owners_size + mask) & ~mask;
	u64 tree = seg->guarded_offset + seg->guarded_size;
	u64 end = lesser((tree + TREE_TOP) & ~mask, seg->data_offset);

	tree &= ~mask;
	/* The guard, and a dictionary: all that follows is checked by them. */
	hint(loader, seg->meta_offset & ~mask, owners, 0);
	/* Each read needs all levels of the tree, but one page of the map, which is larger. */
	hint(loader, tree > map ? tree : map, end, 0);
	hint(loader, map, lesser(tree, map + OPENING_MAX), 0);
	hint(loader, owners, lesser(map, owners + OPENING_MAX), 0);
}

void foresee(struct loader *loader, const struct dm_incremental_request *request)
{
	const struct incr_image *image = loader->loaded->image;
	u64 start = request->offset & ~(METADATA_WINDOW - 1);
	u32 i;

	for (i = 0; i < incr_image_segments(image); i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(image, i);

		if (request->offset < seg->meta_offset ||
		    request->offset >= seg->data_offset)
			continue;
		hint(loader, start > seg->meta_offset ? start : seg->meta_offset,
		     lesser(start + METADATA_WINDOW, seg->data_offset),
		     request->flags & DM_INCREMENTAL_REQUEST_REFETCH);
		break;
	}
}
