// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the files of an erofs are: see files_place in fs/filesystem.h.
 */
#include <sys/stat.h>
#include "erofs/content.h"
#include "erofs/filesystem.h"
#include "erofs/runs.h"
#include "erofs/tree.h"
#include "mkimage.h"

struct placer {
	struct erofs_image *image;
	files_place place;
	void *context;
};

/* The inode's room has the inline end of its contents, too. */
static int place_inode(struct placer *placer, const struct erofs_inode *inode,
		       const char *path)
{
	u64 offset = erofs_inode_offset(placer->image, inode->nid);
	u64 last = offset + erofs_inode_room(inode) - 1;
	u64 block = offset >> EROFS_BLOCK_SHIFT;
	int ret;

	ret = placer->place(placer->context, path, FILES_INODE, block,
			    (last >> EROFS_BLOCK_SHIFT) - block + 1);
	if (!ret && erofs_has_content(inode->mode) && erofs_tail_size(inode))
		ret = placer->place(placer->context, path,
				    erofs_full_blocks(inode),
				    last >> EROFS_BLOCK_SHIFT, 1);
	return ret;
}

static int place_runs(struct placer *placer, const struct erofs_inode *inode,
		      const char *path)
{
	struct erofs_run run = { .length = 0 };
	u64 offset;
	int ret = 0;

	for (offset = 0; !ret && offset < inode->size;
	     offset = run.start + run.length) {
		ret = erofs_run_find(placer->image, inode, offset, &run);
		if (!ret)
			ret = placer->place(placer->context, path,
					    run.start >> EROFS_BLOCK_SHIFT,
					    run.block, run.blocks);
	}
	return ret;
}

static int place_node(void *context, struct erofs_node *node,
		      const struct erofs_entry *entry, const char *path)
{
	const struct erofs_inode *inode = &node->disk;
	struct placer *placer = context;
	u64 full, index, count;
	u32 block;
	int ret;

	(void)entry;
	/* Of several names, the first one; nothing else uses that mark here. */
	if (node->live)
		return 0;
	node->live = true;
	ret = place_inode(placer, inode, path);
	if (!ret && erofs_is_compressed(inode))
		return place_runs(placer, inode, path);
	full = erofs_has_content(inode->mode) ? erofs_full_blocks(inode) : 0;
	for (index = 0; !ret && index < full; index += count) {
		ret = erofs_content_blocks(placer->image, inode, index, &block,
					   &count);
		if (!ret && block != EROFS_NO_BLOCK)
			ret = placer->place(placer->context, path, index, block,
					    count);
	}
	return ret;
}

int erofs_places(struct overlay *overlay, files_place place, void *context)
{
	struct erofs_device device = erofs_on_overlay(overlay);
	struct erofs_image image = { 0 };
	struct placer placer = {
		.image = &image, .place = place, .context = context,
	};
	struct erofs_tree tree = { 0 };
	int ret = erofs_open(&image, &device);

	if (!ret)
		ret = erofs_tree_load(&tree, &image);
	if (!ret)
		ret = place(context, NULL, FILES_INODE, 0,
			    (image.super_end - 1) / EROFS_BLOCK_SIZE + 1);
	if (!ret)
		ret = erofs_tree_visit(&tree, place_node, &placer);
	erofs_tree_free(&tree);
	erofs_close(&image);
	return ret;
}
