// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chunks that were fetched but not filled; see cache.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include "loader/cache.h"

#define BUCKETS	4096u

/* In a bucket's list and, at the same time, in the list by age; or in that of free ones. */
struct entry {
	struct entry *next;
	struct entry *older, *newer;
	u64 offset;
};

/*
 * The chunks are in one area, as those that are allocated by themselves make the allocator
 * ask the kernel for a few pages again and again. Memory that has not been used is just reserved.
 */
struct cache {
	pthread_mutex_t lock;
	u32 chunk;
	size_t most, count;
	size_t used;		/* entries that have ever been */
	struct entry *entries;
	u8 *data;		/* of entry after entry */
	struct entry *free;
	struct entry *oldest, *newest;
	struct entry *bucket[BUCKETS];
};

struct cache *cache_create(u32 chunk, u64 bytes)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	pthread_mutex_init(&cache->lock, NULL);
	cache->chunk = chunk;
	cache->most = (size_t)(bytes / chunk);
	cache->entries = calloc(cache->most, sizeof(*cache->entries));
	cache->data = malloc(cache->most * chunk);
	if (!cache->entries || !cache->data) {
		cache_destroy(cache);
		return NULL;
	}
	return cache;
}

static u8 *data_of(const struct cache *cache, const struct entry *entry)
{
	return cache->data + (size_t)(entry - cache->entries) * cache->chunk;
}

static struct entry **find(struct cache *cache, u64 offset)
{
	struct entry **at = &cache->bucket[offset / cache->chunk % BUCKETS];

	while (*at && (*at)->offset != offset)
		at = &(*at)->next;
	return at;
}

static void unlink_age(struct cache *cache, struct entry *entry)
{
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
}

static void link_newest(struct cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

static void drop(struct cache *cache, struct entry **at)
{
	struct entry *entry = *at;

	if (!entry)
		return;
	*at = entry->next;
	unlink_age(cache, entry);
	entry->next = cache->free;
	cache->free = entry;
	cache->count--;
}

/* There are fewer than the most. */
static struct entry *new_entry(struct cache *cache)
{
	struct entry *entry = cache->free;

	cache->count++;
	if (!entry)
		return &cache->entries[cache->used++];
	cache->free = entry->next;
	return entry;
}

void cache_put(struct cache *cache, u64 offset, const void *data)
{
	struct entry *entry, **at;

	pthread_mutex_lock(&cache->lock);
	at = find(cache, offset);
	entry = *at;
	if (entry) {
		unlink_age(cache, entry);
	} else {
		if (cache->count >= cache->most) {
			drop(cache, find(cache, cache->oldest->offset));
			/* The one before @at may be gone now. */
			at = find(cache, offset);
		}
		entry = new_entry(cache);
		entry->offset = offset;
		entry->next = NULL;
		*at = entry;
	}
	memcpy(data_of(cache, entry), data, cache->chunk);
	link_newest(cache, entry);
	pthread_mutex_unlock(&cache->lock);
}

bool cache_get(struct cache *cache, u64 offset, void *data)
{
	struct entry *entry;

	pthread_mutex_lock(&cache->lock);
	entry = *find(cache, offset);
	if (entry) {
		memcpy(data, data_of(cache, entry), cache->chunk);
		unlink_age(cache, entry);
		link_newest(cache, entry);
	}
	pthread_mutex_unlock(&cache->lock);
	return entry;
}

void cache_drop(struct cache *cache, u64 offset, u64 length)
{
	u64 end = offset + length;

	pthread_mutex_lock(&cache->lock);
	for (; offset < end && cache->count; offset += cache->chunk)
		drop(cache, find(cache, offset));
	pthread_mutex_unlock(&cache->lock);
}

void cache_clear(struct cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	while (cache->oldest)
		drop(cache, find(cache, cache->oldest->offset));
	pthread_mutex_unlock(&cache->lock);
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;
	free(cache->entries);
	free(cache->data);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}
