// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree of files in memory; see model.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/message.h"
#include "io.h"
#include "mkimage.h"
#include "sources/model.h"
#include "sources/nodes.h"
#include "spool.h"

static int take_text(struct model *model, size_t bytes)
{
	if (bytes <= model->text) {
		model->text -= bytes;
		return 0;
	}
	message_error("%s: its names, links and attributes have more than %llu bytes",
		      model->name, MODEL_TEXT_MAX);
	return -EFBIG;
}

static struct model_inode *new_inode(struct model *model, mode_t mode)
{
	struct model_inode *inode = calloc(1, sizeof(*inode));

	if (!inode) {
		no_memory();
		return NULL;
	}
	inode->mode = mode;
	inode->number = ++model->numbers;
	inode->next = model->inodes;
	model->inodes = inode;
	return inode;
}

struct model *model_new(const char *name, const char *dir, u64 most)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model) {
		no_memory();
		return NULL;
	}
	model->name = name;
	model->most = most;
	model->text = MODEL_TEXT_MAX;
	model->left = MODEL_NAMES_MAX;
	model->room = 1024;
	model->fd = spool_open_file(dir);
	model->table = calloc(model->room, sizeof(struct node *));
	model->root = model_new_node("", 0);
	if (model->root)
		model->root->inode = new_inode(model, S_IFDIR | 0755);
	if (!model->table)
		no_memory();
	if (model->fd >= 0 && model->table && model->root &&
	    model->root->inode)
		return model;
	model_free(model);
	return NULL;
}

static void free_xattrs(struct model_inode *inode)
{
	while (inode->xattrs) {
		struct xattr *xattr = inode->xattrs;

		inode->xattrs = xattr->next;
		free(xattr);
	}
}

static void free_inode(struct model_inode *inode)
{
	free_xattrs(inode);
	free(inode->target);
	free(inode);
}

static void free_node(struct node *node)
{
	if (node)
		free(node->sorted);
	free(node);
}

void model_free(struct model *model)
{
	u32 i;

	if (!model)
		return;
	for (i = 0; model->table && i < model->room; i++)
		free_node(model->table[i]);
	free_node(model->root);
	while (model->inodes) {
		struct model_inode *inode = model->inodes;

		model->inodes = inode->next;
		free_inode(inode);
	}
	free(model->table);
	if (model->fd >= 0)
		close(model->fd);
	free(model);
}

static void set_inode(const struct model *model, struct node *node,
		      struct model_inode *inode)
{
	struct node *parent = node->parent;

	if (!node->inode && parent) {
		node->sibling = parent->children;
		node->link = &parent->children;
		if (node->sibling)
			node->sibling->link = &node->sibling;
		parent->children = node;
	}
	node->inode = inode;
	node->layer = model->layer;
}

/* Remove a name that no layer from @layer on has, and that nothing is below. */
static void remove_node(struct node *node, u32 layer)
{
	if (node->layer >= layer || node->children)
		return;
	*node->link = node->sibling;
	if (node->sibling)
		node->sibling->link = node->link;
	node->inode = NULL;
}

static struct node *first_leaf(struct node *node)
{
	while (node->children)
		node = node->children;
	return node;
}

/* The same for all below @top: no recursion, it may be deep. */
static void remove_below(struct node *top, u32 layer)
{
	struct node *node = first_leaf(top), *next;

	for (; node != top; node = next) {
		next = node->sibling ? first_leaf(node->sibling) : node->parent;
		remove_node(node, layer);
	}
}

void model_start_layer(struct model *model)
{
	model->layer++;
}

void model_remove(struct model *model, const char *path, bool contents)
{
	struct node *node = model_look_up(model, path);

	if (!node)
		return;
	/* Once is enough: a hostile layer may ask for it any number of times. */
	if (node->cleared < model->layer)
		remove_below(node, model->layer);
	node->cleared = model->layer;
	if (!contents && node != model->root)
		remove_node(node, model->layer);
}

/* The node for a name in @parent, which may have been removed. */
static int get_node(struct model *model, struct node *parent, const char *name,
		    size_t length, struct node **node)
{
	int ret;

	*node = model_find(model, parent, name, length);
	if (*node)
		return 0;
	ret = take_text(model, length);
	return ret ? ret : model_add_node(model, parent, name, length, node);
}

/* Go to the directory that @path is in, and make those that are missing. */
static int go_to_parent(struct model *model, const char *path,
			const struct timespec *time, struct node **parent,
			const char **name)
{
	const char *at = path;
	size_t length;
	int ret = 0;

	*parent = model->root;
	for (; !ret; at += length + 1) {
		struct node *node;

		length = strcspn(at, "/");
		if (length > MODEL_NAME_MAX) {
			message_error("%s: a name in it has %zu bytes, and Linux takes %u: %.40s...",
				      model->name, length, MODEL_NAME_MAX, at);
			return -ENAMETOOLONG;
		}
		if (!at[length])
			break;
		ret = get_node(model, *parent, at, length, &node);
		if (ret)
			return ret;
		if (!node->inode) {
			struct model_inode *inode =
				new_inode(model, S_IFDIR | 0755);

			if (!inode)
				return -ENOMEM;
			inode->time = *time;
			set_inode(model, node, inode);
		}
		if (!model_is_directory(node)) {
			message_error("%s: '%s' in it is below '%.*s', which is no directory",
				      model->name, path,
				      (int)(at + length - path), path);
			return -ENOTDIR;
		}
		*parent = node;
	}
	*name = at;
	return 0;
}

