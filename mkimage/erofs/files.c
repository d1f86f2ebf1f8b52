// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All paths of an erofs, each with a digest of its attributes and contents: see
 * files_visit in fs/filesystem.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "erofs/content.h"
#include "erofs/filesystem.h"
#include "erofs/runs.h"
#include "erofs/tree.h"
#include "fs/files.h"
#include "mkimage.h"

struct lister {
	struct files files;
	struct erofs_image *image;
};

/* Contents that are compressed otherwise have another digest. */
static int add_runs(struct lister *lister, const struct erofs_inode *inode)
{
	struct erofs_run run = { .length = 0 };
	u64 offset, index = 0;
	int ret = 0;

	for (offset = 0; !ret && offset < inode->size;
	     offset = run.start + run.length) {
		__le64 numbers[3];

		ret = erofs_run_find(lister->image, inode, offset, &run);
		if (ret)
			break;
		numbers[0] = cpu_to_le64(run.plain);
		numbers[1] = cpu_to_le64(run.length);
		numbers[2] = cpu_to_le64(run.blocks);
		ret = files_add(&lister->files, numbers, sizeof(numbers));
		if (!ret)
			ret = files_add_blocks(&lister->files, index, run.block,
					       run.blocks);
		index += run.blocks;
	}
	return ret;
}

/* The same digest for the same contents, inline or not. */
static int add_file(struct lister *lister, const struct erofs_inode *inode)
{
	u64 full = erofs_full_blocks(inode), index, count;
	u8 tail[EROFS_BLOCK_SIZE] = { 0 }, digest[INC_SHA256_SIZE];
	u32 block, size = erofs_tail_size(inode);
	int ret = 0;

	if (inode->layout == EROFS_COMPRESSED)
		return add_runs(lister, inode);
	for (index = 0; !ret && index < full; index += count) {
		ret = erofs_content_blocks(lister->image, inode, index, &block,
					   &count);
		if (!ret && block != EROFS_NO_BLOCK)
			ret = files_add_blocks(&lister->files, index, block,
					       count);
	}
	if (ret || !size)
		return ret;
	ret = erofs_content_read(lister->image, inode,
				 full << EROFS_BLOCK_SHIFT, tail, size);
	if (ret)
		return ret;
	incr_hash_digest(lister->files.hash, tail, sizeof(tail), digest);
	return files_add_block(&lister->files, full, digest);
}

static int add_link(struct lister *lister, const struct erofs_inode *inode)
{
	char target[EROFS_LINK_MAX];
	int ret = erofs_content_read(lister->image, inode, 0, target,
				     (size_t)inode->size);

	return ret ? ret : files_add(&lister->files, target,
				     (size_t)inode->size);
}

static int add_inode(struct lister *lister, const struct erofs_inode *inode)
{
	bool dir = S_ISDIR(inode->mode);
	/* A directory's entries are listed as paths of their own. */
	__le64 numbers[] = {
		cpu_to_le64(inode->mode),
		cpu_to_le64(inode->uid),
		cpu_to_le64(inode->gid),
		cpu_to_le64((u64)inode->mtime),
		cpu_to_le64(inode->mtime_nanoseconds),
		cpu_to_le64(dir ? 0 : inode->nlink),
		cpu_to_le64(dir ? 0 : inode->size),
		cpu_to_le64(erofs_has_content(inode->mode) ? 0 :
							     inode->address),
	};
	struct erofs_xattrs xattrs;
	int ret;

	ret = files_add(&lister->files, numbers, sizeof(numbers));
	if (ret)
		return ret;
	ret = erofs_xattrs_read(lister->image, inode, &xattrs);
	if (ret)
		return ret;
	ret = files_meet(&lister->files, xattrs.size);
	if (!ret && xattrs.size)
		ret = files_add(&lister->files, xattrs.data, xattrs.size);
	erofs_xattrs_free(&xattrs);
	if (!ret && S_ISREG(inode->mode))
		ret = add_file(lister, inode);
	if (!ret && S_ISLNK(inode->mode))
		ret = add_link(lister, inode);
	return ret;
}

static int list_node(void *context, struct erofs_node *node,
		     const struct erofs_entry *entry, const char *path)
{
	struct lister *lister = context;
	const u8 *known = node->disk_names > 1 ?
			  files_known(&lister->files, node->disk.nid) : NULL;
	u8 id[INC_SHA256_SIZE];
	int ret;

	(void)entry;
	if (known)
		return files_tell(&lister->files, path, known);
	ret = files_start(&lister->files);
	if (!ret)
		ret = add_inode(lister, &node->disk);
	if (!ret)
		ret = files_finish(&lister->files, id);
	if (!ret && node->disk_names > 1)
		ret = files_know(&lister->files, node->disk.nid, id);
	return ret ? ret : files_tell(&lister->files, path, id);
}

int erofs_files(struct overlay *overlay, files_visit visit, void *context)
{
	struct erofs_device device = erofs_on_overlay(overlay);
	struct lister *lister = malloc(sizeof(*lister));
	struct erofs_tree tree = { 0 };
	struct erofs_image image = { 0 };
	int ret;

	if (!lister)
		return no_memory();
	lister->image = &image;
	ret = files_open(&lister->files, overlay, visit, context);
	if (!ret)
		ret = erofs_open(&image, &device);
	if (!ret)
		ret = erofs_tree_load(&tree, &image);
	if (!ret)
		ret = erofs_tree_visit(&tree, list_node, lister);
	erofs_tree_free(&tree);
	erofs_close(&image);
	files_close(&lister->files);
	free(lister);
	return ret;
}
