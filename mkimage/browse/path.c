// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths and names; see path.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "browse/path.h"
#include "common/message.h"
#include "mkimage.h"

/* As many as Linux follows. */
#define LINKS_MAX	40u

/**
 * struct way - how far a path has been gone along
 * @path: as it was given, for messages
 * @dirs: the directories on the way, from the root on, @depth of them
 * @rest: on the heap: names to come, from @next on
 */
struct way {
	struct browse *browse;
	const char *path;
	u64 dirs[BROWSE_DEPTH_MAX];
	u32 depth;
	char *rest;
	char *next;
	u32 links;
};

static int failed(const struct way *way, int code)
{
	message_error("%s: %s: %s", way->browse->name, way->path,
		      strerror(-code));
	return code;
}

struct look_up {
	const char *name;
	u64 number;
};

static int compare_name(void *context, const char *name, u64 number)
{
	struct look_up *look_up = context;

	if (strcmp(name, look_up->name))
		return 0;
	look_up->number = number;
	return 1;
}

static int read_node(const struct way *way, u64 number, struct node *node)
{
	return way->browse->reader->node(way->browse->opened, number, node);
}

/* Set @node to what @name is in the directory where we are. */
static int look_up(const struct way *way, const char *name, struct node *node)
{
	struct look_up look_up = { .name = name };
	struct node dir;
	int ret = read_node(way, way->dirs[way->depth - 1], &dir);

	if (ret)
		return ret;
	ret = way->browse->reader->list(way->browse->opened, &dir, compare_name,
					&look_up);
	if (ret < 0)
		return ret;
	return ret ? read_node(way, look_up.number, node) : failed(way, -ENOENT);
}

/* Go on with the link's text, and what comes behind it. */
static int follow_link(struct way *way, const struct node *node, bool last)
{
	char text[READER_LINK_MAX + 1], *rest;
	int ret = browse_link(way->browse, node, way->path, text);

	if (ret)
		return ret;
	if (++way->links > LINKS_MAX)
		return failed(way, -ELOOP);
	if (asprintf(&rest, last ? "%s%s" : "%s/%s", text, way->next) < 0)
		return no_memory();
	if (*text == '/')
		way->depth = 1;
	free(way->rest);
	way->rest = way->next = rest;
	return 0;
}

/* One name further; @last: there are no more. */
static int step(struct way *way, const char *name, bool last, bool follow,
		struct node *node)
{
	int ret;

	if (!strcmp(name, "..")) {
		way->depth -= way->depth > 1;
		return read_node(way, way->dirs[way->depth - 1], node);
	}
	ret = look_up(way, name, node);
	if (ret)
		return ret;
	if (S_ISLNK(node->mode) && (!last || follow))
		return follow_link(way, node, last);
	if (S_ISDIR(node->mode)) {
		if (way->depth == BROWSE_DEPTH_MAX)
			return failed(way, -ELOOP);
		way->dirs[way->depth++] = node->number;
	} else if (!last) {
		return failed(way, -ENOTDIR);
	}
	return 0;
}

static int go(struct way *way, bool follow, struct node *node)
{
	int ret = read_node(way, way->dirs[0], node);

	while (!ret) {
		char *name = way->next + strspn(way->next, "/");
		size_t length = strcspn(name, "/");
		bool last;

		if (!length)
			break;
		way->next = name + length;
		/* A slash at the end stands for a directory. */
		last = !*way->next;
		if (!last)
			*way->next++ = '\0';
		if (strcmp(name, "."))
			ret = step(way, name, last, follow, node);
	}
	return ret;
}

int path_find(struct browse *browse, const char *path, bool follow,
	      struct node *node)
{
	struct way *way = calloc(1, sizeof(*way));
	int ret;

	if (!way)
		return no_memory();
	way->browse = browse;
	way->path = path;
	way->dirs[way->depth++] = browse->reader->root(browse->opened);
	way->rest = way->next = strdup(path);
	ret = way->rest ? go(way, follow, node) : no_memory();
	free(way->rest);
	free(way);
	return ret;
}

static int add_entry(void *context, const char *name, u64 number)
{
	struct entries *entries = context;
	struct listed *entry;

	if (entries->count == entries->room) {
		size_t room = entries->room ? 2 * entries->room : 64;
		void *more = realloc(entries->list, room * sizeof(*entry));

		if (!more)
			return no_memory();
		entries->list = more;
		entries->room = room;
	}
	entry = &entries->list[entries->count];
	entry->number = number;
	entry->name = strdup(name);
	if (!entry->name)
		return no_memory();
	entries->count++;
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;

	return strcmp(a->name, b->name);
}

int entries_read(struct browse *browse, const struct node *dir,
		 struct entries *entries)
{
	int ret;

	memset(entries, 0, sizeof(*entries));
	ret = browse->reader->list(browse->opened, dir, add_entry, entries);
	if (!ret && entries->count)
		qsort(entries->list, entries->count, sizeof(*entries->list),
		      compare_entries);
	return ret;
}

void entries_free(struct entries *entries)
{
	size_t i;

	for (i = 0; i < entries->count; i++)
		free(entries->list[i].name);
	free(entries->list);
	memset(entries, 0, sizeof(*entries));
}

char *path_join(const char *dir, const char *name)
{
	size_t length = strlen(dir);
	char *path;

	if (asprintf(&path, length && dir[length - 1] != '/' ? "%s/%s" : "%s%s",
		     dir, name) >= 0)
		return path;
	no_memory();
	return NULL;
}
