// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging the source's files into an erofs's tree: attributes, names and
 * links. Contents come later.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "common/message.h"
#include "erofs/change.h"

/* A file with several links, by its identity in the source. */
struct linked {
	dev_t dev;
	ino_t ino;
	struct erofs_node *node;
};

struct merger {
	struct erofs_change *change;
	struct erofs_tree *tree;
	void *linked;		/* a tree of struct linked */
};

static int failed(const char *path, const char *what, int code)
{
	message_error("%s: %s: %s", path, what, strerror(code));
	return -code;
}

static int compare_linked(const void *left, const void *right)
{
	const struct linked *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* As the kernel's new_encode_dev(). */
static u32 encode_device(dev_t device)
{
	u32 major_number = major(device), minor_number = minor(device);

	return (minor_number & 0xff) | major_number << 8 |
	       (minor_number & ~0xffu) << 12;
}

static int set_attributes(struct merger *merger, struct erofs_node *node,
			  const struct tree_entry *file)
{
	const struct stat *st = file->st;
	struct erofs_inode *inode = &node->inode;

	inode->mode = (u16)st->st_mode;
	inode->uid = st->st_uid;
	inode->gid = st->st_gid;
	inode->mtime = st->st_mtim.tv_sec;
	inode->mtime_nanoseconds = (u32)st->st_mtim.tv_nsec;
	if (inode->mtime > merger->change->plan->epoch) {
		inode->mtime = merger->change->plan->epoch;
		inode->mtime_nanoseconds = 0;
	}
	node->given = true;
	return erofs_xattrs_of_file(merger->change->plan->source, file->path,
				    &node->xattrs);
}

static int set_target(struct merger *merger, struct erofs_node *node,
		      const struct tree_entry *file)
{
	char target[EROFS_LINK_MAX + 1];
	ssize_t length = tree_link(merger->change->plan->source, file->path,
				   target, sizeof(target));

	if (length < 0)
		return failed(file->path, "cannot read the link", errno);
	if ((size_t)length > EROFS_LINK_MAX)
		return failed(file->path, "cannot read the link",
			      ENAMETOOLONG);
	node->target = malloc((size_t)length + 1);
	if (!node->target)
		return failed(file->path, "cannot read the link", ENOMEM);
	memcpy(node->target, target, (size_t)length);
	node->inode.size = (u64)length;
	return 0;
}

static struct erofs_node *new_file(struct merger *merger, const struct tree_entry *file)
{
	const struct stat *st = file->st;
	struct erofs_node *node = erofs_tree_add(merger->tree);

	if (!node || set_attributes(merger, node, file))
		return NULL;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		node->inode.address = encode_device(st->st_rdev);
	if (S_ISLNK(st->st_mode) && set_target(merger, node, file))
		return NULL;
	if (S_ISREG(st->st_mode)) {
		node->inode.size = (u64)st->st_size;
		merger->change->read_bytes += node->inode.size;
		node->path = strdup(file->path);
		if (!node->path) {
			failed(file->path, "cannot add it", ENOMEM);
			return NULL;
		}
	}
	return node;
}

/* The node of @file, new or met under another name. NULL after a message. */
static struct erofs_node *get_file(struct merger *merger, const struct tree_entry *file)
{
	const struct stat *st = file->st;
	struct linked *key, **found;

	if (st->st_nlink <= 1)
		return new_file(merger, file);
	key = calloc(1, sizeof(*key));
	if (key) {
		key->dev = st->st_dev;
		key->ino = st->st_ino;
	}
	found = key ? tsearch(key, &merger->linked, compare_linked) : NULL;
	if (!found) {
		free(key);
		failed(file->path, "cannot add it", ENOMEM);
		return NULL;
	}
	if (*found != key) {
		free(key);
		return (*found)->node;
	}
	key->node = new_file(merger, file);
	return key->node;
}

static int merge_directory(struct merger *merger, struct tree_entry *file)
{
	struct erofs_node *parent = file->parent->pointer, *node;
	struct erofs_entry *entry;
	int ret;

	entry = erofs_find(parent->dir, (u32)file->parent->number,
			   file->name, file->name_length);
	if (entry && entry->node->dir) {
		node = entry->node;
	} else {
		node = erofs_tree_add_directory(merger->tree, parent);
		if (!node)
			return -EINVAL;
		if (entry)
			entry->node = node;
	}
	ret = set_attributes(merger, node, file);
	if (!ret && !entry)
		ret = erofs_directory_add(merger->tree, parent->dir,
					  file->name, node);
	file->pointer = node;
	file->number = node->dir->count;
	return ret;
}

/* The root keeps its attributes, if it has any yet. */
static int merge_root(struct merger *merger, struct tree_entry *file)
{
	struct erofs_node *root = merger->tree->root;

	file->pointer = root;
	file->number = root->dir->count;
	return root->placed ? 0 : set_attributes(merger, root, file);
}

static int merge_file(struct merger *merger, struct tree_entry *file)
{
	struct erofs_node *parent = file->parent->pointer, *node, *old;
	struct erofs_entry *entry;

	node = get_file(merger, file);
	if (!node)
		return -EINVAL;
	entry = erofs_find(parent->dir, (u32)file->parent->number,
			   file->name, file->name_length);
	old = entry ? entry->node : NULL;
	if (!old || old->dir || (node->names && node->replaces != old))
		node->torn = true;
	node->replaces = old;
	node->names++;
	if (!entry)
		return erofs_directory_add(merger->tree, parent->dir,
					   file->name, node);
	entry->node = node;
	return 0;
}

static int merge_entry(void *context, struct tree_entry *file, bool leaving)
{
	struct merger *merger = context;
	struct erofs_directory *dir;

	if (leaving) {
		dir = ((struct erofs_node *)file->pointer)->dir;
		if (dir->count != (u32)file->number)
			erofs_directory_sort(dir);
		return 0;
	}
	if (!file->level && !S_ISDIR(file->st->st_mode))
		return failed(file->path, "it cannot be added", ENOTDIR);
	if (!file->level)
		return merge_root(merger, file);
	return S_ISDIR(file->st->st_mode) ? merge_directory(merger, file) :
					    merge_file(merger, file);
}

/*
 * Let a file take over the inode that had exactly its names: then directories
 * need not change.
 */
static void take_places(struct erofs_tree *tree)
{
	struct erofs_node *node;

	for (node = tree->first; node; node = node->next) {
		const struct erofs_node *old = node->replaces;

		if (!old || node->torn || old->disk_names != node->names)
			continue;
		node->placed = true;
		node->disk = old->disk;
		node->inode.nid = old->disk.nid;
		node->inode.ino = old->disk.ino;
	}
}

int erofs_merge(struct erofs_change *change)
{
	struct merger merger = { .change = change, .tree = &change->tree };
	int ret = tree_visit(change->plan->source, merge_entry, &merger);

	if (!ret)
		take_places(&change->tree);
	tdestroy(merger.linked, free);
	return ret;
}
