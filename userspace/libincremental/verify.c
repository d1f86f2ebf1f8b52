// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checking bytes of the image file before they are filled in.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

/* The state of a check of the data area. */
struct data_walk {
	const struct inc_source *source;
	struct inc_cursor cursor;
	u8 *stored;		/* room for an extent */
	u8 *blocks;		/* room for a cluster */
	struct inc_window window;
	u64 done;		/* bytes of the file below are checked */

	/* Of the chunk that is being checked: */
	u64 last;		/* map page that the walk has come to */
	u32 pages;		/* that it looked at after the first one */
	u32 most;		/* of these, in any chunk */
};

static u64 source_end(const struct inc_source *source)
{
	return source->offset + source->length;
}

static int check_zero(const struct inc_source *source, u64 start, u64 end,
		      const char *what, struct incr_error *error)
{
	if (start < source->offset)
		start = source->offset;
	if (end > source_end(source))
		end = source_end(source);
	if (start >= end || inc_all_zero(source->data +
					 (start - source->offset), end - start))
		return 0;
	return incr_fail(error, -EBADMSG,
			 "%s between offset %llu and %llu is not zero", what,
			 (unsigned long long)start, (unsigned long long)end);
}

/* The part of the head in the range must leave the head's digest as it is. */
static int check_head(const struct inc_source *source, struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u8 *head = malloc(seg->head_size);
	int ret;

	if (!head)
		return incr_fail(error, -ENOMEM, "out of memory for the head");
	ret = incr_source_read(source, seg->offset, seg->head_size, head, error);
	if (!ret && !incr_head_good(seg, head))
		ret = incr_fail(error, -EBADMSG,
				"head of generation %u (offset %llu) does not match its digest",
				seg->generation,
				(unsigned long long)seg->offset);
	free(head);
	return ret;
}

/* The origin's bitmap has ones for the segment's chunks, then zeros. */
static int check_bitmap(const struct inc_source *source, u64 start, u64 end,
			struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 chunks = seg->size >> seg->chunk_shift;
	u64 at;

	for (at = start; at < end; at++) {
		u64 bit = (at - seg->bitmap_offset) * 8;
		u64 ones = bit >= chunks ? 0 : chunks - bit;
		u8 expected = ones >= 8 ? 0xff : (u8)((1u << ones) - 1);

		if (source->data[at - source->offset] != expected)
			return incr_fail(error, -EBADMSG,
					 "presence bitmap at offset %llu is 0x%02x, not 0x%02x as in a complete image",
					 (unsigned long long)at,
					 source->data[at - source->offset],
					 expected);
	}
	return 0;
}

/* @page may be found wrong even where an equal page is cached as good. */
static int check_hashes(const struct inc_source *source,
			const struct inc_hashes *hashes, u64 number, u64 offset,
			const u8 *page, struct incr_error *error)
{
	u8 good[INC_PAGE_SIZE];
	u32 level;
	u64 block = incr_hashes_below(hashes, number, &level);
	int ret = incr_hashes_fetch(source, hashes, level, block, good, error);

	if (!ret && memcmp(good, page, sizeof(good)))
		ret = incr_fail(error, -EBADMSG,
				"%s page %llu (offset %llu) does not match its digest",
				hashes->name, (unsigned long long)number,
				(unsigned long long)offset);
	return ret;
}

/* A page of the metadata is one of these: guard, guarded, tree, or zeros. */
static int check_meta_page(const struct inc_source *source, u64 offset,
			   struct incr_error *error)
{
	const struct inc_view *view = source->view;
	const struct inc_segment *seg = view->seg;
	const u8 *page = source->data + (offset - source->offset);
	u64 guard_bytes = seg->guard.pages << INC_PAGE_SHIFT, number;
	struct inc_hashes hashes;

	if (inc_within(offset, seg->guard_offset, guard_bytes)) {
		incr_hashes_guard(&hashes, seg);
		number = (offset - seg->guard_offset) >> INC_PAGE_SHIFT;
		return check_hashes(source, &hashes, number, offset, page,
				    error);
	}
	if (inc_within(offset, seg->guarded_offset, seg->guarded_size))
		return incr_guarded_check(source, offset, page, error);
	if (incr_back_find(&view->tree_back, offset >> INC_PAGE_SHIFT,
			   &number)) {
		incr_hashes_tree(&hashes, view);
		return check_hashes(source, &hashes, number, offset, page,
				    error);
	}
	return check_zero(source, offset, offset + INC_PAGE_SIZE,
			  "metadata that nothing refers to", error);
}

/* The owner of a chunk of the data, INC_NO_OWNER past the last one. */
static int owner_fetch(const struct inc_source *source, u64 chunk, u32 *owner,
		       struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 offset = seg->owners_offset + chunk * 4;
	__le32 page[INC_PAGE_SIZE / 4];
	int ret;

	*owner = INC_NO_OWNER;
	if (chunk >= seg->owners_size / 4)
		return 0;
	ret = incr_guarded_fetch(source, offset >> INC_PAGE_SHIFT, page, error);
	if (ret)
		return ret;
	*owner = le32_to_cpu(page[offset % INC_PAGE_SIZE / 4]);
	if (*owner == INC_NO_OWNER || *owner < seg->device_blocks)
		return 0;
	return incr_fail(error, -EINVAL,
			 "owner table at offset %llu names block %u, past the device's end",
			 (unsigned long long)offset, *owner);
}

