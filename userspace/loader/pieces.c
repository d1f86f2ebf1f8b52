// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work that no reader waits for, in pieces; see pieces.h.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include "common/message.h"
#include "loader/jobs.h"
#include "loader/pieces.h"

/* Present bytes between two absent ranges that are cheaper fetched than
 * skipped by another request. */
#define GAP_MAX		(16u << 10)
/* The most of the start-up list at once: small, as several workers share its ranges. */
#define STARTUP_PIECE	(128u << 10)
/* The same of its metadata, which all data wait for: a new connection sends it in two round trips. */
#define PROOF_PIECE	(32u << 10)
/* Bytes of the list that are kept until they can be verified, at most. */
#define AHEAD_MAX	(4096u << 10)
/* Seconds, after a pass that had failures, at most if all of them were for good. */
#define PASS_DELAY_MAX	512u
/* Bytes that a start-up list may cost: so many times its own, and some. */
#define STARTUP_COST		3u
#define STARTUP_COST_LEAST	(1u << 20)
/* Demands that show whether the list is of what runs: so many outside of it, of so many. */
#define OUTSIDE_MIN		6u
#define JUDGED_MAX		64u
/* A list tells better than hints what will be read, if no more than one of so many is outside of it. */
#define OUTSIDE_OF		5u

/**
 * cut_job - make a job of the next absent bytes
 * @cursor: look from there on; set to where the next one begins
 * @end: and not further than this
 * @size: bytes of a piece at most
 *
 * Present gaps too small to matter are taken along. Return: NULL and *@cursor is
 * @end: there are none that no worker has; NULL else: no memory.
 */
static struct job *cut_job(struct queue *queue, u64 *cursor, u64 end, u64 size,
			   enum priority priority)
{
	u64 start, stop, next_start, next_end, limit;
	const struct job *running;
	struct job *job;

	while (*cursor < end) {
		if (device_next_missing(queue->device, *cursor, end, &start,
					&stop) <= 0) {
			*cursor = end;
			break;
		}
		/* Pieces end at multiples of their size: the next is whole. */
		limit = (start / size + 1) * size;
		if (limit > end)
			limit = end;
		while (stop < limit &&
		       device_next_missing(queue->device, stop, limit,
					   &next_start, &next_end) > 0 &&
		       next_start - stop <= GAP_MAX)
			stop = next_end;
		if (stop > limit)
			stop = limit;

		running = queue_find_running(queue, start, stop, priority);
		if (running && running->offset <= start) {
			*cursor = job_reach(running);
			continue;
		}
		if (running)
			stop = running->offset;
		job = calloc(1, sizeof(*job));
		if (!job)
			return NULL;
		job->offset = start;
		job->length = stop - start;
		job->priority = priority;
		queue->known[priority]++;
		*cursor = stop;
		return job;
	}
	*cursor = end;
	return NULL;
}

void queue_expect_startup(struct queue *queue, unsigned int milliseconds)
{
	pthread_mutex_lock(&queue->lock);
	queue->startup.expected_until = queue_now() + milliseconds * MILLI;
	pthread_mutex_unlock(&queue->lock);
}

/* They were foreseen before there was a list, which tells better. */
static void drop_hints(struct queue *queue)
{
	struct job *job, *next;

	for (job = queue->waiting[PRIORITY_HINT].first; job; job = next) {
		next = job->next;
		if (job->refetch)
			continue;
		job_list_remove(job);
		queue_forget(queue, job);
	}
}

