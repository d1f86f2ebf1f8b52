// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Digests and numbers; see digestmap.h.
 */
#include <errno.h>
#include <stdlib.h>
#include "segment/digestmap.h"

/* The place of @digest, or the empty one where it belongs. */
static struct digestmap_place *place_of(struct digestmap_place *table, u64 room,
					const u8 *digest)
{
	u64 at;

	memcpy(&at, digest, sizeof(at));
	for (;; at++) {
		struct digestmap_place *place = &table[at & (room - 1)];

		if (!place->value ||
		    !memcmp(place->digest, digest, sizeof(place->digest)))
			return place;
	}
}

struct digestmap_place *digestmap_find(const struct digestmap *map,
				       const u8 *digest)
{
	struct digestmap_place *place;

	if (!map->room)
		return NULL;
	place = place_of(map->table, map->room, digest);
	return place->value ? place : NULL;
}

static int grow(struct digestmap *map)
{
	u64 room = map->room ? 2 * map->room : 1024, i;
	struct digestmap_place *more;

	if (4 * map->count < 3 * map->room)
		return 0;
	more = calloc(room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (i = 0; i < map->room; i++)
		if (map->table[i].value)
			*place_of(more, room, map->table[i].digest) =
				map->table[i];
	free(map->table);
	map->table = more;
	map->room = room;
	return 0;
}

int digestmap_add(struct digestmap *map, const u8 *digest, u64 value)
{
	struct digestmap_place *place;
	int ret = grow(map);

	if (ret)
		return ret;
	place = place_of(map->table, map->room, digest);
	if (place->value)
		return 0;
	memcpy(place->digest, digest, sizeof(place->digest));
	place->value = value;
	map->count++;
	return 0;
}

void digestmap_free(struct digestmap *map)
{
	free(map->table);
}
