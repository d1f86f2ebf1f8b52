// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree in memory as the source of a filesystem; see model-tree.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/model-tree.h"
#include "sources/nodes.h"
#include "spool.h"

/* Where the file at @path, as the tree tells it, is; NULL with errno. */
static struct node *find_path(const struct tree *tree, const char *path)
{
	const struct model *model = (const struct model *)tree;
	struct node *node;

	path += tree->name_length;
	node = model_look_up(model, *path ? path + 1 : path);
	if (!node)
		errno = ENOENT;
	return node;
}

static void tell(const struct node *node, struct stat *st)
{
	const struct model_inode *inode = node->inode;

	memset(st, 0, sizeof(*st));
	st->st_dev = 1;
	st->st_ino = inode->number;
	st->st_nlink = inode->names;
	st->st_mode = inode->mode;
	st->st_uid = inode->uid;
	st->st_gid = inode->gid;
	st->st_rdev = inode->device;
	st->st_mtim = inode->time;
	st->st_size = (off_t)inode->size;
	st->st_blocks = (blkcnt_t)((inode->stored + INC_BLOCK_SIZE - 1) /
				   INC_BLOCK_SIZE * (INC_BLOCK_SIZE / 512));
}

static int stat_node(const struct tree *tree, const char *path,
		     struct stat *st)
{
	const struct node *node = find_path(tree, path);

	if (node)
		tell(node, st);
	return node ? 0 : -1;
}

/* As the system's calls return a value of @size bytes. */
static ssize_t give(const void *value, size_t size, char *data, size_t room)
{
	if (size > room && room) {
		errno = ERANGE;
		return -1;
	}
	if (room && size)
		memcpy(data, value, size);
	return (ssize_t)size;
}

static ssize_t read_link(const struct tree *tree, const char *path,
			 char *target, size_t room)
{
	const struct node *node = find_path(tree, path);

	if (!node || !node->inode->target) {
		errno = node ? EINVAL : ENOENT;
		return -1;
	}
	return give(node->inode->target, node->inode->size, target, room);
}

static ssize_t list_xattrs(const struct model_inode *inode, char *data,
			   size_t room)
{
	const struct xattr *xattr;
	size_t size = 0, length;

	for (xattr = inode->xattrs; xattr; xattr = xattr->next) {
		length = strlen(xattr->name) + 1;
		if (room && length > room - size) {
			errno = ERANGE;
			return -1;
		}
		if (room)
			memcpy(data + size, xattr->name, length);
		size += length;
	}
	return (ssize_t)size;
}

static ssize_t read_xattr(const struct tree *tree, const char *path,
			  const char *name, char *data, size_t room)
{
	const struct node *node = find_path(tree, path);
	const struct xattr *xattr;

	if (!node)
		return -1;
	if (!name)
		return list_xattrs(node->inode, data, room);
	for (xattr = node->inode->xattrs; xattr; xattr = xattr->next)
		if (!strcmp(xattr->name, name))
			return give(xattr->value, xattr->size, data, room);
	errno = ENODATA;
	return -1;
}

static int list_names(const struct tree *tree, const char *path, char ***names)
{
	const struct node *node = find_path(tree, path);
	u32 i;

	if (!node || !S_ISDIR(node->inode->mode)) {
		errno = node ? ENOTDIR : ENOENT;
		return -1;
	}
	*names = calloc((size_t)node->count + 1, sizeof(char *));
	if (!*names)
		return -1;
	for (i = 0; i < node->count; i++) {
		(*names)[i] = strdup(node->sorted[i]->name);
		if (!(*names)[i]) {
			tree_names_free(*names, (int)i);
			errno = ENOMEM;
			return -1;
		}
	}
	return (int)node->count;
}

static int open_node(const struct tree *tree, const char *path,
		     struct tree_file *file)
{
	const struct model *model = (const struct model *)tree;
	const struct node *node = find_path(tree, path);

