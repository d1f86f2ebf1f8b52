/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of a kind of origin; only for the sources in this directory.
 */
#ifndef ORIGIN_BACKEND_H
#define ORIGIN_BACKEND_H

#include <limits.h>
#include "origin/origin.h"
#include "origin/redirect.h"
#include "origin/reply.h"
#include "origin/url.h"
#include "origin/window.h"

struct origin_backend {
	int (*open)(struct origin *origin, const char *where,
		    struct incr_error *error);
	void (*close)(struct origin *origin);
	/* Both may be NULL: nothing to do. */
	int (*connect)(struct origin_connection *connection,
		       struct incr_error *error);
	void (*disconnect)(struct origin_connection *connection);
	int (*read)(struct origin_connection *connection, u64 offset,
		    size_t length, void *buffer, struct incr_error *error);
	int (*get)(struct origin_connection *connection, void *buffer,
		   size_t most, size_t *length, struct incr_error *error);
	bool remote;
};

/**
 * struct origin - see origin.h
 * @name: for messages; set by the backend's open, freed by origin_close()
 * @where: of an HTTP origin, with its secrets
 * @redirect: where that leads
 * @fd: of a file origin
 * @lock: protects the fields after it
 * @mark: of the version that is expected; empty: any will do
 * @changes: how often it was another one, each time soon after the last
 * @changed_at: when it last was, CLOCK_BOOTTIME seconds
 * @came_at: when bytes last came, over any connection, CLOCK_MONOTONIC nanoseconds; 0: never
 * @flowed: bytes that came soon after others, and @flowed_for: nanoseconds that this took;
 *	both are halved now and then
 */
struct origin {
	const struct origin_backend *backend;
	struct origin_options options;
	char *name;
	char *where;
	struct redirect redirect;
	int fd;
	_Atomic u64 size;
	pthread_mutex_t lock;
	struct mark mark;
	unsigned int changes;
	u64 changed_at;
	u64 came_at;
	u64 flowed;
	u64 flowed_for;
};

/**
 * struct origin_connection - one thread's
 * @handle: libcurl's, for the last request or the next
 * @share: libcurl's, which keeps the connections and TLS sessions of @handle and of those after it
 * @url: of an HTTP origin, as its list had it last
 * @version: of the secrets that were taken from files; NO_VERSION: none
 * @window: of an HTTP origin; see origin_window()
 */
struct origin_connection {
	struct origin *origin;
	void *handle;
	void *share;
	struct url url;
	unsigned int version;
	struct window window;
	bool hurry;
	void (*arrived)(void *context, size_t received);
	void *watcher;
	unsigned int retry_after;	/* seconds, as the last reply said */
	struct mark mark;		/* of the last reply */
	u64 delay;			/* see origin_delay() */
};

#define NO_VERSION	UINT_MAX

extern const struct origin_backend origin_file;
extern const struct origin_backend origin_http;

/* A copy of the version that is expected; false: any will do. */
bool origin_mark(struct origin *origin, struct mark *mark);

/* The server has another one than the version @expected. */
void origin_changed(struct origin *origin, const struct mark *expected);

/*
 * Bytes of a reply have come, over any of the connections. What comes after a longer pause than
 * @pause, in nanoseconds, tells nothing of the rate.
 */
void origin_flow(struct origin *origin, size_t bytes, u64 pause);

/* Bytes of a URL's scheme, without the colon; 0 if @where is a plain path. */
size_t origin_scheme_length(const char *where);

#endif /* ORIGIN_BACKEND_H */
