// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where files are; see places.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "filesystems.h"
#include "lists/places.h"
#include "mkimage.h"

/* Directories inside each other make long paths of short names. */
#define NAMES_MAX	(256ull << 20)
/* Blocks of a place: longer ones are divided, so that few can have a block. */
#define PLACE_MAX	256u

static int grow(void **array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 1024;
	void *new;

	if (count < *room)
		return 0;
	new = realloc(*array, more * size);
	if (!new)
		return no_memory();
	*array = new;
	*room = more;
	return 0;
}

/* The name is kept once: places of a file come one after the other. */
static int keep_name(struct places *places, const char *path, const char **kept)
{
	const char *last = places->name_count ?
			   places->names[places->name_count - 1] : NULL;
	int ret;

	*kept = last;
	if (last && !strcmp(last + 1, path))
		return 0;
	places->name_bytes += strlen(path) + 2;
	if (places->name_bytes > NAMES_MAX) {
		message_error("the paths of its filesystem are too long to be listed: they have over %llu bytes",
			      NAMES_MAX);
		return -EFBIG;
	}
	ret = grow((void **)&places->names, places->name_count,
		   &places->name_room, sizeof(*places->names));
	if (ret)
		return ret;
	if (asprintf(&places->names[places->name_count], "/%s", path) < 0)
		return no_memory();
	*kept = places->names[places->name_count++];
	return 0;
}

static int add_place(void *context, const char *path, u64 at, u64 block,
		     u64 count)
{
	struct places *places = context;
	const char *kept = NULL;
	u64 part;
	int ret = path ? keep_name(places, path, &kept) : 0;

	if (block >= places->blocks)
		return ret;
	if (count > places->blocks - block)
		count = places->blocks - block;
	for (; !ret && count; count -= part, block += part) {
		part = count < PLACE_MAX ? count : PLACE_MAX;
		ret = grow((void **)&places->by_path, places->count,
			   &places->room, sizeof(*places->by_path));
		if (ret)
			break;
		places->by_path[places->count++] = (struct place){
			.path = kept, .at = at, .block = block, .count = part,
		};
		at += at == FILES_INODE ? 0 : part;
	}
	return ret;
}

static int compare_path(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return a == b ? 0 : strcmp(a, b);
}

static int by_path(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = compare_path(a->path, b->path);

	if (order)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int by_block(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return by_path(left, right);
}

int places_load(struct places *places, struct overlay *overlay)
{
	const struct filesystem *fs;
	int ret;

	memset(places, 0, sizeof(*places));
	places->blocks = overlay_blocks(overlay);
	ret = filesystem_find(filesystems, overlay,
			      "; its files are not known", &fs);
	if (!ret)
		ret = fs->places(overlay, add_place, places);
	if (ret)
		return ret;
	places->by_block = calloc(places->count + 1, sizeof(*places->by_block));
	if (!places->by_block)
		return no_memory();
	if (!places->count)
		return 0;
	qsort(places->by_path, places->count, sizeof(*places->by_path),
	      by_path);
	memcpy(places->by_block, places->by_path,
	       places->count * sizeof(*places->by_block));
	qsort(places->by_block, places->count, sizeof(*places->by_block),
	      by_block);
	return 0;
}

int places_load_image(struct places *places, struct incr_image *image,
		      const char *name)
{
	struct overlay *overlay;
	int ret = overlay_open(&overlay, image, name, "/tmp");

	if (ret)
		return ret;
	ret = places_load(places, overlay);
	overlay_close(overlay);
	return ret;
}

void places_free(struct places *places)
{
	while (places->name_count)
		free(places->names[--places->name_count]);
	free(places->names);
	free(places->by_path);
	free(places->by_block);
	memset(places, 0, sizeof(*places));
}

/* How many places come before all of @path, or, with @after, all up to its own. */
static size_t find_path(const struct places *places, const char *path,
			bool after)
{
	size_t low = 0, high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_path(places->by_path[middle].path, path);

		if (order < 0 || (after && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct place *places_of_path(const struct places *places,
				   const char *path, size_t *count)
{
	size_t first = find_path(places, path, false);

	*count = find_path(places, path, true) - first;
	return *count ? &places->by_path[first] : NULL;
}

const struct place *places_of_block(const struct places *places, u64 block,
				    size_t *i)
{
	if (*i == SIZE_MAX) {
		size_t low = 0, high = places->count;

		/* None before has so many blocks. */
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (places->by_block[middle].block + PLACE_MAX <= block)
				low = middle + 1;
			else
				high = middle;
		}
		*i = low;
	} else {
		(*i)++;
	}
	for (; *i < places->count && places->by_block[*i].block <= block; (*i)++)
		if (places->by_block[*i].block + places->by_block[*i].count >
		    block)
			return &places->by_block[*i];
	return NULL;
}
