/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jobs that wait for workers and those that workers have. This is what the units above
 * have in common: requests.h adds jobs, pieces.h cuts new ones of what no reader waits for,
 * choice.h hands out the next one, and results.h takes it back.
 *
 * No range is handed to two workers at a time, with one exception. A range that overlaps
 * one being fetched is held back until that one is done, and found present then. But a
 * demand, a hint or a range of the list overtakes pieces of the rest: it is asked for by itself, as
 * they may be long.
 */
#ifndef LOADER_QUEUE_H
#define LOADER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include "loader/job.h"
#include "loader/pace.h"
#include "node/device.h"

/* Milliseconds: the pause after a first failure, and the longest. */
#define PAUSE_FIRST	250u
#define PAUSE_MAX	8000u
/* Seconds: the pause after a first pass over the image that had failures. */
#define PASS_DELAY	8u
/* The most demands that workers have at a time: more would let one reader's go before all others'. */
#define DEMANDS_AT_ONCE	24u

/**
 * struct startup_work - where work on the start-up list is
 * @ranges, @count: the list
 * @metadata: so many of them, the first ones, are needed to verify the others
 * @at: the range that is cut into jobs now; @cursor: from there on
 * @proofs: jobs of the first @metadata whose bytes have not come yet
 * @proven: all of these have come, or have failed
 * @ahead: jobs whose bytes have come before that; @ahead_bytes: of these and of those that run
 * @jobs: of the list, but for those that were put aside
 * @may_cost: bytes that may still be fetched for it
 * @inside, @outside: demands since it came for what it has, and for what it has not
 * @late: demands since all of it has been fetched
 * @expected_until: the list is not there yet, but may come before then;
 *	CLOCK_MONOTONIC nanoseconds
 */
struct startup_work {
	const struct incr_range *ranges;
	size_t count;
	size_t metadata;
	size_t at;
	u64 cursor;
	size_t proofs;
	bool proven;
	struct job_list ahead;
	u64 ahead_bytes;
	size_t jobs;
	u64 may_cost;
	unsigned int inside;
	unsigned int outside;
	unsigned int late;
	u64 expected_until;
};

/**
 * struct queue - waiting and running jobs; fields are private
 * @waiting: jobs to be taken now, by priority; new background work has no job,
 *	but @cursor; nor has new work of the start-up list
 * @again: demands that were put aside and are due
 * @running: jobs that workers have
 * @aside: jobs that were put aside and are not due
 * @demands_max: the most demands that workers have, and the most that wait for them
 * @event: eventfd, which is written to when there is room again; -1: none
 * @full: there was none when queue_room() was called
 * @ranges: all demands, and all hints, for tsearch(): none overlaps another
 * @known: how many jobs there are of each priority
 * @demands: demands that were not put aside
 * @demand_at: when the last demand was added, CLOCK_MONOTONIC nanoseconds
 * @running_low: jobs in @running that no reader waits for; the others are demands
 * @low_max: the most of those, so that demand finds a worker
 * @background_max: the most pieces of the rest in @running, so that others do, too
 * @running_again: demands in @running that have failed before
 * @again_max: the most of those
 * @took_again: the last demand taken was one of those: now another's turn
 * @held_until: no job at all before then, CLOCK_MONOTONIC nanoseconds
 * @away: no origin could be asked: of jobs that no reader waits for one runs at a
 *	time, and none before @not_before
 * @away_pause: milliseconds, for the next time
 * @woken: a worker has been woken and has not looked for a job yet, or all have jobs
 * @next_look: a worker wakes up then, CLOCK_MONOTONIC nanoseconds; 0: none does
 * @cursor: background work continues here
 * @pass_failed: a background job of this pass over the image failed
 * @not_before: no new background work until then, likewise
 * @delay: seconds that the next failure adds
 * @pass_delay: seconds before the next pass, if this one fails
 * @pace: when pieces of the rest are begun, and how many
 * @looked_at: see queue_look_due(); CLOCK_MONOTONIC nanoseconds
 * @calm: no reader waits any more
 * @jitter: state of the pseudo-random numbers for pauses
 * @startup: the start-up list; see queue_startup()
 */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const struct device *device;
	u64 end;
	struct job_list waiting[PRIORITIES];
	struct job_list again;
	struct job_list running;
	struct job_heap aside;
	unsigned int demands_max;
	int event;
	bool full;
	void *ranges[PRIORITY_BACKGROUND];
	size_t known[PRIORITIES];
	size_t demands;
	u64 demand_at;
	unsigned int running_low;
	unsigned int low_max;
	unsigned int background_max;
	unsigned int running_again;
	unsigned int again_max;
	bool took_again;
	u64 held_until;
	bool away;
	unsigned int away_pause;
	bool woken;
	u64 next_look;
	bool background;
	bool finished;
	bool pass_failed;
	u64 cursor;
	u64 not_before;
	unsigned int delay;
	unsigned int pass_delay;
	struct pace pace;
	u64 looked_at;
	pthread_cond_t calm;
	u32 jitter;
	struct startup_work startup;
	bool stop;
};

/*
 * @end: bytes of the image to fetch; @workers: threads that call queue_take();
 * @event: see queue_room(); @background: fetch the rest of the image, too
 */
void queue_init(struct queue *queue, const struct device *device, u64 end,
		unsigned int workers, int event, bool background);

/* The image has become longer. */
void queue_grow(struct queue *queue, u64 end);

void queue_destroy(struct queue *queue);

/* Wake all workers that wait for a job, for good. */
void queue_stop(struct queue *queue);

/* ---- steps of the units above: @queue->lock is held ---- */

/* CLOCK_MONOTONIC, in nanoseconds. */
u64 queue_now(void);

/*
 * A worker looks for a job, unless one is about to. It wakes another one if there is more than it
 * takes. The caller holds the lock.
 */
void queue_wake(struct queue *queue);

/*
 * A job of a demand or a hint, which overlaps no other of its kind, waits for a worker. If
 * there are too many, or no memory, there is none: the kernel asks again.
 */
void queue_add_job(struct queue *queue, u64 start, u64 end,
		   enum priority priority, bool refetch);

/* The queue forgets @job, which is in none of its lists. */
void queue_forget(struct queue *queue, struct job *job);

/* The one that a job of @priority waits for. There are no more of those than workers. */
struct job *queue_find_running(const struct queue *queue, u64 start, u64 end,
			       enum priority priority);

/* A demand is done, or not wanted, or put aside. */
void queue_less_demand(struct queue *queue);

/* @job does not count any more as work that others yield to. */
void queue_less_work(struct queue *queue, const struct job *job);

/* Where @job waits for a worker. */
struct job_list *queue_list_of(struct queue *queue, const struct job *job);

#endif /* LOADER_QUEUE_H */
