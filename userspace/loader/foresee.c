// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What readers will want next; see foresee.h.
 */
#include <stdlib.h>
#include "loader/foresee.h"
#include "loader/pieces.h"
#include "loader/requests.h"

/* Bytes around a page of metadata that is wanted, at least: there are few pages. */
#define METADATA_WINDOW	(64ull << 10)
/* Of the bytes around a read, so many are before it: files are read forwards, mostly. */
#define BEHIND_OF	8u
/* The most of a map, and of an owner table, that is fetched before it is wanted. */
#define OPENING_MAX	(512ull << 10)
/* Of a tree, the pages that lead to all others: they come first. */
#define TREE_TOP	(32ull << 10)
/* If only what is read is fetched: the most waits before it counts as more than a mount; */
#define MOUNT_WAITS	8u
/* and the bytes around each of these. */
#define MOUNT_AROUND	(32ull << 10)

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

/* Hints of what is absent there; what is present in between is not to be fetched again. */
static void hint_absent(struct loader *loader, u64 start, u64 end)
{
	u64 mask = loader->device.chunk - 1, from, to;

	while (start < end && device_next_missing(&loader->device, start, end,
						  &from, &to) > 0) {
		hint(loader, from, (to + mask) & ~mask, 0);
		start = to;
	}
}

/* A list has what a start needs of the metadata, and its data would come later. */
static bool list_tells(struct loader *loader)
{
	const struct dm_incremental_request any = { .flags = DM_INCREMENTAL_REQUEST_HINT };

	return queue_startup_tells(&loader->queue, &any);
}

/* The metadata that any read needs. */
static void foresee_all(struct loader *loader)
{
	const struct inc_segment *seg =
		incr_image_segment(loader->loaded->image);
	u64 mask = loader->device.chunk - 1;
	u64 owners = seg->owners_offset & ~mask;
	u64 map = (seg->owners_offset + seg->owners_size + mask) & ~mask;
	u64 tree = seg->guarded_offset + seg->guarded_size;
	u64 end = lesser((tree + TREE_TOP) & ~mask, seg->data_offset);

	loader->mounting = false;
	if (list_tells(loader))
		return;
	tree &= ~mask;
	/* The guard, and a dictionary: all that follows is checked by them. */
	hint_absent(loader, seg->meta_offset & ~mask, owners);
	/* Each read needs all levels of the tree, but one page of the map, which is larger. */
	hint_absent(loader, tree > map ? tree : map, end);
	hint_absent(loader, map, lesser(tree, map + OPENING_MAX));
	hint_absent(loader, owners, lesser(map, owners + OPENING_MAX));
}

void foresee_opening(struct loader *loader)
{
	struct incr_range *ranges;
	struct incr_error error;
	size_t count, i;

	if (loader->queue.background || list_tells(loader) ||
	    incr_image_plan_first(loader->loaded->image, &ranges, &count, &error)) {
		foresee_all(loader);
		return;
	}
	loader->mounting = true;
	loader->mount_waits = 0;
	for (i = 0; i < count; i++)
		hint_absent(loader, ranges[i].offset,
			    ranges[i].offset + ranges[i].length);
	free(ranges);
}

/*
 * Where only what is read is fetched, a filesystem may be mounted and listed, and no more. The
 * kernel reads ahead in files alone: then one is read.
 */
static void look_for_readers(struct loader *loader, const struct dm_incremental_request *request)
{
	if (loader->mounting &&
	    (request->flags & DM_INCREMENTAL_REQUEST_HINT ||
	     ++loader->mount_waits > MOUNT_WAITS))
		foresee_all(loader);
}

/*
 * A read that no readahead has announced is one of the filesystem's metadata, mostly. These lie
 * side by side, and a start goes through many. Other files are small, mostly, and one that is
 * read leads to others: on a long link what is around them is fetched, too, as it costs no time.
 */
static void foresee_data(struct loader *loader, const struct inc_segment *seg,
			 const struct dm_incremental_request *request)
{
	u64 start = request->offset, end = start + request->length;
	u64 first = seg->data_offset & ~(u64)(loader->device.chunk - 1);
	u64 reach, from = start;

	if (request->flags & DM_INCREMENTAL_REQUEST_HINT) {
		places_announce(&loader->places, start);
		reach = runs_hint(&loader->runs, start, end);
	} else {
		u64 around = loader->mounting ? MOUNT_AROUND :
			     queue_around(&loader->queue);

		reach = queue_hinted(&loader->queue, start, end);
		if (around > PACE_AROUND_FIRST ||
		    (!reach && !places_announced(&loader->places, start))) {
			u64 behind = (around / BEHIND_OF) & ~(u64)(loader->device.chunk - 1);

			from = start > behind ? start - behind : 0;
			if (reach < start + around - behind)
				reach = start + around - behind;
		}
		reach = runs_wait(&loader->runs, start, end, reach);
	}
	if (from < start || reach > end)
		hint_absent(loader, from > first ? from : first, lesser(reach, seg->end));
}

/* A page of metadata is wanted: those around it lead to what is beside what it leads to. */
static void foresee_metadata(struct loader *loader, const struct inc_segment *seg,
			     const struct dm_incremental_request *request)
{
	u64 around = queue_around(&loader->queue), start;

	if (around < METADATA_WINDOW)
		around = METADATA_WINDOW;
	if (loader->mounting)
		around = MOUNT_AROUND;
	start = request->offset & ~(around - 1);
	hint(loader, start > seg->meta_offset ? start : seg->meta_offset,
	     lesser(start + around, seg->data_offset),
	     request->flags & DM_INCREMENTAL_REQUEST_REFETCH);
}

void foresee(struct loader *loader, const struct dm_incremental_request *request)
{
	const struct incr_image *image = loader->loaded->image;
	u32 i;

	look_for_readers(loader, request);
	for (i = 0; i < incr_image_segments(image); i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(image, i);

		if (request->offset < seg->meta_offset ||
		    request->offset >= seg->end)
			continue;
		if (request->offset < seg->data_offset) {
			if (!(request->flags & DM_INCREMENTAL_REQUEST_HINT))
				foresee_metadata(loader, seg, request);
		} else if (!(request->flags & DM_INCREMENTAL_REQUEST_REFETCH)) {
			foresee_data(loader, seg, request);
		}
		break;
	}
}
