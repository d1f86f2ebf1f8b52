/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which range to fetch next: demands first, then the start-up list in its order,
 * then the kernel's hints, then the rest of the image in file order. The list and
 * the rest come in pieces.
 * Nothing of the rest is begun while any other is to be fetched, nor for some time after; and
 * never more of it than keeps the link busy (pace.h), so that a demand is not behind it.
 *
 * The kernel's readers take turns, but only with wants that no loader has read. So
 * the queue has room for as many demands as there are workers, each of which then
 * has another one to go on with, and the rest stays in the kernel until there is
 * room again (queue_room()).
 *
 * No range is handed to two workers at a time, with one exception. A range that overlaps
 * one being fetched is held back until that one is done, and found present then. But a
 * demand overtakes pieces of the rest: it is asked for by itself, as they may be long.
 *
 * If no origin can be asked at all, one job that no reader waits for tries from time
 * to time, and the others wait for its result. When anything can be had again, all
 * go on at once.
 *
 * An idle loader does not wake up: workers wait without a time, but for one of them
 * if there is something to do later.
 *
 * No worker waits for a range that could not be fetched: it is put aside with a
 * time, and the worker takes another. Half of the workers at most are at demands
 * that have failed before, so these do not hold up the others.
 *
 * A demand that has failed and is not wanted any more is dropped. The kernel asks
 * again every two seconds for wanted ranges, so a demand that it has not repeated
 * for WANTED_FOR counts as not wanted. If there was no room for so long that it
 * could not ask, it asks later, and the demand is a new one. Demands that have not
 * been tried are not dropped: they are few.
 */
#ifndef LOADER_QUEUE_H
#define LOADER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include "loader/job.h"
#include "loader/pace.h"
#include "node/device.h"

/* The most of a demand or a hint that is fetched at once, before it is widened. */
#define PIECE_MAX	(512u << 10)
/* The same of the start-up list: small, as several workers share its ranges. */
#define STARTUP_PIECE	(128u << 10)

/* Milliseconds: the pause after a first failure, and the longest. */
#define PAUSE_FIRST	250u
#define PAUSE_MAX	8000u

/**
 * struct startup_work - where work on the start-up list is
 * @ranges, @count: the list
 * @metadata: so many of them, the first ones, are needed to verify the others
 * @at: the range that is cut into jobs now; @cursor: from there on
 * @past: ranges after the first @metadata are, too
 * @jobs: of the list, but for those that were put aside
 * @may_cost: bytes that may still be fetched for it
 * @expected_until: the list is not there yet, but may come before then;
 *	CLOCK_MONOTONIC nanoseconds
 */
struct startup_work {
	const struct incr_range *ranges;
	size_t count;
	size_t metadata;
	size_t at;
	u64 cursor;
	bool past;
	size_t jobs;
	u64 may_cost;
	u64 expected_until;
};

/**
 * struct queue - waiting and running jobs; fields are private
 * @waiting: jobs to be taken now, by priority; new background work has no job,
 *	but @cursor; nor has new work of the start-up list
 * @again: demands that were put aside and are due
 * @running: jobs that workers have
 * @aside: jobs that were put aside and are not due
 * @workers: threads that call queue_take(), and the most jobs that wait for them
 * @event: eventfd, which is written to when there is room again; -1: none
 * @full: there was none when queue_room() was called
 * @ranges: all demands, and all hints, for tsearch(): none overlaps another
 * @known: how many jobs there are of each priority
 * @demands: demands that were not put aside
 * @demand_at: when the last demand was added, CLOCK_MONOTONIC nanoseconds
 * @running_low: jobs in @running that no reader waits for
 * @low_max: the most of those, so that demand finds a worker
 * @background_max: the most pieces of the rest in @running, so that hints do, too
 * @running_again: demands in @running that have failed before
 * @again_max: the most of those
 * @took_again: the last demand taken was one of those: now another's turn
 * @held_until: no job at all before then, CLOCK_MONOTONIC nanoseconds
 * @away: no origin could be asked: of jobs that no reader waits for one runs at a
 *	time, and none before @not_before
 * @away_pause: milliseconds, for the next time
 * @next_look: a worker wakes up then, CLOCK_MONOTONIC nanoseconds; 0: none does
 * @cursor: background work continues here
 * @pass_failed: a background job of this pass over the image failed
 * @not_before: no new background work until then, likewise
 * @delay: seconds that the next failure adds
 * @pass_delay: seconds before the next pass, if this one fails
 * @pace: when pieces of the rest are begun, and how many
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
	unsigned int workers;
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
	u64 next_look;
	bool background;
	bool finished;
	bool pass_failed;
	u64 cursor;
	u64 not_before;
	unsigned int delay;
	unsigned int pass_delay;
	struct pace pace;
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

/*
 * A list may come: nothing of the background starts before queue_startup(), or for
 * so many milliseconds.
 */
