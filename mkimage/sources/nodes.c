// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of a tree in memory; see nodes.h.
 */
#include <stdlib.h>
#include <string.h>
#include "mkimage.h"
#include "sources/nodes.h"

static u32 hash_name(const struct node *parent, const char *name, size_t length)
{
	u64 hash = (u64)(uintptr_t)parent * 0x9e3779b97f4a7c15ull;
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (u8)name[i]) * 0x100000001b3ull;
	return (u32)(hash ^ hash >> 32);
}

struct node *model_find(const struct model *model, const struct node *parent,
			 const char *name, size_t length)
{
	u32 hash = hash_name(parent, name, length), i = hash;

	for (;; i++) {
		struct node *node = model->table[i & (model->room - 1)];

		if (!node)
			return NULL;
		if (node->hash == hash && node->parent == parent &&
		    !strncmp(node->name, name, length) && !node->name[length])
			return node;
	}
}

struct node *model_look_up(const struct model *model, const char *path)
{
	struct node *node = model->root;

	while (node && *path) {
		size_t length = strcspn(path, "/");

		node = model_find(model, node, path, length);
		if (node && !node->inode)
			return NULL;
		path += length;
		path += *path == '/';
	}
	return node;
}

static void put(struct node **table, u32 room, struct node *node)
{
	u32 i = node->hash & (room - 1);

	while (table[i])
		i = (i + 1) & (room - 1);
	table[i] = node;
}

static int grow(struct model *model)
{
	u32 room = 2 * model->room, i;
	struct node **table;

	if (model->used < model->room / 2)
		return 0;
	table = calloc(room, sizeof(struct node *));
	if (!table)
		return no_memory();
	for (i = 0; i < model->room; i++)
		if (model->table[i])
			put(table, room, model->table[i]);
	free(model->table);
	model->table = table;
	model->room = room;
	return 0;
}

struct node *model_new_node(const char *name, size_t length)
{
	struct node *node = calloc(1, sizeof(*node) + length + 1);

	if (node)
		memcpy(node->name, name, length);
	else
		no_memory();
	return node;
}

int model_add_node(struct model *model, struct node *parent, const char *name,
		   size_t length, struct node **node)
{
	int ret = grow(model);

	if (ret)
		return ret;
	*node = model_new_node(name, length);
	if (!*node)
		return -ENOMEM;
	(*node)->parent = parent;
	(*node)->hash = hash_name(parent, name, length);
	put(model->table, model->room, *node);
	model->used++;
	return 0;
}