void queue_startup(struct queue *queue, const struct incr_range *ranges,
		   size_t count, size_t metadata)
{
	size_t i;

	pthread_mutex_lock(&queue->lock);
	queue->startup = (struct startup_work){
		.ranges = ranges,
		.count = count,
		.metadata = metadata,
		.cursor = count ? ranges->offset : 0,
		.may_cost = STARTUP_COST_LEAST,
	};
	for (i = 0; i < count; i++)
		queue->startup.may_cost += STARTUP_COST * ranges[i].length;
	if (count)
		drop_hints(queue);
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

void queue_startup_fetched(struct queue *queue, u64 bytes)
{
	struct startup_work *work = &queue->startup;
	bool over;

	pthread_mutex_lock(&queue->lock);
	over = bytes > work->may_cost && work->at < work->count;
	work->may_cost -= bytes < work->may_cost ? bytes : work->may_cost;
	if (over)
		work->at = work->count;
	pthread_mutex_unlock(&queue->lock);
	if (over)
		message_warning("the rest of the start-up list is not fetched: it has cost %u times the bytes that it has",
				STARTUP_COST);
}

/* Few demands are judged, so it does not matter how long this takes. */
static bool is_listed(const struct startup_work *work, u64 offset)
{
	size_t i;

	for (i = 0; i < work->count; i++)
		if (offset >= work->ranges[i].offset &&
		    offset - work->ranges[i].offset < work->ranges[i].length)
			return true;
	return false;
}

bool queue_startup_judge(struct queue *queue, u64 offset)
{
	struct startup_work *work = &queue->startup;

	/* When all of it has been fetched, what is absent is not in it. */
	if (!queue_startup_left(queue)) {
		work->late++;
		return false;
	}
	if (work->at == work->count || work->inside + work->outside == JUDGED_MAX)
		return false;
	if (is_listed(work, offset))
		work->inside++;
	else
		work->outside++;
	if (work->outside < OUTSIDE_MIN || work->outside <= work->inside)
		return false;
	work->at = work->count;
	return true;
}

bool queue_startup_tells(struct queue *queue, const struct dm_incremental_request *request)
{
	const struct startup_work *work = &queue->startup;
	unsigned int outside;
	bool tells;

	pthread_mutex_lock(&queue->lock);
	outside = work->outside + work->late;
	tells = work->count && outside * OUTSIDE_OF <= work->inside + outside;
	if (tells && !(request->flags & DM_INCREMENTAL_REQUEST_HINT))
		tells = queue_startup_left(queue) && is_listed(work, request->offset);
	pthread_mutex_unlock(&queue->lock);
	return tells;
}

bool queue_startup_left(const struct queue *queue)
{
	const struct startup_work *work = &queue->startup;

	return work->jobs || work->at < work->count;
}

bool queue_startup_over(struct queue *queue)
{
	bool over;

	pthread_mutex_lock(&queue->lock);
	/* What cannot be had for now is not waited for. */
	over = (!queue_startup_left(queue) || queue->away) &&
	       queue_now() >= queue->startup.expected_until;
	pthread_mutex_unlock(&queue->lock);
	return over;
}

/* If all that verifies the list's ranges has come, those that came before it are to be verified. */
static void note_proven(struct queue *queue)
{
	struct startup_work *work = &queue->startup;
	struct job *job;

	if (work->at >= work->metadata && !work->proofs)
		work->proven = true;
	if (!work->proven)
		return;
	while ((job = work->ahead.first)) {
		job_list_remove(job);
		job_list_append(&queue->waiting[PRIORITY_STARTUP], job);
	}
}

/* The next piece in the list's order. */
struct job *queue_new_startup(struct queue *queue)
{
	struct startup_work *work = &queue->startup;

	note_proven(queue);
	/* Those that have come go first. */
	while (work->at < work->count && !queue->waiting[PRIORITY_STARTUP].first) {
		const struct incr_range *range = &work->ranges[work->at];
		bool proof = work->at < work->metadata;
		struct job *job;

		/* The bytes of others need not wait for it. */
		if (!proof && !work->proven && work->ahead_bytes >= AHEAD_MAX)
			return NULL;
		job = cut_job(queue, &work->cursor, range->offset + range->length,
			      proof ? PROOF_PIECE : STARTUP_PIECE, PRIORITY_STARTUP);
		if (job)
			work->jobs++;
		if (job && !work->proven) {
			job->ahead = true;
			job->proof = proof;
			work->proofs += proof;
			work->ahead_bytes += job->length;
		}
		if (job || work->cursor < range->offset + range->length)
			return job;
		if (++work->at < work->count)
			work->cursor = work->ranges[work->at].offset;
		note_proven(queue);
	}
	return NULL;
}

/* All of the image was walked: look for remaining gaps, but not at once. */
static void end_pass(struct queue *queue)
{
	u64 start, end;

	if (queue->running.count || queue->known[PRIORITY_BACKGROUND])
		return;
	if (!device_next_missing(queue->device, 0, queue->end, &start, &end)) {
		queue->finished = true;
		/* Others may have filled the last of it. */
		eventfd_write(queue->event, 1);
		return;
	}
	queue->cursor = 0;
	queue->not_before = queue_now() +
			    (queue->pass_failed ? queue->pass_delay : 1) * NANO;
	if (queue->pass_failed && queue->pass_delay < PASS_DELAY_MAX)
		queue->pass_delay *= 2;
	queue->pass_failed = false;
}

/* The next piece in file order. */
struct job *queue_new_background(struct queue *queue)
{
	struct job *job = cut_job(queue, &queue->cursor, queue->end,
				  pace_piece(&queue->pace, queue->end - queue->cursor),
				  PRIORITY_BACKGROUND);

	if (!job && queue->cursor == queue->end)
		end_pass(queue);
	return job;
}
