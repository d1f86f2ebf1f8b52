// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bounded cache of metadata pages, by their place in the file.
 *
 * A page is kept with its own digest, not with the word "verified": one page
 * may stand for several pages of the tree, each with its own parent, and each
 * user of it compares the digest with the expected one.
 */
#include <pthread.h>
#include <stdlib.h>
#include "libincremental/internal.h"

#define SETS	128
#define WAYS	8

struct way {
	u64 file_page;
	u64 used;		/* 0: empty */
	u8 digest[INC_SHA256_SIZE];
	u8 *page;
};

struct set {
	pthread_mutex_t lock;
	u64 clock;
	struct way ways[WAYS];
};

struct inc_cache {
	struct set sets[SETS];
};

struct inc_cache *incr_cache_new(void)
{
	struct inc_cache *cache = calloc(1, sizeof(*cache));
	int i;

	for (i = 0; cache && i < SETS; i++)
		pthread_mutex_init(&cache->sets[i].lock, NULL);
	return cache;
}

void incr_cache_free(struct inc_cache *cache)
{
	int i, j;

	if (!cache)
		return;
	for (i = 0; i < SETS; i++) {
		for (j = 0; j < WAYS; j++)
			free(cache->sets[i].ways[j].page);
		pthread_mutex_destroy(&cache->sets[i].lock);
	}
	free(cache);
}

static struct set *set_of(struct inc_cache *cache, u64 file_page)
{
	return &cache->sets[file_page % SETS];
}

/* The way that holds @file_page, else the one to evict. */
static struct way *way_of(struct set *set, u64 file_page)
{
	struct way *oldest = &set->ways[0];
	int i;

	for (i = 0; i < WAYS; i++) {
		struct way *way = &set->ways[i];

		if (way->used && way->file_page == file_page)
			return way;
		if (way->used < oldest->used)
			oldest = way;
	}
	return oldest;
}

static bool holds(const struct way *way, u64 file_page)
{
	return way->used && way->file_page == file_page;
}

/* Return: whether the page was there. */
bool incr_cache_get(struct inc_cache *cache, u64 file_page, void *page,
		    u8 *digest)
{
	struct set *set = set_of(cache, file_page);
	struct way *way;
	bool found;

	pthread_mutex_lock(&set->lock);
	way = way_of(set, file_page);
	found = holds(way, file_page);
	if (found) {
		way->used = ++set->clock;
		memcpy(page, way->page, INC_PAGE_SIZE);
		memcpy(digest, way->digest, sizeof(way->digest));
	}
	pthread_mutex_unlock(&set->lock);
	return found;
}

/* Without memory, no caching. */
void incr_cache_put(struct inc_cache *cache, u64 file_page, const void *page,
		    const u8 *digest)
{
	struct set *set = set_of(cache, file_page);
	struct way *way;

	pthread_mutex_lock(&set->lock);
	way = way_of(set, file_page);
	if (!way->page)
		way->page = malloc(INC_PAGE_SIZE);
	if (way->page) {
		memcpy(way->page, page, INC_PAGE_SIZE);
		memcpy(way->digest, digest, sizeof(way->digest));
		way->file_page = file_page;
		way->used = ++set->clock;
	}
	pthread_mutex_unlock(&set->lock);
}

void incr_cache_drop(struct inc_cache *cache, u64 file_page)
{
	struct set *set = set_of(cache, file_page);
	struct way *way;

	pthread_mutex_lock(&set->lock);
	way = way_of(set, file_page);
	if (holds(way, file_page))
		way->used = 0;
	pthread_mutex_unlock(&set->lock);
}
