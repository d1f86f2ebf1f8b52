// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an erofs back, to compare it with its source; see fs/check.h.
 */
#include <sys/stat.h>
#include "common/message.h"
#include "erofs/change.h"
#include "erofs/content.h"
#include "fs/check.h"
#include "fs/xattr-sum.h"

struct checker {
	struct check *check;
	struct erofs_image *image;
};

static int sum_xattrs(struct checker *checker, const struct erofs_inode *inode,
		      u8 *sum)
{
	struct erofs_xattrs xattrs;
	int ret = erofs_xattrs_read(checker->image, inode, &xattrs);

	if (ret)
		return ret;
	ret = erofs_xattrs_sum(&xattrs, sum);
	erofs_xattrs_free(&xattrs);
	return ret;
}

static int check_node(void *context, struct erofs_node *node,
		      const struct erofs_entry *entry, const char *path)
{
	struct checker *checker = context;
	const struct erofs_inode *inode = &node->disk;
	char target[EROFS_LINK_MAX];
	struct made made = {
		.path = path,
		.inode = inode->nid,
		.mode = inode->mode,
		.links = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.size = inode->size,
		.seconds = inode->mtime,
		.nanoseconds = inode->mtime_nanoseconds,
		.device = erofs_device_number(inode->address),
		.target = target,
	};
	int ret = 0;

	/* The type that readdir() returns. */
	if (entry && entry->type != erofs_entry_type(inode->mode))
		return erofs_damaged(checker->image, "the entry %s is of another type than its inode",
				     path);
	if (S_ISLNK(inode->mode))
		ret = erofs_content_read(checker->image, inode, 0, target,
					 (size_t)inode->size);
	if (!ret)
		ret = sum_xattrs(checker, inode, made.xattrs);
	return ret ? ret : check_made(checker->check, &made);
}

int erofs_check_device(const struct erofs_device *device, struct check *check)
{
	struct erofs_image image;
	struct erofs_tree tree = { 0 };
	struct checker checker = { .check = check, .image = &image };
	int ret = erofs_open(&image, device);

	if (!ret)
		ret = erofs_tree_load(&tree, &image);
	if (!ret)
		ret = erofs_tree_visit(&tree, check_node, &checker);
	erofs_tree_free(&tree);
	erofs_close(&image);
	return check_end(check, ret);
}
