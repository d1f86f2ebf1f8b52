/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bytes of an HTTP origin are, if it has answered with a redirect. All
 * connections share that, so that a redirect is followed once and not for each
 * range.
 */
#ifndef ORIGIN_REDIRECT_H
#define ORIGIN_REDIRECT_H

#include <pthread.h>
#include <time.h>
#include "libincremental/incremental.h"
#include "origin/reply.h"

/* Seconds: a redirect that does not say how long it holds; and one that must not
 * be kept, or not for longer, is asked for again so soon, but not for each range. */
#define REDIRECT_SECONDS	3600u
#define REDIRECT_SECONDS_LEAST	30u
/* One connection asks again when it does not hold any more; others go on so long. */
#define REDIRECT_SECONDS_MORE	10u
#define REDIRECT_FOR_GOOD	UINT64_MAX

/**
 * struct redirect - what is known of it
 * @lock: protects all of this
 * @url: NULL: none is known
 * @until: it holds until then, CLOCK_BOOTTIME seconds
 * @version: goes up with each change of @url
 */
struct redirect {
	pthread_mutex_t lock;
	char *url;
	u64 until;
	unsigned int version;
};

void redirect_init(struct redirect *redirect);
void redirect_destroy(struct redirect *redirect);

/* CLOCK_BOOTTIME seconds: what signs a URL goes on while the machine sleeps. */
u64 redirect_clock(void);

/**
 * redirect_get - where to ask at @now
 * @url: set to the caller's copy, or NULL: ask the origin itself
 * @version: set to what redirect_forget() takes
 *
 * Return: 0 or -ENOMEM.
 */
int redirect_get(struct redirect *redirect, u64 now, char **url,
		 unsigned int *version);

/* It is @url, and holds for @seconds; failing to keep it costs a redirect. */
void redirect_keep(struct redirect *redirect, const char *url, u64 now,
		   u64 seconds);

/* What redirect_get() has told with @version is of no use. */
void redirect_forget(struct redirect *redirect, unsigned int version);

/**
 * redirect_seconds - how long a redirect holds
 * @wall: now, in seconds since 1970
 *
 * Return: seconds, at least REDIRECT_SECONDS_LEAST; REDIRECT_FOR_GOOD for one that
 * is permanent and says nothing else.
 */
u64 redirect_seconds(const struct reply *reply, time_t wall);

/*
 * May a redirect lead from one URL to another? https is not left for http, and
 * nothing else is followed. Return: 0 or -EPROTO.
 */
int redirect_check(const char *from, const char *to, struct incr_error *error);

#endif /* ORIGIN_REDIRECT_H */
