// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which range to fetch next; see queue.h.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include "common/message.h"
#include "loader/jobs.h"
#include "loader/queue.h"

/* More are dropped: the kernel asks again for ranges that are still wanted. */
#define DEMANDS_MAX	65536u
#define HINTS_MAX	8192u
/* Background work goes on beside so much of it that has failed. */
#define BACKGROUND_MAX	64u
/* Present bytes between two absent ranges that are cheaper fetched than
 * skipped by another request. */
#define GAP_MAX		(16u << 10)
/* Seconds: after a failure at most; after a pass that had any, and at most if all of
 * them were for good. */
#define DELAY_MAX	8u
#define PASS_DELAY	8u
#define PASS_DELAY_MAX	512u
/* A hint comes so long before the demand of the same reader, at most, in nanoseconds. */
#define HINT_DELAY	MILLI
#define NANO		1000000000ull
#define MILLI		(NANO / 1000)
/* Bytes that a start-up list may cost: so many times its own, and some. */
#define STARTUP_COST		3u
#define STARTUP_COST_LEAST	(1u << 20)
/* Several times as long as the kernel waits before it asks again. */
#define WANTED_FOR	(10 * NANO)

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NANO + (u64)t.tv_nsec;
}

static u64 job_end(const struct job *job)
{
	return job->offset + job->length;
}

/* The end of what a worker fetches for it. */
static u64 job_reach(const struct job *job)
{
	return job_end(job) + job->more;
}

void queue_init(struct queue *queue, const struct device *device, u64 end,
		unsigned int workers, int event, bool background)
{
	pthread_condattr_t clock;

	memset(queue, 0, sizeof(*queue));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->wake, &clock);
	pthread_condattr_destroy(&clock);
	queue->device = device;
	queue->end = end;
	queue->workers = workers;
	queue->event = event;
	queue->low_max = workers > 1 ? workers - 1 : 1;
	queue->background_max = workers > 4 ? workers - 3 : queue->low_max;
	queue->again_max = workers > 1 ? workers / 2 : 1;
	queue->background = background;
	queue->delay = 1;
	queue->pass_delay = PASS_DELAY;
	queue->away_pause = PAUSE_FIRST;
	pace_init(&queue->pace, now(), queue->background_max);
}

