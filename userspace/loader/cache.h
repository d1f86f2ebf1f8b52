/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chunks that were fetched but not filled: the surroundings of a wanted range, and
 * the metadata needed to verify it. A bounded number; the least recently put or
 * taken goes first. Nothing in it has been verified.
 */
#ifndef LOADER_CACHE_H
#define LOADER_CACHE_H

#include <stdbool.h>
#include "libincremental/incremental.h"

struct cache;

/*
 * @bytes: the most, at least a chunk; they are reserved at once, and take memory as they are
 * used. Return: NULL: out of memory.
 */
struct cache *cache_create(u32 chunk, u64 bytes);
void cache_destroy(struct cache *cache);

/* Keep a copy of the chunk at @offset. */
void cache_put(struct cache *cache, u64 offset, const void *data);

/* Copy the chunk at @offset to @data, if it is there. */
bool cache_get(struct cache *cache, u64 offset, void *data);

void cache_drop(struct cache *cache, u64 offset, u64 length);
void cache_clear(struct cache *cache);

#endif /* LOADER_CACHE_H */
