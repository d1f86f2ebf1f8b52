/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which range to fetch next: what somebody waits for, then what somebody may
 * want soon, then the rest of the image in file order.
 *
 * No range is handed to two workers at a time. A range that overlaps one being
 * fetched is held back until that one is done, and found present then.
 */
#ifndef LOADER_QUEUE_H
#define LOADER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include "device.h"

enum priority { PRIORITY_DEMAND, PRIORITY_HINT, PRIORITY_BACKGROUND };

/* The most that is fetched at once, before it is widened. */
#define PIECE_MAX	(512u << 10)

/**
 * struct job - a range for a worker
 * @next: in one of the queue's lists
 * @refetch: what was there was damaged: better use another origin
 * @part: of a job whose bytes were wrong somewhere, which has been said
 */
struct job {
	struct job *next;
	u64 offset;
	u64 length;
	enum priority priority;
	bool refetch;
	bool part;
};

struct job_list {
	struct job *first;
	struct job **last;
	size_t count;
};

/**
 * struct queue - what waits and what is being done; fields are private
 * @waiting: by priority; background work has no list, but @cursor
 * @blocked: overlap with a job in @running
 * @refetches: jobs in any list with @refetch set
 * @running_low: jobs in @running that nobody waits for
 * @low_max: how many of those there may be, so that demand finds a worker
 * @cursor: background work continues here
 * @pass_failed: a background job of this pass over the image failed
 * @not_before: no background work until then, CLOCK_MONOTONIC nanoseconds
 * @delay: seconds that the next failure adds
 */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const struct device *device;
	u64 end;
	struct job_list waiting[2];
	struct job_list blocked;
	struct job_list running;
	unsigned int refetches;
	unsigned int running_low;
	unsigned int low_max;
	unsigned int demands;
	bool background;
	bool finished;
	bool pass_failed;
	u64 cursor;
	u64 not_before;
	unsigned int delay;
	bool stop;
};

/* @end: bytes of the image; @workers: how many will take jobs */
void queue_init(struct queue *queue, const struct device *device, u64 end,
		unsigned int workers, bool background);

/* The image is longer now: background work goes on, to @end. */
void queue_grow(struct queue *queue, u64 end);

void queue_destroy(struct queue *queue);

/* Take up what the device asked for. */
void queue_add(struct queue *queue, const struct inc_request *request);

/* Wait for something to do; NULL: stop. */
struct job *queue_take(struct queue *queue);

/* @job is done, or failed for now; it is freed. */
void queue_done(struct queue *queue, struct job *job, bool failed);

/* Wake all who wait in queue_take() or queue_sleep() for good. */
void queue_stop(struct queue *queue);

/* Sleep, but not past queue_stop(). Return: false if stopped. */
bool queue_sleep(struct queue *queue, unsigned int milliseconds);

#endif /* LOADER_QUEUE_H */
