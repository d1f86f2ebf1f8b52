/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number for each digest of a set.
 */
#ifndef MKIMAGE_DIGESTMAP_H
#define MKIMAGE_DIGESTMAP_H

#include "libincremental/hash.h"

/* @value: not 0 for a digest that is in the set */
struct digestmap_place {
	u8 digest[INC_SHA256_SIZE];
	u64 value;
};

/**
 * struct digestmap - the set; zeros are an empty one
 * @count: digests in it
 */
struct digestmap {
	struct digestmap_place *table;	/* open addressing */
	u64 room;			/* a power of two */
	u64 count;
};

/* The place of @digest, valid up to the next digestmap_add(); NULL: not there. */
struct digestmap_place *digestmap_find(const struct digestmap *map,
				       const u8 *digest);

/*
 * Add @digest with @value, which is not 0; a digest that is there keeps its own.
 * Return: 0, or -ENOMEM without a message.
 */
int digestmap_add(struct digestmap *map, const u8 *digest, u64 value);

void digestmap_free(struct digestmap *map);

#endif /* MKIMAGE_DIGESTMAP_H */