/*
 * The extent that holds byte @at of the file, the first of a chunk of the
 * data. *owner is INC_NO_OWNER if there is none.
 */
static int extent_at(const struct inc_source *source, u64 at,
		     struct inc_cursor *cursor, u32 *owner,
		     struct inc_extent *extent, struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 chunk = (at - seg->data_offset) >> seg->chunk_shift;
	u64 place = seg->owners_offset + chunk * 4;
	int ret;

	ret = owner_fetch(source, chunk, owner, error);
	if (ret || *owner == INC_NO_OWNER)
		return ret;
	ret = incr_entry_fetch(source, *owner, cursor, extent, error);
	if (ret)
		return ret;
	if (extent->codec != INC_CODEC_ZERO &&
	    inc_cluster_start(extent, *owner) == *owner &&
	    extent->offset <= at &&
	    at - extent->offset < extent->length)
		return 0;
	return incr_fail(error, -EBADMSG,
			 "owner table (offset %llu) says block %u for the data at offset %llu, its map entry says otherwise",
			 (unsigned long long)place, *owner,
			 (unsigned long long)at);
}

static int check_extent(struct data_walk *walk, u64 block,
			const struct inc_extent *extent,
			struct incr_error *error)
{
	const struct inc_source *source = walk->source;
	u64 left = source->view->seg->device_blocks - block;
	u64 count = 1ull << extent->cluster_shift;
	const u8 *stored = walk->stored;
	int ret;

	if (extent->offset >= source->offset &&
	    extent->offset + extent->length <= source_end(source)) {
		stored = source->data + (extent->offset - source->offset);
	} else {
		ret = incr_source_read(source, extent->offset, extent->length,
				       walk->stored, error);
		if (ret)
			return ret;
	}
	ret = incr_extent_expand(source, &walk->window, extent, block, stored,
				 walk->blocks, error);
	if (ret)
		return ret;
	return incr_blocks_check(source, extent, block,
				 count < left ? count : left, walk->blocks,
				 &walk->cursor, error);
}

/*
 * Find the extent that starts at @at, by going along the virtual device from
 * the cluster before it, up to block @last. *block is UINT64_MAX if there is
 * none.
 *
 * The walk of one chunk looks at INC_WALK_PAGES map pages at most, since the image
 * is not trusted, and its map may lead from one end of the device to the other.
 * The format lets no extent be further away; with INC_COMPAT_NEAR none is on
 * another page. A page that a run repeats has the same entries each time: if all of
 * it has been looked at and does not lead to @at, its repetitions do not either.
 * They are passed over in one step, whatever the size of the hole that they stand
 * for.
 */
static int extent_after(struct data_walk *walk, u64 at, u64 last, u64 *block,
			struct inc_extent *extent, struct incr_error *error)
{
	u64 b = *block + (1ull << extent->cluster_shift);
	bool whole = false;

	*block = UINT64_MAX;
	while (b <= last) {
		u64 page = inc_map_page(b);
		int ret;

		if (page != walk->last) {
			u64 next = incr_map_next(walk->source, walk->last);

			if (whole && page < next) {
				b = next << INC_ENTRIES_SHIFT;
				whole = false;
				continue;
			}
			if (walk->pages == walk->most)
				return 0;
			walk->pages++;
			walk->last = page;
			whole = !inc_map_index(b);
		}
		ret = incr_entry_fetch(walk->source, b, &walk->cursor, extent,
				       error);
		if (ret)
			return ret;
		if (extent->codec == INC_CODEC_ZERO) {
			b = incr_map_skip(walk->source, b, &walk->cursor);
			continue;
		}
		b = inc_cluster_start(extent, b);
		if (extent->offset == at) {
			*block = b;
			return 0;
		}
		b += 1ull << extent->cluster_shift;
	}
	return 0;
}

static int check_data_chunk(struct data_walk *walk, u64 start,
			    struct incr_error *error)
{
	const struct inc_source *source = walk->source;
	const struct inc_segment *seg = source->view->seg;
	u64 end = start + (1ull << seg->chunk_shift);
	u64 last = seg->device_blocks - 1;
	u64 at = start, block = UINT64_MAX;
	struct inc_extent extent;
	u32 owner, next;
	int ret;

	ret = extent_at(source, start, &walk->cursor, &owner, &extent, error);
	if (!ret)
		ret = owner_fetch(source, ((start - seg->data_offset) >>
					   seg->chunk_shift) + 1, &next, error);
	if (ret)
		return ret;
	walk->pages = 0;
	if (owner != INC_NO_OWNER) {
		block = owner;
		walk->last = inc_map_page(owner);
	}
	/* File order: the rest of this chunk comes before the next chunk. */
	if (next != INC_NO_OWNER && next > owner)
		last = next;

