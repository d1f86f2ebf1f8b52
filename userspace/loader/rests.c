// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranges that are to be verified when there is time; see rests.h.
 */
#include "loader/rests.h"

void rests_init(struct rests *rests)
{
	*rests = (struct rests){ .first = NULL };
	pthread_mutex_init(&rests->lock, NULL);
	pthread_cond_init(&rests->wake, NULL);
}

void rests_destroy(struct rests *rests)
{
	pthread_cond_destroy(&rests->wake);
	pthread_mutex_destroy(&rests->lock);
}

static struct rest *pop(struct rests *rests)
{
	struct rest *rest = rests->first;

	if (!rest)
		return NULL;
	rests->first = rest->next;
	if (!rests->first)
		rests->last = NULL;
	rests->bytes -= rest->capacity;
	return rest;
}

struct rest *rests_add(struct rests *rests, struct rest *rest)
{
	struct rest *old = NULL;

	pthread_mutex_lock(&rests->lock);
	if (rest) {
		rest->next = NULL;
		*(rests->last ? &rests->last->next : &rests->first) = rest;
		rests->last = rest;
		rests->bytes += rest->capacity;
		pthread_cond_signal(&rests->wake);
	}
	if (rests->bytes > RESTS_BYTES || rests->stop)
		old = pop(rests);
	pthread_mutex_unlock(&rests->lock);
	return old;
}

struct rest *rests_take(struct rests *rests)
{
	struct rest *rest = NULL;

	pthread_mutex_lock(&rests->lock);
	rests->current = NULL;
	while (!rests->stop && !rests->first)
		pthread_cond_wait(&rests->wake, &rests->lock);
	if (!rests->stop)
		rest = pop(rests);
	rests->current = rest;
	pthread_mutex_unlock(&rests->lock);
	return rest;
}

static bool covers(const struct rest *rest, u64 start, u64 end)
{
	return rest->range.offset <= start &&
	       end <= rest->range.offset + rest->range.length;
}

bool rests_have(struct rests *rests, u64 start, u64 end)
{
	const struct rest *rest;
	bool found;

	pthread_mutex_lock(&rests->lock);
	found = rests->current && covers(rests->current, start, end);
	for (rest = rests->first; rest && !found; rest = rest->next)
		found = covers(rest, start, end);
	pthread_mutex_unlock(&rests->lock);
	return found;
}

void rests_stop(struct rests *rests)
{
	pthread_mutex_lock(&rests->lock);
	rests->stop = true;
	pthread_cond_broadcast(&rests->wake);
	pthread_mutex_unlock(&rests->lock);
}
