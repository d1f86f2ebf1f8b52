/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log line that thousands of requests can cause is written now and then.
 */
#ifndef LOADER_RATELIMIT_H
#define LOADER_RATELIMIT_H

#include <pthread.h>
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

#endif /* LOADER_RATELIMIT_H */
