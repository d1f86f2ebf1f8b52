// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extending an ext4; see fs/filesystem.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "fs/filesystem.h"
#include "mkimage.h"

/*
 * The directory that names are removed from; the next name is often in it, too.
 */
struct parent {
	struct ext4_directory dir;
	char *path;		/* NULL: none is open */
};

static int close_parent(struct parent *parent)
{
	int ret = parent->path ? ext4_directory_close(&parent->dir) : 0;

	free(parent->path);
	parent->path = NULL;
	return ret;
}

/* Go down from the root. *number is 0 if there is no such directory. */
static int find_directory(struct ext4_change *change, const char *path,
			  ext2_ino_t *number)
{
	char *copy = strdup(path), *rest = copy, *part;
	int ret = copy ? 0 : no_memory();

	*number = EXT2_ROOT_INO;
	while (!ret && *number && (part = strsep(&rest, "/")) && *part) {
		const struct ext4_entry *entry;
		struct ext4_directory dir;
		struct ext2_inode inode;

		ret = ext4_directory_open(&dir, &change->ext4, *number, path);
		if (ret)
			break;
		entry = ext4_directory_find(&dir, part);
		*number = entry ? entry->number : 0;
		ext4_directory_close(&dir);
		if (*number && ext2fs_read_inode(change->ext4.fs, *number,
						 &inode))
			ret = ext4_failed(path, "cannot read its inode",
					  EXT2_ET_INODE_CORRUPTED);
		else if (*number && !LINUX_S_ISDIR(inode.i_mode))
			*number = 0;
	}
	free(copy);
	return ret;
}

static int open_parent(struct ext4_change *change, struct parent *parent,
		       const char *path, size_t length)
{
	ext2_ino_t number;
	int ret;

	if (parent->path && strlen(parent->path) == length &&
	    !memcmp(parent->path, path, length))
		return 0;
	ret = close_parent(parent);
	if (ret)
		return ret;
	parent->path = strndup(path, length);
	if (!parent->path)
		return no_memory();
	memset(&parent->dir, 0, sizeof(parent->dir));
	ext4_claim_none(&change->ext4);
	ret = find_directory(change, parent->path, &number);
	ext4_claim_none(&change->ext4);
	if (!ret && number)
		ret = ext4_directory_open(&parent->dir, &change->ext4, number,
					  parent->path);
	return ret;
}

static int remove_path(struct ext4_change *change, struct parent *parent,
		       const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const struct ext4_entry *entry;
	int ret = open_parent(change, parent, path,
			      slash ? (size_t)(slash - path) : 0);

	if (ret)
		return ret;
	entry = ext4_directory_find(&parent->dir, name);
	if (!entry) {
		message_error("%s: there is no '%s' in it to be removed",
			      change->ext4.name, path);
		return -ENOENT;
	}
	ret = ext4_directory_unlink(&parent->dir, entry, path);
	return ret ? ret : ext4_drop(change, parent->dir.number, name, path,
				     entry->number);
}

int ext4_extend(struct overlay *overlay, const struct extend_plan *plan)
{
	struct parent parent = { .path = NULL };
	struct ext4_change change;
	size_t i;
	int ret, code;

	ret = ext4_open(&change.ext4, overlay,
			plan->source ? ext4_epoch(plan->epoch) : plan->epoch,
			true);
	if (ret)
		return ret;
	ret = ext4_change_start(&change, plan->source, "adding files", plan->source_bytes);
	for (i = 0; !ret && i < plan->removed_count; i++)
		ret = remove_path(&change, &parent, plan->removed[i]);
	code = close_parent(&parent);
	ret = ret ? ret : code;
	ext4_claim_none(&change.ext4);
	if (!ret && plan->source)
		ret = ext4_add_contents(&change, EXT2_ROOT_INO,
					plan->source->name);
	return ext4_change_end(&change, ret);
}
