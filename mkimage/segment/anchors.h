/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding bytes again that have moved: an index of places whose contents, 32 bytes
 * of them, say that they are to be in it.
 */
#ifndef MKIMAGE_ANCHORS_H
#define MKIMAGE_ANCHORS_H

#include <stddef.h>
#include "format.h"

/* The least and the most bytes, as a power of two, of which one place is indexed. */
#define ANCHORS_RATE_MIN	5u
#define ANCHORS_RATE_MAX	20u

/* Positions are below. */
#define ANCHORS_POSITIONS	(1ull << 40)

/**
 * struct anchor - a place
 * @hash: of the 32 bytes that end there
 * @position: of the byte after them
 */
struct anchor {
	u64 hash;
	u64 position;
};

struct anchors;

/**
 * anchors_new - an empty index
 * @bytes: that are to be indexed: they determine the rate, such that the index takes
 *	256 MiB at most
 *
 * Return: NULL without memory.
 */
struct anchors *anchors_new(u64 bytes);
void anchors_free(struct anchors *anchors);

/*
 * The anchors of @length bytes, the first at @position, at the index' rate: the first
 * @room of them. Of a run of equal bytes there is one at most. Any number of threads
 * may scan. Return: their number.
 */
u32 anchors_scan(const struct anchors *anchors, const u8 *data, size_t length,
		 u64 position, struct anchor *found, u32 room);

/* Add an anchor, unless one with its hash is there. */
void anchors_add(struct anchors *anchors, const struct anchor *anchor);

/*
 * Where the 32 bytes with a hash are, with very few mistakes. Any number of threads
 * may look while none adds. Return: false if nowhere.
 */
bool anchors_find(const struct anchors *anchors, u64 hash, u64 *position);

#endif /* MKIMAGE_ANCHORS_H */
