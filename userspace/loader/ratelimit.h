/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log line that thousands of requests can cause is written now and then.
 */
#ifndef LOADER_RATELIMIT_H
#define LOADER_RATELIMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define RATELIMIT_INTERVAL	10	/* seconds */
#define RATELIMIT_BURST		10

struct ratelimit {
	pthread_mutex_t lock;
	time_t since;
	unsigned int used;
	unsigned int dropped;
};

#define RATELIMIT_INIT	{ .lock = PTHREAD_MUTEX_INITIALIZER }

/* May one more line be written? @dropped: how many were not, since then. */
static inline bool ratelimit_ok(struct ratelimit *limit, unsigned int *dropped)
{
	struct timespec now;
	bool ok;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&limit->lock);
	*dropped = 0;
	if (!limit->used || now.tv_sec - limit->since >= RATELIMIT_INTERVAL) {
		*dropped = limit->dropped;
		limit->since = now.tv_sec;
		limit->used = 0;
		limit->dropped = 0;
	}
	ok = limit->used < RATELIMIT_BURST;
	if (ok)
		limit->used++;
	else
		limit->dropped++;
	pthread_mutex_unlock(&limit->lock);
	return ok;
}

/**
 * struct outage - something that fails and works again, maybe all the time
 * @said: its beginning was said, so its end will be
 * @said_at: when, CLOCK_MONOTONIC seconds; 0: never
 */
struct outage {
	atomic_bool said;
	_Atomic time_t said_at;
};

/* It fails: should that be said? Failures that are left out now come later. */
static inline bool outage_begins(struct outage *outage)
{
	time_t last = atomic_load(&outage->said_at);
	struct timespec now;

	if (atomic_load(&outage->said))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (last && now.tv_sec - last < RATELIMIT_INTERVAL)
		return false;
	/* Of several threads one says it. */
	if (!atomic_compare_exchange_strong(&outage->said_at, &last,
					    now.tv_sec + !now.tv_sec))
		return false;
	return !atomic_exchange(&outage->said, true);
}

/* It works: should that be said? */
static inline bool outage_ends(struct outage *outage)
{
	return atomic_load(&outage->said) &&
	       atomic_exchange(&outage->said, false);
}

#endif /* LOADER_RATELIMIT_H */
