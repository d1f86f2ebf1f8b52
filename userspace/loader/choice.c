// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which job is next; see choice.h.
 */
#include <sys/eventfd.h>
#include <time.h>
#include "common/message.h"
#include "loader/choice.h"
#include "loader/jobs.h"
#include "loader/pieces.h"

/*
 * The most jobs of a list and hints at a time: more connections are of no use to them. If all of these
 * have few bytes, a long link would be idle: then there are more. Few are those that it carries in
 * so many round trips, as each job waits for one before its bytes come, or OTHERS_BYTES.
 */
#define OTHERS_MAX	7u
#define OTHERS_SMALL_MAX	24u
#define OTHERS_BYTES	(640u << 10)
#define OTHERS_BYTES_MAX (4096u << 10)
#define OTHERS_TRIPS	2u
/* Background work goes on beside so much of it that has failed. */
#define BACKGROUND_MAX	64u
/* A hint comes so long before the demand of the same reader, at most, in nanoseconds. */
#define HINT_DELAY	MILLI
/* The same if a list may come, which tells better than hints. */
#define HINT_DELAY_LIST	(100 * MILLI)
/* Several times as long as the kernel waits before it asks again. */
#define WANTED_FOR	(10 * NANO)

static void tell_room(struct queue *queue)
{
	if (!queue->full ||
	    queue->waiting[PRIORITY_DEMAND].count >= queue->demands_max)
		return;
	queue->full = false;
	/* EAGAIN: it has not been read since, so its reader will know. */
	eventfd_write(queue->event, 1);
}

static void drop(struct queue *queue, struct job *job)
{
	message_debug("bytes %llu to %llu: no longer wanted",
		      (unsigned long long)job->offset,
		      (unsigned long long)job_end(job) - 1);
	queue_less_demand(queue);
	queue_forget(queue, job);
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
		running = queue_find_running(queue, job->offset, job_end(job),
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
	    hint->round || queue_find_running(queue, end, job_end(hint), PRIORITY_HINT))
		return;
	more = hint->length;
	next = job_ranges_first(&queue->ranges[PRIORITY_DEMAND], end, end + more);
	if (next)
		more = next->offset - end;
	if (!more)
		return;
	end = job_end(hint);
	job_list_remove(hint);
	queue_forget(queue, hint);
	job->more = more;
	if (job_reach(job) < end)
		queue_add_job(queue, job_reach(job), end, PRIORITY_HINT, false);
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
	u64 delay = time < queue->startup.expected_until ? HINT_DELAY_LIST : HINT_DELAY;

	if (!first)
		return NULL;
	if (first->wanted_at > queue->demand_at &&
	    time < first->wanted_at + delay) {
		*wait = first->wanted_at + delay;
		return NULL;
	}
	return take_from(queue, &queue->waiting[PRIORITY_HINT], time);
}

static struct job *take_startup(struct queue *queue, u64 time)
{
	struct job *job = take_from(queue, &queue->waiting[PRIORITY_STARTUP],
				    time);

	if (!job)
		job = queue_new_startup(queue);
	/* Others may wait since then. */
	return job ? job : take_from(queue, &queue->waiting[PRIORITY_STARTUP], time);
}

/*
 * A piece of the rest, if it may be begun now. *@wait: not before then, if nothing
 * happens; 0: no matter.
 */
static struct job *take_background(struct queue *queue, u64 time, u64 *wait)
{
	struct job *job;

	if (!queue->background || queue->demands || queue_startup_left(queue) ||
	    time < queue->startup.expected_until ||
	    queue->waiting[PRIORITY_HINT].count ||
	    queue->running.count > queue->pace.pieces ||
	    queue->pace.pieces >= queue->background_max ||
	    !pace_may_begin(&queue->pace, time, wait))
		return NULL;
	job = take_from(queue, &queue->waiting[PRIORITY_BACKGROUND], time);
	if (!job && !queue->finished && time >= queue->not_before &&
	    queue->known[PRIORITY_BACKGROUND] < BACKGROUND_MAX)
		job = queue_new_background(queue);
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
		job_list_append(queue_list_of(queue, job), job);
	}
}

/* May a job be taken that no reader waits for? */
static bool low_may(const struct queue *queue, u64 time)
{
	if (queue->away && (queue->running_low || time < queue->not_before))
		return false;
	return queue->running_low < queue->low_max;
}

/* May it be one of the start-up list, or a hint? */
static bool others_may(const struct queue *queue, u64 time)
{
	unsigned int others = queue->running_low - queue->pace.pieces;
	u64 bytes = 0, few = OTHERS_TRIPS * pace_trip(&queue->pace);
	const struct job *job;

	if (!low_may(queue, time) || others >= OTHERS_SMALL_MAX)
		return false;
	if (others < OTHERS_MAX)
		return true;
	for (job = queue->running.first; job; job = job->next)
		if (job->priority == PRIORITY_STARTUP || job->priority == PRIORITY_HINT)
			bytes += job->length;
	if (few < OTHERS_BYTES)
		few = OTHERS_BYTES;
	return bytes < (few < OTHERS_BYTES_MAX ? few : OTHERS_BYTES_MAX);
}

/* Is there work that no reader waits for, or may there be? */
static bool low_waits(const struct queue *queue)
{
	return queue->waiting[PRIORITY_HINT].count ||
	       queue->waiting[PRIORITY_BACKGROUND].count ||
	       queue_startup_left(queue) ||
	       (queue->background && !queue->finished);
}

/* Is there more work, or a time to wait for? */
static bool work_waits(const struct queue *queue)
{
	return queue->waiting[PRIORITY_DEMAND].count || queue->again.count ||
	       queue->aside.count || low_waits(queue) ||
	       queue_now() < queue->startup.expected_until;
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
	u64 time = queue_now();

	*wait = 0;
	if (time < queue->held_until) {
		*wait = queue->held_until;
		return NULL;
	}
	/* When one of those ends, its worker looks again. */
	if (queue->running.count - queue->running_low >= queue->demands_max)
		return NULL;
	end_pauses(queue, time);
	job = take_demand(queue, time);
	if (!job && others_may(queue, time))
		job = take_startup(queue, time);
	if (!job && others_may(queue, time))
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
	while (!queue->stop) {
		queue->woken = false;
		job = choose(queue, &wait);
		if (job)
			break;
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
			pace_begin(&queue->pace, &job->pace, queue_now(), job->length);
		if (job->priority == PRIORITY_DEMAND && job->round)
			queue->running_again++;
		if (work_waits(queue))
			queue_wake(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	return job;
}
