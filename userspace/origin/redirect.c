// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A redirect that is kept; see redirect.h.
 */
#include <stdlib.h>
#include <strings.h>
#include "origin/backend.h"
#include "origin/redirect.h"

void redirect_init(struct redirect *redirect)
{
	pthread_mutex_init(&redirect->lock, NULL);
}

void redirect_destroy(struct redirect *redirect)
{
	free(redirect->url);
	pthread_mutex_destroy(&redirect->lock);
}

u64 redirect_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (u64)now.tv_sec;
}

int redirect_get(struct redirect *redirect, u64 now, char **url,
		 unsigned int *version)
{
	int err = 0;

	*url = NULL;
	pthread_mutex_lock(&redirect->lock);
	*version = redirect->version;
	if (redirect->url && now >= redirect->until) {
		/* The caller asks; if that takes too long, another one does, too. */
		redirect->until = now + REDIRECT_SECONDS_MORE;
	} else if (redirect->url) {
		*url = strdup(redirect->url);
		err = *url ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&redirect->lock);
	return err;
}

void redirect_keep(struct redirect *redirect, const char *url, u64 now,
		   u64 seconds)
{
	char *copy = strdup(url);

	pthread_mutex_lock(&redirect->lock);
	free(redirect->url);
	redirect->url = copy;
	redirect->until = seconds < UINT64_MAX - now ? now + seconds :
						       UINT64_MAX;
	redirect->version++;
	pthread_mutex_unlock(&redirect->lock);
}

void redirect_forget(struct redirect *redirect, unsigned int version)
{
	pthread_mutex_lock(&redirect->lock);
	/* Another connection may know better by now. */
	if (redirect->version == version) {
		free(redirect->url);
		redirect->url = NULL;
		redirect->version++;
	}
	pthread_mutex_unlock(&redirect->lock);
}

/* What its headers say; REDIRECT_FOR_GOOD: nothing. */
static u64 seconds_said(const struct reply *reply, time_t wall)
{
	const struct freshness *fresh = &reply->fresh;
	time_t date = fresh->date > 0 ? fresh->date : wall;

	if (fresh->no_store)
		return 0;
	if (fresh->has_max_age)
		return fresh->max_age > fresh->age ?
		       fresh->max_age - fresh->age : 0;
	if (fresh->has_expires)
		return fresh->expires > date ? (u64)(fresh->expires - date) : 0;
	return REDIRECT_FOR_GOOD;
}

u64 redirect_seconds(const struct reply *reply, time_t wall)
{
	u64 seconds = seconds_said(reply, wall);

	if (seconds == REDIRECT_FOR_GOOD && reply->status != 301 &&
	    reply->status != 308)
		seconds = REDIRECT_SECONDS;
	return seconds < REDIRECT_SECONDS_LEAST ? REDIRECT_SECONDS_LEAST :
						  seconds;
}

int redirect_check(const char *from, const char *to, struct incr_error *error)
{
	size_t n = origin_scheme_length(to);

	if (!strncasecmp(to, "https:", 6))
		return 0;
	if (strncasecmp(to, "http:", 5))
		return incr_fail(error, -EPROTO,
				 "the server redirects to \"%.*s:\", which is not followed",
				 (int)(n > 32 ? 32 : n), to);
	if (!strncasecmp(from, "https:", 6))
		return incr_fail(error, -EPROTO,
				 "the server redirects from https to http, which is not followed");
	return 0;
}
