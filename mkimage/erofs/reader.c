// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Single files and directories of an erofs; see fs/reader.h.
 */
#include <stdlib.h>
#include "erofs/content.h"
#include "erofs/filesystem.h"
#include "erofs/names.h"
#include "erofs/xattr.h"
#include "mkimage.h"

struct opened {
	struct erofs_device device;
	struct erofs_image image;
};

static void reader_close(void *context)
{
	struct opened *opened = context;

	erofs_close(&opened->image);
	free(opened);
}

static int reader_open(struct overlay *overlay, void **result)
{
	struct opened *opened = calloc(1, sizeof(*opened));
	int ret;

	if (!opened)
		return no_memory();
	opened->device = erofs_on_overlay(overlay);
	ret = erofs_open(&opened->image, &opened->device);
	if (ret)
		reader_close(opened);
	else
		*result = opened;
	return ret;
}

static u64 reader_root(void *context)
{
	struct opened *opened = context;

	return le16_to_cpu(opened->image.super.root_nid);
}

static int reader_node(void *context, u64 number, struct node *node)
{
	struct opened *opened = context;
	struct erofs_inode inode;
	int ret = erofs_inode_read(&opened->image, number, &inode);

	if (ret)
		return ret;
	*node = (struct node){
		.number = number,
		.size = erofs_has_content(inode.mode) ? inode.size : 0,
		.seconds = inode.mtime,
		.nanoseconds = inode.mtime_nanoseconds,
		.mode = inode.mode,
		.uid = inode.uid,
		.gid = inode.gid,
		.links = inode.nlink,
	};
	if (S_ISCHR(inode.mode) || S_ISBLK(inode.mode))
		node->device = erofs_device_number(inode.address);
	return 0;
}

struct listing {
	reader_entry entry;
	void *context;
};

static int visit_name(void *context, const struct erofs_disk_entry *disk,
		      u32 block, const char *name, size_t length)
{
	const struct listing *listing = context;
	char text[EROFS_NAME_MAX + 1];

	(void)block;
	memcpy(text, name, length);
	text[length] = '\0';
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return 0;
	return listing->entry(listing->context, text, le64_to_cpu(disk->nid));
}

static int reader_list(void *context, const struct node *dir,
		       reader_entry entry, void *entry_context)
{
	struct listing listing = { .entry = entry, .context = entry_context };
	struct opened *opened = context;
	struct erofs_inode inode;
	int ret = erofs_inode_read(&opened->image, dir->number, &inode);

	if (ret)
		return ret;
	if (inode.size > opened->image.bytes)
		return erofs_damaged(&opened->image,
				     "directory %llu is larger than the device",
				     (unsigned long long)inode.nid);
	return erofs_names_visit(&opened->image, &inode, visit_name, &listing);
}

static int reader_read(void *context, const struct node *node, u64 offset,
		       void *data, size_t length)
{
	struct opened *opened = context;
	struct erofs_inode inode;
	int ret = erofs_inode_read(&opened->image, node->number, &inode);

	return ret ? ret : erofs_content_read(&opened->image, &inode, offset,
					      data, length);
}

static int reader_xattrs(void *context, const struct node *node,
			 xattr_visit visit, void *visit_context)
{
	struct opened *opened = context;
	struct erofs_xattrs xattrs;
	struct erofs_inode inode;
	int ret = erofs_inode_read(&opened->image, node->number, &inode);

	if (!ret)
		ret = erofs_xattrs_read(&opened->image, &inode, &xattrs);
	if (ret)
		return ret;
	ret = erofs_xattrs_visit(&xattrs, visit, visit_context);
	erofs_xattrs_free(&xattrs);
	return ret;
}

const struct reader erofs_reader = {
	.open = reader_open,
	.close = reader_close,
	.root = reader_root,
	.node = reader_node,
	.list = reader_list,
	.read = reader_read,
	.xattrs = reader_xattrs,
};
