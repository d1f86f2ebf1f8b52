// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a trace; see files.h.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include "common/message.h"
#include "lists/files.h"
#include "mkimage.h"

/* Directories of more blocks are not touched as a whole for a name in them. */
#define DIRECTORY_MAX	8u

static int compare_pointers(const void *left, const void *right)
{
	return left < right ? -1 : left > right;
}

static void keep(void *node)
{
	(void)node;
}

/* The only path that @block is of; NULL: none, or it has several. */
static const char *only_path(const struct places *places, u64 block,
			     const struct place **best)
{
	const struct place *place;
	const char *path = NULL;
	size_t i = SIZE_MAX;

	*best = NULL;
	while ((place = places_of_block(places, block, &i))) {
		if (!place->path || (path && place->path != path))
			return NULL;
		path = place->path;
		if (!*best || place->at != FILES_INODE)
			*best = place;
	}
	return path;
}

/**
 * struct naming - a trace whose files are being named
 * @read: paths with blocks of their own that were read: a tree of pointers
 */
struct naming {
	const struct places *places;
	const struct incr_trace *trace;
	void *read;
	struct incr_trace_read *reads;
	size_t count;
	size_t room;
};

static int find_read(struct naming *naming)
{
	const struct place *best;
	size_t i;
	u64 j;

	for (i = 0; i < naming->trace->count; i++) {
		const struct incr_trace_read *read = &naming->trace->reads[i];

		for (j = 0; j < read->count; j++) {
			const char *path = only_path(naming->places,
						     read->block + j, &best);

			if (path && !tsearch(path, &naming->read,
					     compare_pointers))
				return no_memory();
		}
	}
	return 0;
}

/* A block of a file: one more of the last read, or another. */
static int add_block(struct naming *naming, const struct incr_trace_read *read,
		     bool first, u64 block, const char *path, u64 at)
{
	struct incr_trace_read *last = naming->count ?
		&naming->reads[naming->count - 1] : NULL;

	if (!first && last && block == last->block + last->count &&
	    (path ? last->path && !strcmp(path, last->path) &&
		    at != FILES_INODE && last->at != FILES_INODE &&
		    at == last->at + last->count : !last->path)) {
		last->count++;
		return 0;
	}
	if (naming->count == naming->room) {
		size_t room = naming->room ? 2 * naming->room : 1024;

		last = realloc(naming->reads, room * sizeof(*last));
		if (!last)
			return no_memory();
		naming->reads = last;
		naming->room = room;
	}
	last = &naming->reads[naming->count++];
	*last = (struct incr_trace_read){
		.time = read->time, .block = block, .count = 1,
		.pid = read->pid, .comm = strdup(read->comm),
		.path = path ? strdup(path) : NULL, .at = path ? at : 0,
	};
	return last->comm && (!path || last->path) ? 0 : no_memory();
}

/* A block that several files have a part of, as inodes share one. */
static int add_shared(struct naming *naming, const struct incr_trace_read *read,
		      bool first, u64 block)
{
	const struct place *place, *any = NULL;
	const char *last = NULL;
	size_t i = SIZE_MAX;
	bool named = false;
	int ret = 0;

	while (!ret &&
	       (place = places_of_block(naming->places, block, &i))) {
		if (!place->path || place->path == last)
			continue;
		if (!any)
			any = place;
		if (!tfind(place->path, &naming->read, compare_pointers))
			continue;
		last = place->path;
		named = true;
		ret = add_block(naming, read, first, block, last, FILES_INODE);
	}
	if (!ret && !named)
		ret = add_block(naming, read, first, block,
				any ? any->path : NULL, FILES_INODE);
	return ret;
}

