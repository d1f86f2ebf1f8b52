// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The index of anchors; see anchors.h.
 *
 * The rolling hash shifts by two bits for each byte, so 32 bytes make it. Its topmost
 * bits, which all of these have a part in, choose the anchors.
 */
#include <stdlib.h>
#include "segment/anchors.h"

#define WINDOW		32u

/* Places in the table, at most: 8 bytes each. */
#define ROOM_SHIFT_MAX	25u
#define ROOM_SHIFT_MIN	10u

#define TAG_BITS	24u
#define MIX		0x9e3779b97f4a7c15ull

struct anchors {
	u64 gear[256];
	u32 rate;
	u32 room_shift;
	u64 count;
	u64 *table;		/* position << TAG_BITS | tag, plus 1; 0: empty */
};

/* Any numbers will do that are the same each time (splitmix64). */
static void make_gear(u64 *gear)
{
	u64 state = 0, value;
	u32 i;

	for (i = 0; i < 256; i++) {
		state += MIX;
		value = (state ^ state >> 30) * 0xbf58476d1ce4e5b9ull;
		value = (value ^ value >> 27) * 0x94d049bb133111ebull;
		gear[i] = value ^ value >> 31;
	}
}

struct anchors *anchors_new(u64 bytes)
{
	struct anchors *anchors = malloc(sizeof(*anchors));
	u64 room = 1ull << ROOM_SHIFT_MAX;

	if (!anchors)
		return NULL;
	make_gear(anchors->gear);
	anchors->count = 0;
	anchors->rate = ANCHORS_RATE_MIN;
	/* Not full, as some bytes choose more anchors than chance would. */
	while (anchors->rate < ANCHORS_RATE_MAX &&
	       bytes >> anchors->rate > room / 8 * 5)
		anchors->rate++;
	anchors->room_shift = ROOM_SHIFT_MIN;
	while (anchors->room_shift < ROOM_SHIFT_MAX &&
	       bytes >> anchors->rate > 5ull << anchors->room_shift >> 3)
		anchors->room_shift++;
	anchors->table = calloc(1ull << anchors->room_shift,
				sizeof(*anchors->table));
	if (anchors->table)
		return anchors;
	free(anchors);
	return NULL;
}

void anchors_free(struct anchors *anchors)
{
	if (anchors)
		free(anchors->table);
	free(anchors);
}

u32 anchors_scan(const struct anchors *anchors, const u8 *data, size_t length,
		 u64 position, struct anchor *found, u32 room)
{
	const u64 *gear = anchors->gear;
	u32 shift = 64 - anchors->rate, count = 0;
	u64 hash = 0, before;
	size_t i;

	if (length < WINDOW)
		return 0;
	for (i = 0; i < WINDOW - 1; i++)
		hash = (hash << 2) + gear[data[i]];
	for (; i < length && count < room; i++) {
		before = hash;
		hash = (hash << 2) + gear[data[i]];
		if (hash >> shift || hash == before)
			continue;
		found[count].hash = hash * MIX;
		found[count++].position = position + i + 1;
	}
	return count;
}

static u64 *find_place(const struct anchors *anchors, u64 hash)
{
	u64 mask = (1ull << anchors->room_shift) - 1;
	u64 at = hash >> (64 - anchors->room_shift);
	u64 tag = hash & ((1ull << TAG_BITS) - 1);

	for (;; at = (at + 1) & mask) {
		u64 *place = &anchors->table[at];

		if (!*place || ((*place - 1) & ((1ull << TAG_BITS) - 1)) == tag)
			return place;
	}
}

void anchors_add(struct anchors *anchors, const struct anchor *anchor)
{
	u64 *place = find_place(anchors, anchor->hash);

	/* One place at least stays empty, which ends a search. */
	if (*place || anchor->position >= ANCHORS_POSITIONS - 1 ||
	    anchors->count >= 3ull << anchors->room_shift >> 2)
		return;
	*place = (anchor->position << TAG_BITS |
		  (anchor->hash & ((1ull << TAG_BITS) - 1))) + 1;
	anchors->count++;
}

bool anchors_find(const struct anchors *anchors, u64 hash, u64 *position)
{
	const u64 *place = find_place(anchors, hash);

	if (!*place)
		return false;
	*position = (*place - 1) >> TAG_BITS;
	return true;
}