void queue_grow(struct queue *queue, u64 end)
{
	pthread_mutex_lock(&queue->lock);
	queue->end = end;
	queue->finished = false;
	queue->not_before = 0;
	pthread_cond_signal(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

/* Is it the kernel that has asked for it? Then it is in one of the trees. */
static bool was_asked_for(const struct job *job)
{
	return job->priority == PRIORITY_DEMAND ||
	       job->priority == PRIORITY_HINT;
}

/* The queue forgets @job, which is in none of its lists. */
static void forget(struct queue *queue, struct job *job)
{
	queue->known[job->priority]--;
	if (was_asked_for(job))
		job_ranges_remove(&queue->ranges[job->priority], job);
	free(job);
}

void queue_destroy(struct queue *queue)
{
	struct job *job;

	/* All others are in @ranges, wherever else they are. */
	while ((job = queue->waiting[PRIORITY_BACKGROUND].first) ||
	       (job = queue->waiting[PRIORITY_STARTUP].first)) {
		job_list_remove(job);
		forget(queue, job);
	}
	while (queue->aside.count) {
		job = job_heap_pop(&queue->aside);
		if (!was_asked_for(job))
			forget(queue, job);
	}
	while ((job = job_ranges_any(&queue->ranges[PRIORITY_DEMAND])) ||
	       (job = job_ranges_any(&queue->ranges[PRIORITY_HINT])))
		forget(queue, job);
	free(queue->aside.job);
	pthread_cond_destroy(&queue->wake);
	pthread_mutex_destroy(&queue->lock);
}

/* ---- requests of the kernel ---- */

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

static void add_job(struct queue *queue, u64 start, u64 end,
		    enum priority priority, bool refetch)
{
	struct job *job;

	if (queue->known[priority] >= (priority == PRIORITY_HINT ? HINTS_MAX :
								   DEMANDS_MAX))
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->offset = start;
	job->length = end - start;
	job->priority = priority;
	job->refetch = refetch;
	job->wanted_at = now();
	if (!job_ranges_add(&queue->ranges[priority], job)) {
		free(job);
		return;
	}
	queue->known[priority]++;
	if (priority == PRIORITY_DEMAND) {
		queue->demands++;
		queue->demand_at = job->wanted_at;
		pace_wanted(&queue->pace, job->wanted_at);
	}
	job_list_append(&queue->waiting[priority], job);
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
		forget(queue, job);
		/* A reader goes on rather than back. */
		if (last > end)
			add_job(queue, end, last, PRIORITY_HINT, false);
		if (first < start)
			add_job(queue, first, start, PRIORITY_HINT, false);
	}
}

/* @job is wanted, by @request. */
static void want_job(struct job *job, const struct dm_incremental_request *request)
{
	job->wanted_at = now();
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
			add_job(queue, start, until, priority, refetch);
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

	if (offset >= queue->end || offset % chunk || request->length % chunk)
		return;
	end = request->length < queue->end - offset ?
	      offset + request->length : queue->end;

	pthread_mutex_lock(&queue->lock);
	/* Something is missing again that background work has passed. */
	if (request->flags & DM_INCREMENTAL_REQUEST_REFETCH)
		queue->finished = false;
	while (offset < end) {
		u64 length = end - offset < PIECE_MAX ? end - offset : PIECE_MAX;

		add_piece(queue, request, offset, offset + length);
		offset += length;
	}
	pthread_cond_signal(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}

size_t queue_room(struct queue *queue)
{
	size_t waiting, room;

	pthread_mutex_lock(&queue->lock);
	waiting = queue->waiting[PRIORITY_DEMAND].count;
	room = waiting < queue->workers ? queue->workers - waiting : 0;
	queue->full = !room;
	pthread_mutex_unlock(&queue->lock);
	return room;
}

/* ---- jobs for workers ---- */

static void tell_room(struct queue *queue)
{
	if (!queue->full ||
	    queue->waiting[PRIORITY_DEMAND].count >= queue->workers)
		return;
	queue->full = false;
	/* EAGAIN: it has not been read since, so its reader will know. */
	eventfd_write(queue->event, 1);
}

/* The one that a job of @priority waits for. There are no more of those than workers. */
static struct job *find_running(const struct queue *queue, u64 start, u64 end,
				enum priority priority)
{
	struct job *job = queue->running.first;

	while (job && (job->offset >= end || job_reach(job) <= start ||
		       (priority == PRIORITY_DEMAND &&
			job->priority == PRIORITY_BACKGROUND)))
		job = job->next;
	return job;
}

/* A demand is done, or not wanted, or put aside. */
static void less_demand(struct queue *queue)
{
	if (!--queue->demands)
		pace_satisfied(&queue->pace, now());
}

/* @job does not count any more as work that others yield to. */
static void less_work(struct queue *queue, const struct job *job)
{
	if (job->priority == PRIORITY_DEMAND)
		less_demand(queue);
	else if (job->priority == PRIORITY_STARTUP)
		queue->startup.jobs--;
}

/* Where @job waits for a worker. */
static struct job_list *list_of(struct queue *queue, const struct job *job)
{
	return job->priority == PRIORITY_DEMAND && job->round ?
	       &queue->again : &queue->waiting[job->priority];
}

static void drop(struct queue *queue, struct job *job)
{
	message_debug("bytes %llu to %llu: no longer wanted",
		      (unsigned long long)job->offset,
		      (unsigned long long)job_end(job) - 1);
	less_demand(queue);
	forget(queue, job);
}

/* The first job of @list that can be done; in none then. */
static struct job *take_from(struct queue *queue, struct job_list *list,
			     u64 time)
{
	struct job *job, *running;

	while ((job = list->first)) {
		job_list_remove(job);
		if (job->priority == PRIORITY_DEMAND && job->round &&
		    time > job->wanted_at + WANTED_FOR) {
			drop(queue, job);
			continue;
		}
		running = find_running(queue, job->offset, job_end(job),
				       job->priority);
		if (!running)
			return job;
		job_list_append(&running->holds, job);
	}
	return NULL;
}

/*
 * What is behind @job is a hint: one request for both, whose reply begins with what the
 * reader waits for.
 */
static void take_along(struct queue *queue, struct job *job)
{
	u64 end = job_end(job);
	struct job *hint = job_ranges_find(&queue->ranges[PRIORITY_HINT], end,
					   end + queue->device->chunk);
	const struct job *next;
	u64 more;

	if (job->round || job->refetch || !hint || hint->offset != end ||
	    hint->list != &queue->waiting[PRIORITY_HINT] || hint->refetch ||
	    hint->round || find_running(queue, end, job_end(hint), PRIORITY_HINT))
		return;
	more = hint->length;
	next = job_ranges_first(&queue->ranges[PRIORITY_DEMAND], end, end + more);
	if (next)
		more = next->offset - end;
	if (!more)
		return;
	end = job_end(hint);
	job_list_remove(hint);
	forget(queue, hint);
	job->more = more;
	if (job_reach(job) < end)
		add_job(queue, job_reach(job), end, PRIORITY_HINT, false);
}

static struct job *take_demand(struct queue *queue, u64 time)
{
	bool may = queue->running_again < queue->again_max;
	struct job *job = NULL;

	if (may && !queue->took_again)
		job = take_from(queue, &queue->again, time);
	if (!job)
		job = take_from(queue, &queue->waiting[PRIORITY_DEMAND], time);
	if (!job && may)
		job = take_from(queue, &queue->again, time);
	if (!job)
		return NULL;
	queue->took_again = job->round;
	take_along(queue, job);
	return job;
}

/* A hint, if there is one that need not wait for a demand; else *@wait: until then. */
static struct job *take_hint(struct queue *queue, u64 time, u64 *wait)
{
	const struct job *first = queue->waiting[PRIORITY_HINT].first;

	if (!first || queue->running_low >= queue->low_max)
		return NULL;
	if (first->wanted_at > queue->demand_at &&
	    time < first->wanted_at + HINT_DELAY) {
		*wait = first->wanted_at + HINT_DELAY;
		return NULL;
	}
	return take_from(queue, &queue->waiting[PRIORITY_HINT], time);
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
	queue->not_before = now() +
			    (queue->pass_failed ? queue->pass_delay : 1) * NANO;
	if (queue->pass_failed && queue->pass_delay < PASS_DELAY_MAX)
		queue->pass_delay *= 2;
	queue->pass_failed = false;
}

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

		running = find_running(queue, start, stop, priority);
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

/* The next piece in file order. */
static struct job *new_background(struct queue *queue)
{
	struct job *job = cut_job(queue, &queue->cursor, queue->end,
				  pace_piece(&queue->pace), PRIORITY_BACKGROUND);

	if (!job && queue->cursor == queue->end)
		end_pass(queue);
	return job;
}

/* ---- the start-up list ---- */

void queue_expect_startup(struct queue *queue, unsigned int milliseconds)
{
	pthread_mutex_lock(&queue->lock);
	queue->startup.expected_until = now() + milliseconds * MILLI;
	pthread_mutex_unlock(&queue->lock);
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

static bool startup_left(const struct queue *queue)
{
	const struct startup_work *work = &queue->startup;

	return work->jobs || work->at < work->count;
}

bool queue_startup_over(struct queue *queue)
{
	bool over;

	pthread_mutex_lock(&queue->lock);
	/* What cannot be had for now is not waited for. */
	over = (!startup_left(queue) || queue->away) &&
	       now() >= queue->startup.expected_until;
	pthread_mutex_unlock(&queue->lock);
	return over;
}

/* The next piece in the list's order. */
static struct job *new_startup(struct queue *queue)
{
	struct startup_work *work = &queue->startup;

	while (work->at < work->count) {
		const struct incr_range *range = &work->ranges[work->at];
		struct job *job;

		/* Each would fetch for itself the metadata that are on their way. */
		if (work->at == work->metadata && !work->past && work->jobs)
			return NULL;
		work->past |= work->at == work->metadata;
		job = cut_job(queue, &work->cursor,
			      range->offset + range->length, STARTUP_PIECE,
			      PRIORITY_STARTUP);
		if (job)
			work->jobs++;
		if (job || work->cursor < range->offset + range->length)
			return job;
		if (++work->at < work->count)
			work->cursor = work->ranges[work->at].offset;
	}
	return NULL;
}

static struct job *take_startup(struct queue *queue, u64 time)
{
	struct job *job = take_from(queue, &queue->waiting[PRIORITY_STARTUP],
				    time);

	return job ? job : new_startup(queue);
}

/*
 * A piece of the rest, if it may be begun now. *@wait: not before then, if nothing
 * happens; 0: no matter.
 */
static struct job *take_background(struct queue *queue, u64 time, u64 *wait)
{
	struct job *job;

	if (!queue->background || queue->demands || startup_left(queue) ||
	    time < queue->startup.expected_until ||
	    queue->waiting[PRIORITY_HINT].count ||
	    queue->running.count > queue->pace.pieces ||
	    queue->pace.pieces >= queue->background_max ||
	    !pace_may_begin(&queue->pace, time, wait))
		return NULL;
	job = take_from(queue, &queue->waiting[PRIORITY_BACKGROUND], time);
	if (!job && !queue->finished && time >= queue->not_before &&
	    queue->known[PRIORITY_BACKGROUND] < BACKGROUND_MAX)
		job = new_background(queue);
	return job;
}

/* Jobs that were put aside and are due may be taken. */
static void end_pauses(struct queue *queue, u64 time)
{
	struct job *job;

	while ((job = job_heap_first(&queue->aside)) && job->due <= time) {
		job_heap_pop(&queue->aside);
		if (job->priority == PRIORITY_DEMAND)
			queue->demands++;	/* no new one: the pace does not hear of it */
		else if (job->priority == PRIORITY_STARTUP)
			queue->startup.jobs++;
		job_list_append(list_of(queue, job), job);
	}
}

/* May a job be taken that no reader waits for? */
static bool low_may(const struct queue *queue, u64 time)
{
	if (queue->away && (queue->running_low || time < queue->not_before))
		return false;
	return queue->running_low < queue->low_max;
}

/* Is there work that no reader waits for, or may there be? */
static bool low_waits(const struct queue *queue)
{
	return queue->waiting[PRIORITY_HINT].count ||
	       queue->waiting[PRIORITY_BACKGROUND].count ||
	       startup_left(queue) ||
	       (queue->background && !queue->finished);
}

/* Look again at @when, or earlier. */
static void sooner(u64 *wait, u64 when)
{
	if (!*wait || when < *wait)
		*wait = when;
}

/* A job, or NULL, and when to look again even if nothing happens; 0: never. */
static struct job *choose(struct queue *queue, u64 *wait)
{
	struct job *job, *next;
	u64 time = now();

	*wait = 0;
	if (time < queue->held_until) {
		*wait = queue->held_until;
		return NULL;
	}
	end_pauses(queue, time);
	job = take_demand(queue, time);
	if (!job && low_may(queue, time))
		job = take_startup(queue, time);
	if (!job && low_may(queue, time))
		job = take_hint(queue, time, wait);
	if (!job && low_may(queue, time))
		job = take_background(queue, time, wait);
	if (time < queue->not_before && low_waits(queue))
		sooner(wait, queue->not_before);
	if (time < queue->startup.expected_until)
		sooner(wait, queue->startup.expected_until);
	next = job_heap_first(&queue->aside);
	if (next)
		sooner(wait, next->due);
	return job;
}

static void wait_until(struct queue *queue, u64 when)
{
	struct timespec t = {
		.tv_sec = (time_t)(when / NANO),
		.tv_nsec = (long)(when % NANO),
	};

	/* Another one looks then. */
	if (!when || (queue->next_look && queue->next_look <= when)) {
		pthread_cond_wait(&queue->wake, &queue->lock);
		return;
	}
	queue->next_look = when;
	pthread_cond_timedwait(&queue->wake, &queue->lock, &t);
	if (queue->next_look == when)
		queue->next_look = 0;
}

struct job *queue_take(struct queue *queue)
{
	struct job *job = NULL;
	u64 wait;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stop && !(job = choose(queue, &wait))) {
		tell_room(queue);
		wait_until(queue, wait);
	}
	if (job) {
		tell_room(queue);
		job->running = true;
		job_list_append(&queue->running, job);
		if (job->priority != PRIORITY_DEMAND)
			queue->running_low++;
		if (job->priority == PRIORITY_BACKGROUND)
			pace_begin(&queue->pace, &job->pace, now(), job->length);
		if (job->priority == PRIORITY_DEMAND && job->round)
			queue->running_again++;
		/* There may be more, or something to wait for. */
		pthread_cond_signal(&queue->wake);
	}
	pthread_mutex_unlock(&queue->lock);
	return job;
}

/* ---- results ---- */

static void background_done(struct queue *queue, const struct job *job,
			    bool failed)
{
	u64 time = now();

	if (!failed) {
		queue->delay = 1;
		queue->not_before = 0;
		return;
	}
	queue->pass_failed = true;
	/* It was tried again and again: that may pass. */
	if (job->round)
		queue->pass_delay = PASS_DELAY;
	/* Those that were under way fail for one reason. */
	if (time < queue->not_before)
		return;
	queue->not_before = time + queue->delay * NANO;
	if (queue->delay < DELAY_MAX)
		queue->delay *= 2;
}

/* No worker has @job any more; it is in no list. */
static void stop_running(struct queue *queue, struct job *job, bool failed)
{
	struct job *held;
	u64 time = now();

	job_list_remove(job);
	job->running = false;
	job->more = 0;
	if (job->priority != PRIORITY_DEMAND)
		queue->running_low--;
	else if (job->round)
		queue->running_again--;
	if (job->priority == PRIORITY_BACKGROUND)
		pace_end(&queue->pace, &job->pace, time, job->length,
			 failed ? 0 : job->fetched, job->delay);
	else
		pace_other(&queue->pace, time, job->delay);
	/* Jobs that were held back get their turn; they are older than the waiting ones. */
	while ((held = job->holds.last)) {
		struct job_list *list = list_of(queue, held);

		job_list_remove(held);
		job_list_insert(list, held, list->first);
	}
	job->refetch |= job->anew_refetch;
	/* The caller's thread comes back for a job, and wakes the next one. */
}

/* The cause of failures is over. */
static void resume(struct queue *queue)
{
	size_t i;

	/* All equal, so that it stays a heap. */
	for (i = 0; i < queue->aside.count; i++)
		queue->aside.job[i]->due = 0;
	queue->held_until = 0;
	queue->not_before = 0;
	queue->away = false;
	queue->away_pause = PAUSE_FIRST;
	queue->delay = 1;
	queue->pass_delay = PASS_DELAY;
	pthread_cond_signal(&queue->wake);
}

void queue_done(struct queue *queue, struct job *job, bool failed)
{
	pthread_mutex_lock(&queue->lock);
	stop_running(queue, job, failed);
	if (queue->away)
		resume(queue);
	if (job->priority == PRIORITY_BACKGROUND)
		background_done(queue, job, failed);
	if (job->anew) {
		job->anew = job->anew_refetch = job->kept = false;
		job->round = 0;
		job_list_append(&queue->waiting[job->priority], job);
	} else {
		less_work(queue, job);
		forget(queue, job);
	}
	pthread_mutex_unlock(&queue->lock);
}

/*
 * Nanoseconds: @pause, up to an eighth more or less, or @least, up to a quarter more,
 * so that not all come at once.
 */
static u64 jittered(struct queue *queue, u64 pause, u64 least)
{
	u64 jitter;

	queue->jitter = queue->jitter * 1664525u + 1013904223u;
	jitter = queue->jitter >> 24;
	return pause > least ? pause * MILLI * (896 + jitter) / 1024 :
			       least * MILLI * (1024 + jitter) / 1024;
}

static u64 pause_of(unsigned int round)
{
	u64 pause = PAUSE_FIRST;

	while (round-- > 1 && pause < PAUSE_MAX)
		pause *= 2;
	return pause;
}

static void put_off(struct queue *queue, struct job *job, unsigned int least,
		    bool kept)
{
	/* The cache does not have bytes that were damaged meanwhile. */
	job->kept = kept && !job->anew_refetch;
	job->anew = job->anew_refetch = false;
	job->round++;
	job->due = now() + jittered(queue, pause_of(job->round), least);
	less_work(queue, job);
	if (!job_heap_push(&queue->aside, job))
		forget(queue, job);
}

void queue_put_off(struct queue *queue, struct job *job, unsigned int least,
		   bool kept)
{
	pthread_mutex_lock(&queue->lock);
	stop_running(queue, job, true);
	if (queue->away)
		resume(queue);
	put_off(queue, job, least, kept);
	pthread_mutex_unlock(&queue->lock);
}

void queue_away(struct queue *queue, struct job *job, unsigned int least)
{
	u64 time = now();

	pthread_mutex_lock(&queue->lock);
	stop_running(queue, job, true);
	if (!queue->away)
		eventfd_write(queue->event, 1);
	/* Those that were under way count as one attempt. */
	if (!queue->away || time >= queue->not_before) {
		queue->not_before = time + jittered(queue, queue->away_pause,
						    least);
		if (queue->away_pause < PAUSE_MAX)
			queue->away_pause *= 2;
		queue->away = true;
	}
	if (job->priority == PRIORITY_DEMAND)
		put_off(queue, job, least, false);
	else
		job_list_insert(&queue->waiting[job->priority], job,
				queue->waiting[job->priority].first);
	pthread_mutex_unlock(&queue->lock);
}

void queue_hold(struct queue *queue, unsigned int milliseconds)
{
	pthread_mutex_lock(&queue->lock);
	queue->held_until = now() + milliseconds * MILLI;
	pthread_mutex_unlock(&queue->lock);
}

void queue_resume(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	resume(queue);
	pthread_mutex_unlock(&queue->lock);
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->wake);
	pthread_mutex_unlock(&queue->lock);
}
