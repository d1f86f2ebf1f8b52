// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a file of the source; see change.h.
 */
#include "erofs/change.h"

int erofs_open_source(const struct erofs_change *change,
		      const struct erofs_node *node, struct tree_file *file)
{
	return tree_open(change->plan->source, node->path, node->inode.size,
			 file);
}

int erofs_read_source(struct erofs_change *change,
		      const struct tree_file *file,
		      const struct erofs_node *node, u64 offset, void *data,
		      size_t length)
{
	int ret = tree_read(file, offset, data, length, node->path);

	if (!ret) {
		change->read_done += length;
		progress_show(&change->progress, change->read_done);
	}
	return ret;
}
