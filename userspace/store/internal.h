/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a store share.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include "store/store.h"

/*
 * A read of metadata is a page, and the next one is often beside it: so a short
 * read brings this much, and one that goes on where another ended twice as much as
 * that, up to the second. So many of these windows are kept.
 */
#define WINDOW		(32u << 10)
#define WINDOW_MAX	(512u << 10)
#define WINDOWS		64u

/**
 * struct window - bytes that were fetched
 * @used: when it was last looked at; 0: it is empty
 */
struct window {
	u64 offset;
	u64 length;
	u64 used;
	u8 *bytes;
};

/**
 * struct source - one of the origins
 * @idle: connections to it that nobody uses
 */
struct source {
	struct origin *origin;
	struct origin_connection **idle;
	size_t idle_count, idle_room;
};

/**
 * struct store - see store.h
 * @local: heads of the local file; NULL: there is none, all is absent
 * @fd: of that; -1: none
 * @bitmaps: of its segments; a bit that is set stays so
 * @sources: @source_count origins, none if all is local
 * @source: the one that is asked first
 * @patience: seconds that a failure which may pass is tried again
 * @filled: the image as fills are verified with; NULL: nothing is filled
 * @commit_lock: of store_commit()
 * @committed_at: when that last was, by store_now()
 * @unwritable: a fill could not be written, for this -errno
 * @lock: protects the fields after it, idle connections, and changes of @bitmaps
 * @dirty: for each segment the bytes of its bitmap that the file lacks
 * @flights: fills that others wait for
 * @landed: one of them has ended
 */
struct store {
	const char *path;
	struct incr_image *local;
	int fd;
	u8 **bitmaps;
	struct source sources[STORE_ORIGINS_MAX];
	unsigned int source_count;
	atomic_uint source;
	unsigned int patience;
	struct incr_image *filled;
	pthread_mutex_t commit_lock;
	_Atomic u64 committed_at;
	atomic_int unwritable;
	pthread_mutex_t lock;
	struct window windows[WINDOWS];
	u64 clock;
	struct incr_range *dirty;
	struct flight *flights;
	pthread_cond_t landed;
};

/*
 * presence.c: is byte @offset present? Sets how many bytes from there on, up to @most, are
 * as it is.
 */
bool store_present(struct store *store, u64 offset, u64 most, u64 *same);

/* Number of the segment of the local file that byte @offset is in. */
u32 store_segment(const struct store *store, u64 offset);

/* Read what the local file says. Return: 0 or -errno. */
int store_read_bitmaps(struct store *store, struct incr_error *error);

/* The origin that is asked first; NULL: there is none. */
static inline struct origin *store_origin(const struct store *store)
{
	return store->source_count ?
	       store->sources[atomic_load(&store->source)].origin : NULL;
}

/*
 * fetch.c: open an origin, asked when those before it fail; close all of them.
 */
int store_add_source(struct store *store, const char *where,
		     const struct origin_options *options,
		     struct incr_error *error);
void store_close_sources(struct store *store);

/*
 * Origin number @source has given wrong bytes: forget what is remembered, and ask the
 * next one first, if no other thread has changed that meanwhile.
 */
void store_leave_source(struct store *store, unsigned int source);

/*
 * Bytes of the origins, asked one after the other; when all fail, and a failure may
 * pass, they are asked again. Return: as origin_read() of the first that was asked.
 */
int store_fetch(struct store *store, u64 offset, size_t length, void *buffer,
		struct incr_error *error);

/* The same, by way of windows if it is short. */
int store_read_origin(struct store *store, u64 offset, size_t length,
		      u8 *buffer, struct incr_error *error);

/* Seconds of CLOCK_MONOTONIC. */
u64 store_now(void);

/* fill.c: read absent bytes, and fill what is around them. */
int store_fill(struct store *store, u64 offset, size_t length, u8 *buffer,
	       struct incr_error *error);

/* Lock the local file, and once it is open prepare to fill it. */
int store_fill_lock(struct store *store, struct incr_error *error);
int store_fill_start(struct store *store, struct incr_error *error);

/* Bytes that this thread has fetched, and that are being verified. */
bool store_at_hand(const struct store *store, u64 offset, size_t length,
		   void *buffer);

#endif /* STORE_INTERNAL_H */
