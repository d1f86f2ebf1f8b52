// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which range to fetch next; see queue.h.
 */
#include <stdlib.h>
#include <time.h>
#include "queue.h"

/* More is dropped: the kernel asks again for what is still wanted. */
#define DEMANDS_MAX	65536u
#define HINTS_MAX	8192u
/* Present bytes between two absent ranges that are cheaper fetched than
 * skipped by another request. */
#define GAP_MAX		(16u << 10)
/* Seconds: between failures at most, and after a pass that had any. */
#define DELAY_MAX	32u
#define PASS_DELAY	15u
#define NANO		1000000000ull

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NANO + (u64)t.tv_nsec;
}

static void list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
	list->count = 0;
}

static void list_append(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
	list->count++;
}

/* Put all of @more, which is empty then, in front of @list, in its order. */
static void list_prepend(struct job_list *list, struct job_list *more)
{
	if (!more->count)
		return;
	*more->last = list->first;
	if (list->count == 0)
		list->last = more->last;
	list->first = more->first;
	list->count += more->count;
	list_init(more);
}

static struct job *list_pop(struct job_list *list)
{
	struct job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->last = &list->first;
	list->count--;
	return job;
}

static void list_remove(struct job_list *list, struct job *job)
{
	struct job **at = &list->first;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!*at)
		list->last = at;
	list->count--;
}

static void list_free(struct job_list *list)
{
	struct job *job;

	while ((job = list_pop(list)))
		free(job);
}

static bool overlap(const struct job *job, u64 start, u64 end)
{
	return job->offset < end && start < job->offset + job->length;
}

static const struct job *find_overlap(const struct job_list *list, u64 start,
				      u64 end)
{
	const struct job *job = list->first;

	while (job && !overlap(job, start, end))
		job = job->next;
	return job;
}

static bool list_holds(const struct job_list *list, u64 offset, u64 length)
{
	const struct job *job = list->first;

	while (job && (job->offset != offset || job->length != length))
		job = job->next;
	return job;
}

void queue_init(struct queue *queue, const struct device *device, u64 end,
		unsigned int workers, bool background)
{
	pthread_condattr_t clock;

	memset(queue, 0, sizeof(*queue));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->wake, &clock);
	pthread_condattr_destroy(&clock);
	list_init(&queue->waiting[PRIORITY_DEMAND]);
	list_init(&queue->waiting[PRIORITY_HINT]);
	list_init(&queue->blocked);
	list_init(&queue->running);
	queue->device = device;
	queue->end = end;
	queue->low_max = workers > 1 ? workers - 1 : 1;
	queue->background = background;
	queue->delay = 1;
}

