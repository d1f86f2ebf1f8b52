// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "mkimage extend" on an erofs: the tree is read and changed in memory, and the
 * differences are written; see change.h for the steps.
 */
#include <stdlib.h>
#include "erofs/change.h"
#include "erofs/filesystem.h"

static int write_overlay(void *context, u64 offset, const void *data,
			 size_t length)
{
	return overlay_write(context, offset, length, data);
}

static int resize_overlay(void *context, u64 blocks)
{
	return overlay_resize(context, blocks);
}

static int note_old(void *context, u64 block, u64 count)
{
	return overlay_note_old(context, block, count);
}

static void set_device(struct erofs_device *device, struct overlay *overlay)
{
	*device = erofs_on_overlay(overlay);
	device->write = write_overlay;
	device->resize = resize_overlay;
	device->note_old = note_old;
}

/* New files are compressed where there are compressed ones. */
static u32 compression_of(const struct erofs_change *change)
{
	const struct erofs_node *node;

	for (node = change->tree.first; node; node = node->next)
		if (erofs_is_compressed(&node->disk))
			return change->image.cluster_blocks;
	return 0;
}

int erofs_extend(struct overlay *overlay, const struct extend_plan *plan)
{
	struct erofs_change change = { .plan = plan };
	size_t i;
	int ret;

	set_device(&change.device, overlay);
	ret = erofs_open(&change.image, &change.device);
	if (!ret)
		ret = erofs_tree_load(&change.tree, &change.image);
	if (!ret)
		change.compression = compression_of(&change);
	if (change.compression)
		overlay_note_compressed(overlay);
	for (i = 0; !ret && i < plan->removed_count; i++)
		ret = erofs_tree_remove(&change.tree, plan->removed[i]);
	erofs_tree_end_removal(&change.tree);
	if (!ret && plan->source)
		ret = erofs_merge(&change);
	if (!ret)
		ret = erofs_match(&change);
	return erofs_finish(&change, ret);
}

int erofs_check(struct overlay *overlay, struct check *check)
{
	struct erofs_device device;

	set_device(&device, overlay);
	return erofs_check_device(&device, check);
}
