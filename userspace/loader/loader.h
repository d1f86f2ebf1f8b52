/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads of a loader, and the data that they share.
 */
#ifndef LOADER_H
#define LOADER_H

#include <sys/eventfd.h>
#include "loader/cache.h"
#include "loader/mirrors.h"
#include "loader/places.h"
#include "loader/queue.h"
#include "loader/rests.h"
#include "loader/runs.h"
#include "loader/stats.h"
#include "node/device.h"

#define JOBS_DEFAULT	64
#define JOBS_MAX	256
/* Nanoseconds that a piece of the rest may stay unread, for each second of --timeout; at most. */
#define YIELD_PER_S	500000000ull
#define YIELD_MAX	10000000000ull
/* A worker that has nothing to do has a buffer of so much at most. */
#define BUFFER_KEPT	(512u << 10)
#define RETRY_DEFAULT	5
#define RETRY_MAX	1000

/**
 * struct loaded - an image, opened through the device and, where that has holes,
 * the origins
 * @users: threads that work with it, and the loader (loader->image_lock)
 */
struct loaded {
	struct incr_image *image;
	unsigned int users;
};

/**
 * struct loader - everything about one device
 * @pool: connections for jobs that start now
 * @loaded: the image for jobs that start now; set by the main thread alone
 * @rests: fetched, and to be verified when there is time
 * @runs, @places: what is foreseen from; the main thread's
 * @mounting: only what is read is fetched, and no file is read yet, as far as is known; main's
 * @mount_waits: reads that have waited meanwhile; main's
 * @stop: makes fetches give up; set along with queue_stop()
 * @gone: the device is gone, or cannot be filled: nothing is left to do
 * @gone_error: why, 0 if it was just closed
 * @event: eventfd: something happened that the main thread looks after
 * @full: fills fail for want of room, or so it seems
 * @broken: fills that have failed with an I/O error since one worked
 * @retry: rounds over all mirrors after the first
 * @yield: nanoseconds that a piece of the rest may stay unread while readers wait: a reply
 *	that stalls for much longer is taken for dead, by the server and by us
 */
struct loader {
	struct device device;
	pthread_mutex_t image_lock;
	struct loaded *loaded;
	struct mirrors mirrors;
	struct pool pool;
	struct cache *cache;
	struct queue queue;
	struct rests rests;
	struct runs runs;
	struct places places;
	bool mounting;
	unsigned int mount_waits;
	struct stats stats;
	atomic_bool stop;
	atomic_bool gone;
	atomic_int gone_error;
	struct outage full;
	atomic_uint broken;
	int event;
	unsigned int retry;
	u64 yield;
};

/* Wake the main thread. */
static inline void loader_wake_main(struct loader *loader)
{
	/* EAGAIN: it has been woken already. */
	eventfd_write(loader->event, 1);
}

/* image.c: @loaded has one user more, or one less. */
struct loaded *loaded_hold(struct loader *loader);
void loaded_drop(struct loader *loader, struct loaded *loaded);

/**
 * image_open - open the image as the device has it now
 * @generation: to load; INCR_NEWEST: the newest that the device has open
 * @root, @root_size: trust this root digest, too; @root_size 0: none
 *
 * It takes the place of the one that is open, if any, which must be a part of
 * it. The calling thread is a worker, and the only one to call this. Return: 0
 * or -errno: then nothing has changed; -ERR_USAGE if @root is not of its hash.
 */
int image_open(struct loader *loader, u32 generation, const u8 *root,
	       size_t root_size, struct incr_error *error);

/**
 * struct worker - one thread that fetches, and its bytes
 * @loaded: held for the job that it does
 * @connections: of the pool, for the job that it does; the main thread's are its own
 * @piece: its job, if that is a piece of the rest; NULL: it is not
 * @mirror: where it fetches from now
 * @only_mirror: take nothing from elsewhere, to know whose fault it is
 * @refetch: take nothing that was fetched before
 * @kept: bytes that were right, but could not be filled, are in the cache
 * @useless: an origin that has the image had no reply of use
 * @pause: milliseconds before its job may work
 * @nested_error: a fetch from within libincremental failed so, or 0
 * @wide: what is fetched: the range that is filled at once, and around it what is left
 *	to @loader->rests
 * @buffer: bytes of the image file, from @have on
 * @capacity: bytes allocated
 * @have: offset of the first byte in @buffer
 * @have_end: offset after the last one; equal to @have for nothing
 * @arriving: the range of the job that bytes are arriving for
 * @from: of the first byte in @buffer
 * @fetching: of the first one that arrives
 * @streamed: all of @arriving before this offset is filled
 * @stream_at: the next part of it is tried when bytes have come up to here
 * @stream_step: bytes from one try to the next
 * @stream_need: when bytes have come up to here all of @arriving can be verified
 * @stream_lag: bytes of the longest extent: the last of what has come may be parts of some
 * @stream_late: no reader waits for them
 * @streaming: that is being done: nothing can be fetched meanwhile
 * @extra: chunks that libincremental had us fetch, and that are still absent
 * @filling_extras: that is being done: they are to bring no others along
 */
struct worker {
	struct loader *loader;
	pthread_t thread;
	struct connections connections;
	struct loaded *loaded;
	struct job *piece;
	unsigned int mirror;
	bool only_mirror;
	bool refetch;
	bool kept;
	bool useless;
	unsigned int pause;
	int nested_error;
	struct incr_range wide;
	u8 *buffer;
	size_t capacity;
	u64 have;
	u64 have_end;
	struct incr_range arriving;
	u64 from;
	u64 fetching;
	u64 streamed;
	u64 stream_at;
	u64 stream_step;
	u64 stream_need;
	u64 stream_lag;
	bool stream_late;
	bool streaming;
	struct incr_range extra[16];
	unsigned int extras;
	bool filling_extras;
};

void worker_init(struct worker *worker, struct loader *loader);
void worker_destroy(struct worker *worker);
int worker_start(struct worker *worker);

/* The same for the thread of loader->rests, which others go before. */
int worker_start_rests(struct worker *worker);

/* The calling thread works as @worker: images read through it. */
void worker_become(struct worker *worker);

/* An incr_io of the loader; only threads that are workers may use it. */
int loader_read(void *loader, u64 offset, size_t length, void *buffer,
		struct incr_error *error);

/* fetch.c: get a range verified into the buffer, and fill it. */
enum outcome {
	OUTCOME_FILLED,
	OUTCOME_MISSING,	/* no origin has it, for good */
	OUTCOME_WRONG,		/* some origin has it, but with wrong bytes */
	OUTCOME_LATER,		/* it may work after @pause */
	OUTCOME_AWAY,		/* likewise, and nothing else works before */
	OUTCOME_STOPPED,
};
enum outcome worker_fetch(struct worker *worker, const struct job *job);

/* Have the bytes of @job in the cache, if they can be had at once; nothing is verified. */
void worker_fetch_ahead(struct worker *worker, const struct job *job);

/* Verify and fill @rest, and free it. A failure is harmless: its bytes are fetched again. */
void worker_fill_rest(struct worker *worker, struct rest *rest);
void worker_free_rest(struct worker *worker, struct rest *rest);

#endif /* LOADER_H */
