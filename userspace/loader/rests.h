/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was fetched around a range that a reader waits for, or before any reader does. To
 * verify it takes the processor longer than to fetch it, mostly. So the worker that has
 * fetched it leaves that to a thread of low priority, and takes the next range.
 *
 * A bounded number of bytes: if there are more, the oldest are not verified. They stay in
 * the cache (cache.h) for a reader that comes to want them.
 */
#ifndef LOADER_RESTS_H
#define LOADER_RESTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include "libincremental/incremental.h"

#define RESTS_BYTES	(4u << 20)

struct loaded;

/**
 * struct rest - a range that is not verified, and its bytes
 * @next: newer one
 * @range: whole chunks
 * @loaded: held for it
 * @mirror: where they came from
 * @have: offset in the image file of the first byte in @buffer
 * @have_end: offset after the last one; the extents in @range are here as a whole
 * @capacity: bytes allocated
 * @buffer: malloc()ed
 */
struct rest {
	struct rest *next;
	struct incr_range range;
	struct loaded *loaded;
	unsigned int mirror;
	u64 have;
	u64 have_end;
	size_t capacity;
	u8 *buffer;
};

/**
 * struct rests - a queue of them; fields are private
 * @bytes: allocated by those in the queue
 * @current: that the thread has; NULL: none
 */
struct rests {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct rest *first;
	struct rest *last;
	size_t bytes;
	const struct rest *current;
	bool stop;
};

void rests_init(struct rests *rests);
void rests_destroy(struct rests *rests);

/*
 * Add @rest. Return: one that has to go for it, which the caller frees and then calls again
 * with NULL, until there is none; NULL if there is none.
 */
struct rest *rests_add(struct rests *rests, struct rest *rest);

/* Wait for one. Until the next call it counts as there. Return: NULL after rests_stop(). */
struct rest *rests_take(struct rests *rests);

/* Is all of [start, end) there, and about to be verified? */
bool rests_have(struct rests *rests, u64 start, u64 end);

/* The thread wakes up. All that is there can be had by rests_add(NULL) then. */
void rests_stop(struct rests *rests);

#endif /* LOADER_RESTS_H */