void queue_expect_startup(struct queue *queue, unsigned int milliseconds);

/**
 * queue_startup - fetch the ranges of a start-up list
 * @ranges: whole chunks inside the image, in the order in which to fetch them;
 *	the caller's, kept until queue_destroy()
 * @count: of @ranges; 0: there is no list
 * @metadata: ranges after the first so many are fetched when those are there, or
 *	have failed: they are verified with them
 *
 * To be called once, or again after a call without a list. Present chunks are
 * passed over. No background work starts as long as any of the list is left that
 * has not failed.
 */
void queue_startup(struct queue *queue, const struct incr_range *ranges,
		   size_t count, size_t metadata);

/*
 * So many bytes were fetched for a job of the list. Those at the edges of a range are
 * fetched in vain. A hostile list can have many edges: if it costs several times what it
 * has, the rest of it is left out.
 */
void queue_startup_fetched(struct queue *queue, u64 bytes);

/* Is nothing of the list left, or only what has failed and is tried again? */
bool queue_startup_over(struct queue *queue);

/* The image has become longer. */
void queue_grow(struct queue *queue, u64 end);

void queue_destroy(struct queue *queue);

/**
 * queue_room - how many requests to read from the kernel
 *
 * Only demands that wait for a worker take room: not those put aside, nor those
 * held back by a range that is being fetched. If the answer is 0, @event is
 * written to as soon as there is room again.
 */
size_t queue_room(struct queue *queue);

/* Take a request of the kernel, whether there is room or not. */
void queue_add(struct queue *queue, const struct dm_incremental_request *request);

/* Wait for something to do; NULL: stop. @event is written to when all is present. */
struct job *queue_take(struct queue *queue);

/*
 * @job is done, or given up for now; the caller has set its @fetched and @delay, and must
 * not use it any more.
 */
void queue_done(struct queue *queue, struct job *job, bool failed);

/**
 * queue_put_off - @job has failed, but may work later
 * @least: milliseconds to wait at least
 * @kept: its bytes are in the cache
 *
 * It is taken again after a pause that grows each time, with some jitter, or
 * @least if that is longer, unless it is not wanted any more by then. The caller
 * must not use it any more.
 */
void queue_put_off(struct queue *queue, struct job *job, unsigned int least,
		   bool kept);

/*
 * @job has failed because no origin can be asked now, or for @least milliseconds:
 * others need not try before. Otherwise as queue_put_off(); one that no reader waits
 * for stays the first of its kind.
 */
void queue_away(struct queue *queue, struct job *job, unsigned int least);

/* Nothing can be done for so many milliseconds: hand out no job. */
void queue_hold(struct queue *queue, unsigned int milliseconds);

/* The cause of failures is over: jobs that were put off need not wait any more. */
void queue_resume(struct queue *queue);

/* Wake all callers of queue_take(), for good. */
void queue_stop(struct queue *queue);

#endif /* LOADER_QUEUE_H */
