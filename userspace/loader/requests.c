// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel asks for; see requests.h.
 */
#include "common/message.h"
#include "loader/jobs.h"
#include "loader/pieces.h"
#include "loader/requests.h"

/* The most of a demand or a hint that is fetched at once, before it is widened. */
#define PIECE_MAX	(512u << 10)

static void set_refetch(struct job *job)
{
	if (!job->running)
		job->refetch = true;
	else if (!job->refetch)
		job->anew = job->anew_refetch = true;
}

/*
 * Jobs of both kinds that share bytes share the mark that the bytes were damaged:
 * the first of them to be taken must have it. The kernel may send a later demand
 * without the mark, or a marked one after jobs from a time when the bytes were
 * absent for another reason. Return: were bytes of [start, end) damaged?
 */
static bool share_refetch(struct queue *queue, u64 start, u64 end, bool refetch)
{
	enum priority kind;

	for (kind = PRIORITY_DEMAND; kind <= PRIORITY_HINT; kind++) {
		u64 from = start;
		struct job *job;

		while ((job = job_ranges_first(&queue->ranges[kind], from, end))) {
			if (refetch)
				set_refetch(job);
			else if (job->refetch && !job->running)
				return share_refetch(queue, start, end, true);
			from = job_end(job);
		}
	}
	return refetch;
}

/*
 * Readahead comes before the read that has caused it. Its hint waits a moment for that,
 * which then has the first turn: take the range out of hints.
 */
static void cut_hints(struct queue *queue, u64 start, u64 end)
{
	u64 from = start, first, last;
	struct job *job;

	while ((job = job_ranges_first(&queue->ranges[PRIORITY_HINT], from, end))) {
		first = job->offset;
		last = from = job_end(job);
		if (job->list != &queue->waiting[PRIORITY_HINT] || job->refetch)
			continue;
		job_list_remove(job);
		queue_forget(queue, job);
		/* A reader goes on rather than back. */
		if (last > end)
			queue_add_job(queue, end, last, PRIORITY_HINT, false);
		if (first < start)
			queue_add_job(queue, first, start, PRIORITY_HINT, false);
	}
}

/* @job is wanted, by @request. */
static void want_job(struct job *job, const struct dm_incremental_request *request)
{
	job->wanted_at = queue_now();
	/*
	 * The kernel asks again for a range that takes us long. But if it asks
	 * for the first time while the range is being fetched, it may have made
	 * absent the bytes that have just been filled.
	 */
	if (job->running && !(request->flags & DM_INCREMENTAL_REQUEST_AGAIN))
		job->anew = true;
}

static void add_piece(struct queue *queue, const struct dm_incremental_request *request,
		      u64 start, u64 end)
{
	enum priority priority = request->flags & DM_INCREMENTAL_REQUEST_HINT ?
				 PRIORITY_HINT : PRIORITY_DEMAND;
	bool refetch = share_refetch(queue, start, end,
				     request->flags & DM_INCREMENTAL_REQUEST_REFETCH);

	while (start < end) {
		struct job *job = job_ranges_first(&queue->ranges[priority],
						   start, end);
		u64 until = job ? job->offset : end;

		if (start < until && priority == PRIORITY_DEMAND)
			cut_hints(queue, start, until);
		if (start < until)
			queue_add_job(queue, start, until, priority, refetch);
		if (!job)
			break;
		want_job(job, request);
		start = job_end(job);
	}
}

void queue_add(struct queue *queue, const struct dm_incremental_request *request)
{
	u64 offset = request->offset, end;
	u32 chunk = queue->device->chunk;
	bool given_up = false;

	if (offset >= queue->end || offset % chunk || request->length % chunk)
		return;
	end = request->length < queue->end - offset ?
	      offset + request->length : queue->end;

	pthread_mutex_lock(&queue->lock);
	/* Something is missing again that background work has passed. */
	if (request->flags & DM_INCREMENTAL_REQUEST_REFETCH)
		queue->finished = false;
	if (!(request->flags & (DM_INCREMENTAL_REQUEST_HINT | DM_INCREMENTAL_REQUEST_AGAIN)))
		given_up = queue_startup_judge(queue, offset);
	while (offset < end) {
		u64 length = end - offset < PIECE_MAX ? end - offset : PIECE_MAX;

		add_piece(queue, request, offset, offset + length);
		offset += length;
	}
	queue_wake(queue);
	pthread_mutex_unlock(&queue->lock);
	if (given_up)
		message_info("the rest of the start-up list is not fetched now: most of what is read is not in it");
}

u64 queue_hinted(struct queue *queue, u64 start, u64 end)
{
	void *const *hints = &queue->ranges[PRIORITY_HINT];
	u32 chunk = queue->device->chunk;
	u64 at = start, reach = 0;
	const struct job *job;

	pthread_mutex_lock(&queue->lock);
	if (start >= chunk && job_ranges_find(hints, start - chunk, start))
		reach = end;
	while ((job = job_ranges_first(hints, at, (at > end ? at : end) + 1))) {
		at = job_end(job);
		reach = at > end ? at : end;
	}
	pthread_mutex_unlock(&queue->lock);
	return reach;
}

u64 queue_around(struct queue *queue)
{
	u64 around;

	pthread_mutex_lock(&queue->lock);
	around = pace_around(&queue->pace);
	if (!queue->background && around > PACE_AROUND_FIRST)
		around = PACE_AROUND_FIRST;
	pthread_mutex_unlock(&queue->lock);
	return around;
}

size_t queue_room(struct queue *queue)
{
	size_t waiting, room;

	pthread_mutex_lock(&queue->lock);
	waiting = queue->waiting[PRIORITY_DEMAND].count;
	room = waiting < queue->demands_max ? queue->demands_max - waiting : 0;
	queue->full = !room;
	pthread_mutex_unlock(&queue->lock);
	return room;
}
