// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dictionaries of segments, read when the first extent needs them and kept
 * until the image is closed: at most 64 KiB for each segment. And expanding
 * with them: LZ4 is faster where the dictionary ends at the first byte that it
 * writes. So each thread that expands has a room for both, and copies the
 * cluster from there.
 */
#include <lz4.h>
#include <stdlib.h>
#include "libincremental/internal.h"

/*
 * Copying a dictionary into a room costs as much as some clusters gain, so it is
 * done for the one that so many clusters in a row have needed.
 */
#define SWITCH_AFTER	8

struct room {
	struct room *next;
	const u8 *held;			/* ends INC_DICTIONARY_MAX into @bytes */
	const u8 *wanted;		/* the other one that was used last, */
	unsigned int times;		/* so often in a row */
	u8 bytes[INC_DICTIONARY_MAX + (INC_BLOCK_SIZE << INC_CLUSTER_SHIFT_MAX)];
};

struct inc_dictionaries {
	pthread_mutex_t lock;
	struct room *rooms;		/* free ones; used last first */
	u8 *bytes[];			/* by generation; NULL: not read yet */
};

int incr_dictionaries_new(struct incr_image *image)
{
	struct inc_dictionaries *all;

	all = calloc(1, sizeof(*all) +
			image->segment_count * sizeof(all->bytes[0]));
	if (!all)
		return -ENOMEM;
	pthread_mutex_init(&all->lock, NULL);
	image->dictionaries = all;
	return 0;
}

void incr_dictionaries_free(struct incr_image *image)
{
	struct inc_dictionaries *all = image->dictionaries;
	u32 i;

	if (!all)
		return;
	for (i = 0; i < image->segment_count; i++)
		free(all->bytes[i]);
	while (all->rooms) {
		struct room *room = all->rooms;

		all->rooms = room->next;
		free(room);
	}
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Whole pages: the guard has digests of pages. */
static int dictionary_read(const struct inc_source *source,
			   const struct inc_segment *seg, u8 **result,
			   struct incr_error *error)
{
	u64 size = (seg->dictionary_size + INC_PAGE_SIZE - 1) &
		   ~(u64)(INC_PAGE_SIZE - 1);
	u8 *bytes = malloc(size);
	u64 at;
	int ret;

	if (!bytes)
		return incr_fail(error, -ENOMEM,
				 "out of memory for a dictionary");
	ret = incr_source_read(source, seg->dictionary_offset, size, bytes,
			       error);
	for (at = 0; !ret && at < size; at += INC_PAGE_SIZE)
		ret = incr_guarded_check(source, seg->dictionary_offset + at,
					 bytes + at, error);
	if (ret)
		free(bytes);
	else
		*result = bytes;
	return ret;
}

/*
 * The verified dictionary of a segment that has one: *bytes is set to
 * seg->dictionary_size bytes that stay until the image is closed.
 *
 * It is read without the lock, since that may take long; if two threads read it,
 * the first one's copy is kept.
 */
static int dictionary_get(const struct inc_source *source,
			  const struct inc_segment *seg, const u8 **bytes,
			  struct incr_error *error)
{
	struct inc_dictionaries *all = source->image->dictionaries;
	u8 **place = &all->bytes[seg->generation], *mine = NULL;
	int ret;

	pthread_mutex_lock(&all->lock);
	*bytes = *place;
	pthread_mutex_unlock(&all->lock);
	if (*bytes)
		return 0;
	ret = dictionary_read(source, seg, &mine, error);
	if (ret)
		return ret;
	pthread_mutex_lock(&all->lock);
	if (!*place) {
		*place = mine;
		mine = NULL;
	}
	*bytes = *place;
	pthread_mutex_unlock(&all->lock);
	free(mine);
	return 0;
}

/* The room that holds the dictionary, or another one; NULL without memory. */
static struct room *room_take(struct inc_dictionaries *all, const u8 *dictionary)
{
	struct room **place, *room;

	pthread_mutex_lock(&all->lock);
	for (place = &all->rooms; *place; place = &(*place)->next)
		if ((*place)->held == dictionary)
			break;
	if (!*place)
		place = &all->rooms;
	room = *place;
	if (room)
		*place = room->next;
	pthread_mutex_unlock(&all->lock);
	if (room)
		return room;

	room = malloc(sizeof(*room));
	if (room) {
		room->held = NULL;
		room->wanted = NULL;
	}
	return room;
}

static void room_put(struct inc_dictionaries *all, struct room *room)
{
	pthread_mutex_lock(&all->lock);
	room->next = all->rooms;
	all->rooms = room;
	pthread_mutex_unlock(&all->lock);
}

/* Does the room hold the dictionary, or is it worth while that it does now? */
static bool room_holds(struct room *room, const u8 *dictionary, u32 size)
{
	if (room->held == dictionary)
		return true;
	if (room->wanted != dictionary) {
		room->wanted = dictionary;
		room->times = 0;
	}
	if (++room->times < SWITCH_AFTER)
		return false;
	memcpy(room->bytes + INC_DICTIONARY_MAX - size, dictionary, size);
	room->held = dictionary;
	room->wanted = NULL;
	return true;
}

/**
 * incr_dictionary_expand - expand an extent that needs its segment's dictionary
 * @seg: the segment, which has one
 * @stored: @length bytes
 * @blocks: receives @size bytes, those of the cluster
 *
 * Returns the number of bytes that @stored expands to, which is @size if it is
 * sound, or less than 0 if it is not; or -1 with *error set, and *failed to the
 * negative errno.
 */
int incr_dictionary_expand(const struct inc_source *source,
			   const struct inc_segment *seg, const void *stored,
			   u32 length, void *blocks, u32 size, int *failed,
			   struct incr_error *error)
{
	struct inc_dictionaries *all = source->image->dictionaries;
	const u8 *dictionary;
	struct room *room;
	int got;

	*failed = dictionary_get(source, seg, &dictionary, error);
	if (*failed)
		return -1;
	room = room_take(all, dictionary);
	if (room && room_holds(room, dictionary, seg->dictionary_size)) {
		char *output = (char *)room->bytes + INC_DICTIONARY_MAX;

		got = LZ4_decompress_safe_usingDict(stored, output, (int)length,
				(int)size, output - seg->dictionary_size,
				(int)seg->dictionary_size);
		if (got == (int)size)
			memcpy(blocks, output, size);
	} else {
		got = LZ4_decompress_safe_usingDict(stored, blocks, (int)length,
				(int)size, (const char *)dictionary,
				(int)seg->dictionary_size);
	}
	if (room)
		room_put(all, room);
	return got;
}