void queue_grow(struct queue *queue, u64 end)
{
	pthread_mutex_lock(&queue->lock);
	queue->end = end;
	queue->finished = false;
	queue->not_before = 0;
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

void queue_destroy(struct queue *queue)
{
	list_free(&queue->waiting[PRIORITY_DEMAND]);
	list_free(&queue->waiting[PRIORITY_HINT]);
	list_free(&queue->blocked);
	list_free(&queue->running);
	pthread_cond_destroy(&queue->wake);
	pthread_mutex_destroy(&queue->lock);
}

static void set_refetch(struct queue *queue, struct job *job)
{
	if (!job->refetch)
		queue->refetches++;
	job->refetch = true;
}

/*
 * Whatever gets its turn first has to know that bytes were damaged: @job may
 * be a demand that the kernel does not mark any more, or be marked after jobs
 * for the same bytes, of when they were absent for another reason.
 */
static void share_refetch(struct queue *queue, struct job_list *list,
			  struct job *job)
{
	u64 end = job->offset + job->length;
	struct job *other;

	for (other = list->first; other; other = other->next) {
		if (other->refetch == job->refetch ||
		    !overlap(other, job->offset, end))
			continue;
		set_refetch(queue, other);
		set_refetch(queue, job);
	}
}

/* The kernel hands out again what we are slow with; one job is enough. */
static bool is_known(const struct queue *queue, const struct job_list *list,
		     u64 offset, u64 length)
{
	return list_holds(list, offset, length) ||
	       list_holds(&queue->blocked, offset, length) ||
	       list_holds(&queue->running, offset, length);
}

static void add_piece(struct queue *queue, const struct inc_request *request,
		      u64 offset, u64 length)
{
	enum priority priority = request->flags & INC_REQUEST_HINT ?
				 PRIORITY_HINT : PRIORITY_DEMAND;
	struct job_list *list = &queue->waiting[priority];
	struct job *job;

	if (list->count >= (priority == PRIORITY_HINT ? HINTS_MAX : DEMANDS_MAX))
		return;
	if ((request->flags & INC_REQUEST_AGAIN) &&
	    is_known(queue, list, offset, length))
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->offset = offset;
	job->length = length;
	job->priority = priority;
	if (request->flags & INC_REQUEST_REFETCH)
		set_refetch(queue, job);
	if (queue->refetches) {
		share_refetch(queue, &queue->waiting[PRIORITY_DEMAND], job);
		share_refetch(queue, &queue->waiting[PRIORITY_HINT], job);
		share_refetch(queue, &queue->blocked, job);
	}
	if (priority == PRIORITY_DEMAND)
		queue->demands++;
	list_append(list, job);
}

void queue_add(struct queue *queue, const struct inc_request *request)
{
	u64 offset = request->offset, end;
	u32 chunk = queue->device->chunk;

	if (offset >= queue->end || offset % chunk || request->length % chunk)
		return;
	end = request->length < queue->end - offset ?
	      offset + request->length : queue->end;

	pthread_mutex_lock(&queue->lock);
	/* Something is absent again that background work has passed. */
	if (request->flags & INC_REQUEST_REFETCH)
		queue->finished = false;
	while (offset < end) {
		u64 length = end - offset < PIECE_MAX ? end - offset : PIECE_MAX;

		add_piece(queue, request, offset, length);
		offset += length;
	}
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

static struct job *take_waiting(struct queue *queue, enum priority priority)
{
	struct job *job;

	while ((job = list_pop(&queue->waiting[priority]))) {
		if (!find_overlap(&queue->running, job->offset,
				  job->offset + job->length))
			return job;
		list_append(&queue->blocked, job);
	}
	return NULL;
}

/* All of the image was walked: look for what is left, but not at once. */
static void end_pass(struct queue *queue)
{
	u64 start, end;

	if (queue->running.count)
		return;
	if (!device_next_absent(queue->device, 0, queue->end, &start, &end)) {
		queue->finished = true;
		return;
	}
	queue->cursor = 0;
	queue->not_before = now() + (queue->pass_failed ? PASS_DELAY : 1) * NANO;
	queue->pass_failed = false;
}

/* The next piece in file order; present gaps too small to matter included. */
static struct job *take_background(struct queue *queue)
{
	u64 start, end, next_start, next_end, limit;
	const struct job *running;
	struct job *job;

	while (queue->cursor < queue->end) {
		if (device_next_absent(queue->device, queue->cursor, queue->end,
				       &start, &end) <= 0) {
			queue->cursor = queue->end;
			break;
		}
		/* Pieces end at multiples of their size: the next is whole. */
		limit = (start / PIECE_MAX + 1) * PIECE_MAX;
		if (limit > queue->end)
			limit = queue->end;
		while (end < limit &&
		       device_next_absent(queue->device, end, limit,
					  &next_start, &next_end) > 0 &&
		       next_start - end <= GAP_MAX)
			end = next_end;
		if (end > limit)
			end = limit;

		running = find_overlap(&queue->running, start, end);
		if (running && running->offset <= start) {
			queue->cursor = running->offset + running->length;
			continue;
		}
		if (running)
			end = running->offset;
		job = calloc(1, sizeof(*job));
		if (!job)
			return NULL;
		job->offset = start;
		job->length = end - start;
		job->priority = PRIORITY_BACKGROUND;
		queue->cursor = end;
		return job;
	}
	end_pass(queue);
	return NULL;
}

/* Does background work have its turn? @wait: until when not, or 0. */
static bool background_due(const struct queue *queue, u64 *wait)
{
	*wait = 0;
	if (!queue->background || queue->finished || queue->demands ||
	    queue->running_low >= queue->low_max)
		return false;
	if (now() >= queue->not_before)
		return true;
	*wait = queue->not_before;
	return false;
}

static void wait_until(struct queue *queue, u64 when)
{
	struct timespec t = {
		.tv_sec = (time_t)(when / NANO),
		.tv_nsec = (long)(when % NANO),
	};

	if (when)
		pthread_cond_timedwait(&queue->wake, &queue->lock, &t);
	else
		pthread_cond_wait(&queue->wake, &queue->lock);
}

struct job *queue_take(struct queue *queue)
{
	struct job *job = NULL;
	u64 wait;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stop) {
		wait = 0;
		job = take_waiting(queue, PRIORITY_DEMAND);
		if (!job && queue->running_low < queue->low_max)
			job = take_waiting(queue, PRIORITY_HINT);
		if (!job && background_due(queue, &wait)) {
			job = take_background(queue);
			if (!job)
				background_due(queue, &wait);
		}
		if (job)
			break;
		wait_until(queue, wait);
	}
	if (job) {
		list_append(&queue->running, job);
		if (job->priority != PRIORITY_DEMAND)
			queue->running_low++;
	}
	pthread_mutex_unlock(&queue->lock);
	return job;
}

static void background_done(struct queue *queue, bool failed)
{
	if (!failed) {
		queue->delay = 1;
		queue->not_before = 0;
		return;
	}
	queue->pass_failed = true;
	queue->not_before = now() + queue->delay * NANO;
	if (queue->delay < DELAY_MAX)
		queue->delay *= 2;
}

void queue_done(struct queue *queue, struct job *job, bool failed)
{
	struct job_list demands, hints;

	pthread_mutex_lock(&queue->lock);
	list_remove(&queue->running, job);
	if (job->priority == PRIORITY_DEMAND)
		queue->demands--;
	else
		queue->running_low--;
	if (job->priority == PRIORITY_BACKGROUND)
		background_done(queue, failed);
	if (job->refetch)
		queue->refetches--;
	free(job);

	/* What was held back gets its turn; it is older than what waits. */
	list_init(&demands);
	list_init(&hints);
	while ((job = list_pop(&queue->blocked)))
		list_append(job->priority == PRIORITY_DEMAND ? &demands :
			    &hints, job);
	list_prepend(&queue->waiting[PRIORITY_DEMAND], &demands);
	list_prepend(&queue->waiting[PRIORITY_HINT], &hints);
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

bool queue_sleep(struct queue *queue, unsigned int milliseconds)
{
	u64 until = now() + milliseconds * (NANO / 1000);
	bool stopped;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stop && now() < until)
		wait_until(queue, until);
	stopped = queue->stop;
	pthread_mutex_unlock(&queue->lock);
	return !stopped;
}