static int name_read(struct naming *naming, const struct incr_trace_read *read)
{
	const struct place *best;
	int ret = 0;
	u64 i;

	for (i = 0; !ret && i < read->count; i++) {
		u64 block = read->block + i;
		const char *path = only_path(naming->places, block, &best);

		if (!path)
			ret = add_shared(naming, read, !i, block);
		else
			ret = add_block(naming, read, !i, block, path,
					best->at == FILES_INODE ? best->at :
					best->at + (block - best->block));
	}
	return ret;
}

int trace_name_files(struct incr_trace *trace, const struct places *places)
{
	struct naming naming = { .places = places, .trace = trace };
	struct incr_trace named = *trace;
	size_t i;
	int ret = find_read(&naming);

	for (i = 0; !ret && i < trace->count; i++)
		ret = name_read(&naming, &trace->reads[i]);
	tdestroy(naming.read, keep);
	named.reads = naming.reads;
	named.count = naming.count;
	if (ret) {
		incr_trace_free(&named);
		return ret;
	}
	incr_trace_free(trace);
	*trace = named;
	return 0;
}

/* ---- another layout ---- */

/* Blocks [at, at + count) of a file, as far as it has them; or its inode. */
static int add_part(struct touches *touches, u64 time,
		    const struct place *place, size_t places, u64 at, u64 count)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < places; i++, place++) {
		u64 start = place->at > at ? place->at : at, end;

		if (at == FILES_INODE || place->at == FILES_INODE) {
			if (at == place->at)
				ret = touches_add_blocks(touches, time,
							 place->block,
							 place->count);
			continue;
		}
		end = place->at + place->count < at + count ?
		      place->at + place->count : at + count;
		if (start < end)
			ret = touches_add_blocks(touches, time,
						 place->block + start -
						 place->at, end - start);
	}
	return ret;
}

/* The inode, and of a directory that is small its contents. */
static int add_way(struct touches *touches, u64 time, const char *path,
		   const struct places *places, bool contents)
{
	size_t count;
	const struct place *place = places_of_path(places, path, &count);
	int ret;

	if (!place)
		return 0;
	ret = add_part(touches, time, place, count, FILES_INODE, 0);
	return ret || !contents ? ret :
	       add_part(touches, time, place, count, 0, DIRECTORY_MAX);
}

/* All directories on the way to @path, then itself. */
static int add_ways(struct touches *touches, u64 time, const char *path,
		    const struct places *places)
{
	char *part = strdup(path), *slash = part;
	int ret;

	if (!part)
		return no_memory();
	ret = add_way(touches, time, "/", places, true);
	while (!ret && slash && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		ret = add_way(touches, time, part, places, true);
		*slash = '/';
	}
	if (!ret)
		ret = add_way(touches, time, path, places, false);
	free(part);
	return ret;
}

static int add_mount(struct touches *touches, const struct places *places)
{
	size_t count;
	const struct place *place = places_of_path(places, NULL, &count);

	return place ? add_part(touches, 0, place, count, FILES_INODE, 0) : 0;
}

int touches_add_files(struct touches *touches, const struct incr_trace *trace,
		      const char *path, const struct places *places,
		      const char *name)
{
	size_t i, count, named = 0, found = 0;
	const char *last = NULL;
	int ret = add_mount(touches, places);

	for (i = 0; !ret && i < trace->count; i++) {
		const struct incr_trace_read *read = &trace->reads[i];
		const struct place *place;

		if (!read->path)
			continue;
		named++;
		place = places_of_path(places, read->path, &count);
		if (!place)
			continue;
		found++;
		if (!last || strcmp(last, read->path))
			ret = add_ways(touches, read->time, read->path, places);
		last = read->path;
		if (!ret)
			ret = add_part(touches, read->time, place, count,
				       read->at, read->count);
	}
	if (!ret && found)
		return 0;
	if (!ret && named)
		message_error("%s: %s has none of the files that it names",
			      path, name);
	else if (!ret)
		message_error("%s: it is not of %s and names no files: name them by the image that it is of (the command \"trace\" with --image)",
			      path, name);
	return ret ? ret : -EINVAL;
}
