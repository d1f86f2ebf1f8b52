// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a writer of layers needs to know of the generations there are.
 */
#include <stdlib.h>
#include "internal.h"

int inc_image_digests(struct inc_image *image, u64 block, u64 count,
		      void *digests, struct inc_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 blocks = image->view->seg->device_blocks;
	struct inc_cursor cursor;
	u8 *out = digests;
	int ret = 0;

	if (block > blocks || count > blocks - block)
		return inc_fail(error, -EINVAL,
				"blocks %llu+%llu reach past the device's end (%llu blocks)",
				(unsigned long long)block,
				(unsigned long long)count,
				(unsigned long long)blocks);
	inc_cursor_init(&cursor);
	for (; !ret && count; count--, out += INC_SHA256_SIZE)
		ret = inc_block_digest(&source, block++, &cursor, out, error);
	return ret;
}

int inc_image_map_page(struct inc_image *image, u64 page, __le64 *entries,
		       struct inc_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 block = page << INC_ENTRIES_SHIFT;
	struct inc_cursor cursor;
	struct inc_extent extent;
	u32 i;

	if (page >= image->view->seg->map_pages)
		return inc_fail(error, -EINVAL,
				"map has no page %llu, only %llu pages",
				(unsigned long long)page,
				(unsigned long long)image->view->seg->map_pages);
	inc_cursor_init(&cursor);
	for (i = 0; i < INC_ENTRIES_PER_PAGE; i++) {
		int ret = inc_entry_fetch(&source, block + i, &cursor, &extent,
					  error);

		if (ret)
			return ret;
	}
	memcpy(entries, cursor.map, INC_PAGE_SIZE);
	return 0;
}

const struct inc_run *inc_image_runs(const struct inc_image *image, bool tree)
{
	return tree ? image->view->tree_runs : image->view->map_runs;
}

int inc_image_open_other(struct inc_image **other, struct inc_image *image,
			 u32 generation, struct inc_error *error)
{
	struct inc_image *new = inc_image_new(&image->io, error);
	size_t size = image->segment_count * sizeof(*image->segments);
	int ret;

	if (!new)
		return -ENOMEM;
	new->size = image->size;
	new->segments = malloc(size);
	if (new->segments) {
		memcpy(new->segments, image->segments, size);
		new->segment_count = image->segment_count;
		ret = inc_image_start(new, generation, error);
	} else {
		ret = inc_fail(error, -ENOMEM, "out of memory for segments");
	}
	if (ret) {
		inc_image_close(new);
		return ret;
	}
	*other = new;
	return 0;
}
