// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging a directory's files into an erofs's tree: attributes, names and
 * links. Contents come later.
 */
#include <errno.h>
#include <fts.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
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

static int compare_files(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

/* As the kernel's new_encode_dev(). */
static u32 encode_device(dev_t device)
{
	u32 major_number = major(device), minor_number = minor(device);

	return (minor_number & 0xff) | major_number << 8 |
	       (minor_number & ~0xffu) << 12;
}

static int set_attributes(struct merger *merger, struct erofs_node *node,
			  const FTSENT *file)
{
	const struct stat *st = file->fts_statp;
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
	return erofs_xattrs_of_file(file->fts_accpath, &node->xattrs);
}

static int set_target(struct erofs_node *node, const FTSENT *file)
{
	char target[EROFS_LINK_MAX + 1];
	ssize_t length = readlink(file->fts_accpath, target, sizeof(target));

	if (length < 0)
		return failed(file->fts_path, "cannot read the link", errno);
	if ((size_t)length > EROFS_LINK_MAX)
		return failed(file->fts_path, "cannot read the link",
			      ENAMETOOLONG);
	node->target = malloc((size_t)length + 1);
	if (!node->target)
		return failed(file->fts_path, "cannot read the link", ENOMEM);
	memcpy(node->target, target, (size_t)length);
	node->inode.size = (u64)length;
	return 0;
}

static struct erofs_node *new_file(struct merger *merger, const FTSENT *file)
{
	const struct stat *st = file->fts_statp;
	struct erofs_node *node = erofs_tree_add(merger->tree);

	if (!node || set_attributes(merger, node, file))
		return NULL;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		node->inode.address = encode_device(st->st_rdev);
	if (S_ISLNK(st->st_mode) && set_target(node, file))
		return NULL;
	if (S_ISREG(st->st_mode)) {
		node->inode.size = (u64)st->st_size;
		merger->change->read_bytes += node->inode.size;
		node->path = strdup(file->fts_path);
		if (!node->path) {
			failed(file->fts_path, "cannot add it", ENOMEM);
			return NULL;
		}
	}
	return node;
}

/* The node of @file, new or met under another name. NULL after a message. */
static struct erofs_node *get_file(struct merger *merger, const FTSENT *file)
{
	const struct stat *st = file->fts_statp;
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
		failed(file->fts_path, "cannot add it", ENOMEM);
		return NULL;
	}
	if (*found != key) {
		free(key);
		return (*found)->node;
	}
	key->node = new_file(merger, file);
	return key->node;
}

static int merge_directory(struct merger *merger, FTSENT *file)
{
	struct erofs_node *parent = file->fts_parent->fts_pointer, *node;
	struct erofs_entry *entry;
	int ret;

	entry = erofs_find(parent->dir, (u32)file->fts_parent->fts_number,
			   file->fts_name, file->fts_namelen);
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
					  file->fts_name, node);
	file->fts_pointer = node;
	file->fts_number = node->dir->count;
	return ret;
}

/* The root keeps its attributes, if it has any yet. */
static int merge_root(struct merger *merger, FTSENT *file)
{
	struct erofs_node *root = merger->tree->root;

	file->fts_pointer = root;
	file->fts_number = root->dir->count;
	return root->placed ? 0 : set_attributes(merger, root, file);
}

static int merge_file(struct merger *merger, FTSENT *file)
{
	struct erofs_node *parent = file->fts_parent->fts_pointer, *node, *old;
	struct erofs_entry *entry;

	node = get_file(merger, file);
	if (!node)
		return -EINVAL;
	entry = erofs_find(parent->dir, (u32)file->fts_parent->fts_number,
			   file->fts_name, file->fts_namelen);
	old = entry ? entry->node : NULL;
	if (!old || old->dir || (node->names && node->replaces != old))
		node->torn = true;
	node->replaces = old;
	node->names++;
	if (!entry)
		return erofs_directory_add(merger->tree, parent->dir,
					   file->fts_name, node);
	entry->node = node;
	return 0;
}

static int merge_files(struct merger *merger, FTS *fts)
{
	struct erofs_directory *dir;
	FTSENT *file;
	int ret = 0;

	while (!ret) {
		errno = 0;
		file = fts_read(fts);
		if (!file)
			return errno ? failed(fts->fts_path, "cannot read it",
					      errno) : 0;
		switch (file->fts_info) {
		case FTS_D:
			if (file->fts_level) {
				ret = merge_directory(merger, file);
				break;
			}
			ret = merge_root(merger, file);
			break;
		case FTS_DP:
			dir = ((struct erofs_node *)file->fts_pointer)->dir;
			if (dir->count != (u32)file->fts_number)
				erofs_directory_sort(dir);
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			return failed(file->fts_path, "cannot read it",
				      file->fts_errno);
		case FTS_DC:
			return failed(file->fts_path,
				      "the directory contains itself", ELOOP);
		default:
			if (!file->fts_level)
				return failed(file->fts_path,
					      "it cannot be added", ENOTDIR);
			ret = merge_file(merger, file);
		}
	}
	return ret;
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
	char *roots[] = { strdup(change->plan->source), NULL };
	FTS *fts = NULL;
	int ret;

	if (!roots[0])
		return failed(change->plan->source, "cannot read it", ENOMEM);
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, compare_files);
	if (fts)
		ret = merge_files(&merger, fts);
	else
		ret = failed(change->plan->source, "cannot read it", errno);
	if (!ret)
		take_places(&change->tree);
	if (fts)
		fts_close(fts);
	tdestroy(merger.linked, free);
	free(roots[0]);
	return ret;
}