	if (!node || !S_ISREG(node->inode->mode))
		return node ? -EINVAL : -ENOENT;
	file->start = node->inode->start;
	file->fd = fcntl(model->fd, F_DUPFD_CLOEXEC, 0);
	return file->fd < 0 ? -errno : 0;
}

/* A directory on the way. */
struct visited {
	struct tree_entry entry;
	struct stat st;
	const struct node *node;
	u32 next;
	size_t length;		/* of its path */
	struct visited *parent;
};

static struct visited *enter(const struct node *node, struct visited *parent,
			     char *path)
{
	struct visited *visited = calloc(1, sizeof(*visited));
	size_t length = parent ? parent->length : strlen(path);

	if (!visited) {
		no_memory();
		return NULL;
	}
	if (parent) {
		path[length++] = '/';
		strcpy(path + length, node->name);
		length += strlen(node->name);
		visited->entry.level = parent->entry.level + 1;
		visited->entry.parent = &parent->entry;
	}
	visited->node = node;
	visited->parent = parent;
	visited->length = length;
	visited->entry.path = path;
	visited->entry.name = node->name;
	visited->entry.name_length = strlen(node->name);
	visited->entry.st = &visited->st;
	tell(node, &visited->st);
	return visited;
}

static int visit_model(const struct tree *tree, tree_visitor visit,
		       void *context)
{
	const struct model *model = (const struct model *)tree;
	char *path = malloc(tree->name_length + MODEL_PATH_MAX + 2);
	struct visited *at = NULL, *done;
	int ret = 0;

	if (!path)
		return no_memory();
	memcpy(path, tree->name, tree->name_length);
	path[tree->name_length] = '\0';
	at = enter(model->root, NULL, path);
	ret = at ? visit(context, &at->entry, false) : -ENOMEM;
	while (!ret && at) {
		if (at->next < at->node->count) {
			struct visited *child =
				enter(at->node->sorted[at->next++], at, path);

			if (!child) {
				ret = -ENOMEM;
				break;
			}
			ret = visit(context, &child->entry, false);
			at = child;
			continue;
		}
		path[at->length] = '\0';
		if (S_ISDIR(at->st.st_mode))
			ret = visit(context, &at->entry, true);
		done = at;
		at = at->parent;
		free(done);
	}
	while (at) {
		done = at;
		at = at->parent;
		free(done);
	}
	free(path);
	return ret;
}

static void close_model(struct tree *tree)
{
	model_free((struct model *)tree);
}

static int compare_nodes(const void *left, const void *right)
{
	return strcmp((*(struct node *const *)left)->name,
		      (*(struct node *const *)right)->name);
}

static int sort_children(struct node *node)
{
	struct node *child;

	for (child = node->children; child; child = child->sibling)
		node->count++;
	node->sorted = calloc(node->count + 1ul, sizeof(struct node *));
	if (!node->sorted)
		return no_memory();
	node->count = 0;
	for (child = node->children; child; child = child->sibling) {
		node->sorted[node->count++] = child;
		child->inode->names++;
	}
	qsort(node->sorted, node->count, sizeof(struct node *), compare_nodes);
	return 0;
}

int model_finish(struct model *model, struct tree **tree)
{
	static const struct tree_ops ops = {
		.visit = visit_model,
		.stat = stat_node,
		.link = read_link,
		.xattr = read_xattr,
		.names = list_names,
		.open = open_node,
		.close = close_model,
	};
	int ret = sort_children(model->root);
	u32 i;

	model->root->inode->names = 1;
	for (i = 0; !ret && i < model->room; i++)
		if (model->table[i] && model_is_directory(model->table[i]))
			ret = sort_children(model->table[i]);
	/* The last file may end in a hole. */
	if (!ret && ftruncate(model->fd, (off_t)model->end)) {
		ret = -errno;
		message_error(SPOOL_NAME ": %s", strerror(-ret));
	}
	model->tree.ops = &ops;
	model->tree.name = model->name;
	model->tree.name_length = strlen(model->name);
	*tree = &model->tree;
	return ret;
}
