// SPDX-License-Identifier: GPL-2.0-only
/*
 * "mkimage extend" on an erofs: the tree is read, changed in memory, and what
 * is then different is written; see erofs-change.h for the steps.
 */
#include <stdlib.h>
#include "erofs-change.h"

static int read_overlay(void *context, u64 offset, void *data, size_t length)
{
	return overlay_read(context, offset, length, data);
}

static int write_overlay(void *context, u64 offset, const void *data,
			 size_t length)
{
	return overlay_write(context, offset, length, data);
}

static int resize_overlay(void *context, u64 blocks)
{
	return overlay_resize(context, blocks);
}

int erofs_extend(struct overlay *overlay, const struct extend_plan *plan)
{
	struct erofs_change change = {
		.plan = plan,
		.device = {
			.read = read_overlay,
			.write = write_overlay,
			.resize = resize_overlay,
			.context = overlay,
			.name = overlay_name(overlay),
			.blocks = overlay_blocks(overlay),
		},
	};
	size_t i;
	int ret;

	ret = erofs_open(&change.image, &change.device);
	if (!ret)
		ret = erofs_tree_load(&change.tree, &change.image);
	for (i = 0; !ret && i < plan->removed_count; i++)
		ret = erofs_tree_remove(&change.tree, plan->removed[i]);
	if (!ret && plan->source)
		ret = erofs_merge(&change);
	if (!ret)
		ret = erofs_match(&change);
	if (!ret)
		ret = erofs_place(&change);
	if (!ret)
		ret = erofs_write(&change);
	free(change.live);
	erofs_tree_free(&change.tree);
	erofs_close(&change.image);
	return ret;
}