/* The node for @path, which others may have had so far. */
static int place(struct model *model, const char *path,
		 const struct timespec *time, struct node **node)
{
	struct node *parent;
	const char *name;
	int ret = 0;

	if (!model->left) {
		message_error("%s: it has more than %u names", model->name,
			      MODEL_NAMES_MAX);
		return -EFBIG;
	}
	model->left--;
	*node = model->root;
	if (!model->root_timed)
		model->root->inode->time = *time;
	model->root_timed = true;
	if (!*path)
		return 0;
	ret = go_to_parent(model, path, time, &parent, &name);
	if (ret)
		return ret;
	return get_node(model, parent, name, strlen(name), node);
}

int model_add(struct model *model, const char *path, const struct stat *st,
	      struct model_inode **inode)
{
	struct node *node;
	int ret = place(model, path, &st->st_mtim, &node);

	if (ret)
		return ret;
	if (node == model->root && !S_ISDIR(st->st_mode)) {
		message_error("%s: its root is no directory", model->name);
		return -ENOTDIR;
	}
	if (model_is_directory(node) && S_ISDIR(st->st_mode)) {
		*inode = node->inode;
		free_xattrs(*inode);
		node->layer = model->layer;
	} else {
		if (model_is_directory(node))
			remove_below(node, model->layer + 1);
		*inode = new_inode(model, st->st_mode);
		if (!*inode)
			return -ENOMEM;
		set_inode(model, node, *inode);
	}
	(*inode)->mode = st->st_mode;
	(*inode)->uid = st->st_uid;
	(*inode)->gid = st->st_gid;
	(*inode)->device = st->st_rdev;
	(*inode)->time = st->st_mtim;
	return 0;
}

int model_link(struct model *model, const char *path, const char *target,
	       struct model_inode **inode)
{
	struct node *old = model_look_up(model, target), *node;
	int ret;

	if (!old || !old->inode || model_is_directory(old)) {
		message_error("%s: '%s' in it is a hard link of '%s', which %s",
			      model->name, path, target,
			      old && old->inode ? "is a directory" :
						  "is not in it before");
		return old && old->inode ? -EISDIR : -ENOENT;
	}
	*inode = old->inode;
	ret = place(model, path, &old->inode->time, &node);
	if (ret)
		return ret;
	if (node == model->root) {
		message_error("%s: its root is no directory", model->name);
		return -ENOTDIR;
	}
	if (model_is_directory(node))
		remove_below(node, model->layer + 1);
	set_inode(model, node, *inode);
	return 0;
}

static int no_room(const struct model *model)
{
	message_error("%s: its files have more bytes than --max-size allows; give a larger one if that is right",
		      model->name);
	return -EFBIG;
}

int model_set_size(struct model *model, struct model_inode *inode, u64 size)
{
	if (size <= inode->size)
		return 0;
	if (size - inode->size > model->most)
		return no_room(model);
	model->most -= size - inode->size;
	/* No other file's contents are there. */
	if (!inode->size)
		inode->start = model->end;
	inode->size = size;
	model->end = inode->start + size;
	return 0;
}

int model_write(struct model *model, struct model_inode *inode, u64 offset,
		const void *data, size_t length)
{
	int ret = 0;

	if (!length)
		return 0;
	if (offset > INT64_MAX - length)
		return no_room(model);
	ret = model_set_size(model, inode, offset + length);
	inode->stored += length;
	return ret ? ret : write_all(model->fd, inode->start + offset, data,
				     length, SPOOL_NAME);
}

int model_skip(struct model *model, size_t length)
{
	if (length > model->most)
		return no_room(model);
	model->most -= length;
	return 0;
}

bool model_is_file(const struct model_inode *inode)
{
	return S_ISREG(inode->mode);
}

void model_empty(struct model_inode *inode)
{
	inode->size = inode->stored = 0;
}

int model_set_target(struct model *model, struct model_inode *inode,
		     const char *target)
{
	size_t length = strlen(target);
	int ret = take_text(model, length);

	if (ret)
		return ret;
	if (!length || length > MODEL_PATH_MAX) {
		message_error("%s: the target of a symbolic link in it has %zu bytes; 1 to %u are possible",
			      model->name, length, MODEL_PATH_MAX);
		return -EINVAL;
	}
	inode->target = strdup(target);
	inode->size = length;
	return inode->target ? 0 : no_memory();
}

int model_set_xattr(struct model *model, struct model_inode *inode,
		    const char *name, const void *value, size_t size)
{
	size_t length = strlen(name);
	struct xattr **at = &inode->xattrs, *xattr;
	int ret = take_text(model, length + size);

	if (ret)
		return ret;
	if (!length || length > MODEL_NAME_MAX || size > UINT16_MAX) {
		message_error("%s: an extended attribute in it has a name of %zu bytes and %zu bytes; Linux takes 255 and 65535",
			      model->name, length, size);
		return -E2BIG;
	}
	xattr = malloc(sizeof(*xattr) + length + 1 + size);
	if (!xattr)
		return no_memory();
	memcpy(xattr->name, name, length + 1);
	xattr->value = (u8 *)xattr->name + length + 1;
	memcpy(xattr->value, value, size);
	xattr->size = size;
	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	xattr->next = *at ? (*at)->next : NULL;
	free(*at);
	*at = xattr;
	return 0;
}