	while (block != UINT64_MAX) {
		at = extent.offset + extent.length;
		if (at > walk->done) {
			ret = check_extent(walk, block, &extent, error);
			if (ret)
				return ret;
			walk->done = at;
		}
		if (at >= end)
			return 0;
		ret = extent_after(walk, at, last, &block, &extent, error);
		if (ret)
			return ret;
	}
	return check_zero(source, at, end, "padding of the data", error);
}

static int check_data(const struct inc_source *source, u64 start, u64 end,
		      struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	size_t cluster = (size_t)INC_BLOCK_SIZE << seg->cluster_shift;
	struct data_walk walk = {
		.source = source,
		.most = seg->compat & INC_COMPAT_NEAR ? 0 : INC_WALK_PAGES,
	};
	int ret = 0;

	inc_cursor_init(&walk.cursor);
	walk.stored = malloc(2 * cluster);
	if (!walk.stored)
		return incr_fail(error, -ENOMEM, "out of memory");
	walk.blocks = walk.stored + cluster;
	for (; !ret && start < end; start += 1ull << seg->chunk_shift)
		ret = check_data_chunk(&walk, start, error);
	incr_window_free(&walk.window);
	free(walk.stored);
	return ret;
}

/* Check the part of the source's own bytes that is in its view's segment. */
static int check_segment(const struct inc_source *source, u64 start, u64 end,
			 struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	int ret = 0;

	if (start < seg->bitmap_offset) {
		ret = check_head(source, error);
		start = seg->bitmap_offset;
	}
	if (!ret && start < end && start < seg->meta_offset) {
		u64 stop = end < seg->meta_offset ? end : seg->meta_offset;

		ret = check_bitmap(source, start, stop, error);
		start = seg->meta_offset;
	}
	for (; !ret && start < end && start < seg->data_offset;
	     start += INC_PAGE_SIZE)
		ret = check_meta_page(source, start, error);
	if (!ret && start < end)
		ret = check_data(source, start, end, error);
	return ret;
}

static int check_chunks(const struct incr_image *image, u64 offset, u64 length,
			struct incr_error *error)
{
	u64 mask = (1ull << image->segments->chunk_shift) - 1;

	if ((offset & mask) || (length & mask))
		return incr_fail(error, -EINVAL,
				 "range %llu+%llu is not made of whole chunks (%llu bytes)",
				 (unsigned long long)offset,
				 (unsigned long long)length,
				 (unsigned long long)mask + 1);
	if (offset > image->size || length > image->size - offset)
		return incr_fail(error, -EINVAL,
				 "range %llu+%llu reaches past the end of the image (%llu bytes)",
				 (unsigned long long)offset,
				 (unsigned long long)length,
				 (unsigned long long)image->size);
	return 0;
}

int incr_image_verify(struct incr_image *image, u64 offset, u64 length,
		      const void *data, struct incr_error *error)
{
	struct inc_source source = { image, NULL, offset, length, data };
	u64 end = offset + length;
	int ret = check_chunks(image, offset, length, error);

	while (!ret && offset < end) {
		const struct inc_segment *seg = incr_segment_holding(image,
								     offset);
		u64 stop = end < seg->end ? end : seg->end;

		source.view = incr_view_get(image, seg->generation, error);
		if (!source.view)
			return -EIO;
		ret = check_segment(&source, offset, stop, error);
		incr_view_put(image, source.view);
		offset = stop;
	}
	return ret;
}

/*
 * If an extent has bytes on both sides of @at, a multiple of the chunk size,
 * set @start and @end to where it does; else to @at.
 */
static int extent_across(struct incr_image *image, u64 at, u64 *start, u64 *end,
			 struct incr_error *error)
{
	const struct inc_segment *seg = incr_segment_holding(image, at);
	struct inc_source source = { image, NULL, 0, 0, NULL };
	struct inc_cursor cursor;
	struct inc_extent extent;
	u32 owner;
	int ret;

	*start = *end = at;
	if (!seg || at <= seg->data_offset)
		return 0;
	source.view = incr_view_get(image, seg->generation, error);
	if (!source.view)
		return -EIO;
	inc_cursor_init(&cursor);
	ret = extent_at(&source, at, &cursor, &owner, &extent, error);
	incr_view_put(image, source.view);
	if (ret || owner == INC_NO_OWNER || extent.offset == at)
		return ret;
	*start = extent.offset;
	*end = extent.offset + extent.length;
	return 0;
}

int incr_image_widen(struct incr_image *image, u64 *offset, u64 *length,
		     struct incr_error *error)
{
	u64 start, end, unused;
	int ret;

	ret = check_chunks(image, *offset, *length, error);
	if (!ret)
		ret = extent_across(image, *offset, &start, &unused, error);
	if (!ret)
		ret = extent_across(image, *offset + *length, &unused, &end,
				    error);
	if (ret)
		return ret;
	*offset = start;
	*length = end - start;
	return 0;
}
