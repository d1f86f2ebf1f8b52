/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How jobs have ended, and when those that have failed are tried again.
 *
 * No worker waits for a range that could not be fetched: it is put aside with a
 * time, and the worker takes another.
 *
 * If no origin can be asked at all, one job that no reader waits for tries from time
 * to time, and the others wait for its result. When anything can be had again, all
 * go on at once.
 */
#ifndef LOADER_RESULTS_H
#define LOADER_RESULTS_H

#include "loader/queue.h"

/**
 * queue_arrived - bytes of a piece of the rest have come
 * @arrived: so many of it
 * @delay: nanoseconds from the request to the first of them; 0: not known
 * @yield: nanoseconds that it may stay unread in all, while readers wait
 *
 * Does not return as long as readers wait. Its share of the window may be another one then.
 */
void queue_arrived(struct queue *queue, struct job *job, u64 arrived, u64 delay,
		   u64 yield);

/*
 * The bytes of @job, which is one to fetch ahead, are in the cache, or could not be had: it is
 * handed out once more when all that verifies it has come. Otherwise as queue_done().
 */
void queue_came_ahead(struct queue *queue, struct job *job);

/*
 * @job is done, or given up for now; the caller has set its @fetched and @delay, and must
 * not use it any more.
 */
void queue_done(struct queue *queue, struct job *job, bool failed);

/**
 * queue_look_due - a job is done: is it time to look how far the image has come?
 *
 * Yes if no job runs or waits: that may have been the last one.
 * Else twice a second, as somebody may watch. Return: true: and the next half of a second begins.
 */
bool queue_look_due(struct queue *queue);

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

#endif /* LOADER_RESULTS_H */
