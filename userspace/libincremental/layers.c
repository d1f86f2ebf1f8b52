// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Facts about an image's generations for a writer of layers.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

int incr_image_digests(struct incr_image *image, u64 block, u64 count,
		       void *digests, struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 blocks = image->view->seg->device_blocks;
	struct inc_cursor cursor;
	u8 *out = digests;
	int ret = 0;

	if (block > blocks || count > blocks - block)
		return incr_fail(error, -EINVAL,
				 "blocks %llu+%llu reach past the device's end (%llu blocks)",
				 (unsigned long long)block,
				 (unsigned long long)count,
				 (unsigned long long)blocks);
	inc_cursor_init(&cursor);
	for (; !ret && count; count--, out += INC_SHA256_SIZE)
		ret = incr_block_digest(&source, block++, &cursor, out, error);
	return ret;
}

int incr_image_map_page(struct incr_image *image, u64 page, __le64 *entries,
			struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 block = page << INC_ENTRIES_SHIFT;
	struct inc_cursor cursor;
	struct inc_extent extent;
	u32 i;

	if (page >= image->view->seg->map_pages)
		return incr_fail(error, -EINVAL,
				 "map has no page %llu, only %llu pages",
				 (unsigned long long)page,
				 (unsigned long long)image->view->seg->map_pages);
	inc_cursor_init(&cursor);
	for (i = 0; i < INC_ENTRIES_PER_PAGE; i++) {
		int ret = incr_entry_fetch(&source, block + i, &cursor, &extent,
					   error);

		if (ret)
			return ret;
	}
	memcpy(entries, cursor.map, INC_PAGE_SIZE);
	return 0;
}

const struct inc_run *incr_image_runs(const struct incr_image *image, bool tree)
{
	return tree ? image->view->tree_runs : image->view->map_runs;
}

/* Where in the file the lowest page of the tree for @block is. */
static u64 tree_file_page(const struct inc_view *view, u64 block)
{
	u32 place;

	return dm_inc_dir_lookup(
		view->tree_runs, view->seg->tree_runs,
		dm_inc_tree_page(&view->seg->tree, 0, block, &place));
}

static u64 map_file_page(const struct inc_view *view, u64 block)
{
	return dm_inc_dir_lookup(view->map_runs, view->seg->map_runs,
				 inc_map_page(block));
}

u64 incr_image_shared(struct incr_image *image, const struct incr_image *other,
		      u64 block, u64 max)
{
	const struct inc_view *a = image->view, *b = other->view;
	u32 shift = INC_PAGE_SHIFT - a->seg->tree.digest_shift;
	u64 at = block, end = block + max;
	u8 digest[INC_SHA256_SIZE];

	if (!a->seg->tree.levels || !b->seg->tree.levels ||
	    a->seg->cluster_shift != b->seg->cluster_shift)
		return 0;
	/* The last pages end with the device, which may be another's middle. */
	if (end > a->seg->device_blocks)
		end = a->seg->device_blocks;
	if (end > b->seg->device_blocks)
		end = b->seg->device_blocks;
	while (at < end && tree_file_page(a, at) == tree_file_page(b, at) &&
	       map_file_page(a, at) == map_file_page(b, at) &&
	       !incr_image_digests(image, at, 1, digest, NULL))
		at = ((at >> shift) + 1) << shift;
	at = at < end ? at : end;
	return at > block ? at - block : 0;
}

int incr_image_open_other(struct incr_image **other, struct incr_image *image,
			  u32 generation, struct incr_error *error)
{
	struct incr_image *new = incr_image_new(&image->io, error);
	size_t size = image->segment_count * sizeof(*image->segments);
	int ret;

	if (!new)
		return -ENOMEM;
	new->size = image->size;
	new->segments = malloc(size);
	if (new->segments) {
		memcpy(new->segments, image->segments, size);
		new->segment_count = image->segment_count;
		ret = incr_image_start(new, generation, error);
	} else {
		ret = incr_fail(error, -ENOMEM, "out of memory for segments");
	}
	if (ret) {
		incr_image_close(new);
		return ret;
	}
	*other = new;
	return 0;
}
