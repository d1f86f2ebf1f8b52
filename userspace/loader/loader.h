/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the threads of a loader share, and the threads.
 */
#ifndef LOADER_H
#define LOADER_H

#include "cache.h"
#include "device.h"
#include "mirrors.h"
#include "queue.h"
#include "stats.h"

#define JOBS_DEFAULT	8
#define JOBS_MAX	64
#define RETRY_DEFAULT	5
#define RETRY_MAX	1000

/**
 * struct loader - everything about one device
 * @image: opened through the device and, where that has holes, the origins
 * @stop: makes fetches give up; set along with queue_stop()
 * @gone: the device is gone, or cannot be filled: nothing is left to do
 * @gone_error: why, 0 if it was just closed
 * @event: eventfd: something happened that the main thread looks after
 * @full: fills fail for want of room, or so it seems
 * @retry: rounds over all mirrors after the first
 */
struct loader {
	struct device device;
	struct inc_image *image;
	struct mirrors mirrors;
	struct cache *cache;
	struct queue queue;
	struct stats stats;
	atomic_bool stop;
	atomic_bool gone;
	atomic_int gone_error;
	struct outage full;
	int event;
	unsigned int retry;
};

/* Wake the main thread. */
void loader_wake_main(struct loader *loader);

/**
 * struct worker - one thread that fetches, and what it has in hand
 * @mirror: where it fetches from now
 * @only_mirror: take nothing from elsewhere, to know whose fault it is
 * @refetch: take nothing that was fetched before
 * @nested_error: a fetch from within libincremental failed so, or 0
 * @buffer: bytes of the image file, from @have on
 * @capacity: bytes allocated
 * @have: offset of the first byte in @buffer
 * @have_end: offset after the last one; equal to @have for nothing
 * @extra: chunks that libincremental had us fetch, and that are still absent
 */
struct worker {
	struct loader *loader;
	pthread_t thread;
	struct connections connections;
	unsigned int mirror;
	bool only_mirror;
	bool refetch;
	int nested_error;
	u8 *buffer;
	size_t capacity;
	u64 have;
	u64 have_end;
	struct inc_range extra[16];
	unsigned int extras;
};

void worker_init(struct worker *worker, struct loader *loader);
void worker_destroy(struct worker *worker);
int worker_start(struct worker *worker);

/* The calling thread works as @worker: images read through it. */
void worker_become(struct worker *worker);

/* An inc_io of the loader; only threads that are workers may use it. */
int loader_read(void *loader, u64 offset, size_t length, void *buffer,
		struct inc_error *error);

/* fetch.c: get a range verified into the buffer, and fill it. */
enum outcome {
	OUTCOME_FILLED,
	OUTCOME_MISSING,	/* no origin has it, for good */
	OUTCOME_WRONG,		/* some origin has it, but with wrong bytes */
	OUTCOME_LATER,		/* an origin may have it later */
	OUTCOME_STOPPED,
};
enum outcome worker_fetch(struct worker *worker, const struct job *job);

#endif /* LOADER_H */
