// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The jobs that wait and run; see queue.h.
 */
#include <stdlib.h>
#include <time.h>
#include "loader/jobs.h"
#include "loader/queue.h"

/* One of so many workers has no piece of the rest, and so many have none. */
#define SPARE_OF	8u
#define SPARE_MIN	3u
/* More are dropped: the kernel asks again for ranges that are still wanted. */
#define DEMANDS_MAX	65536u
#define HINTS_MAX	8192u

u64 queue_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NANO + (u64)t.tv_nsec;
}

void queue_init(struct queue *queue, const struct device *device, u64 end,
		unsigned int workers, int event, bool background)
{
	unsigned int spare = workers / SPARE_OF;
	pthread_condattr_t clock;

	if (spare < SPARE_MIN)
		spare = SPARE_MIN;
	memset(queue, 0, sizeof(*queue));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->wake, &clock);
	pthread_cond_init(&queue->calm, &clock);
	pthread_condattr_destroy(&clock);
	queue->device = device;
	queue->end = end;
	queue->demands_max = workers < DEMANDS_AT_ONCE ? workers : DEMANDS_AT_ONCE;
	queue->event = event;
	queue->low_max = workers > 1 ? workers - 1 : 1;
	queue->background_max = workers > SPARE_MIN + 1 ? workers - spare :
							  queue->low_max;
	queue->again_max = workers > 1 ? queue->demands_max / 2 : 1;
	queue->background = background;
	queue->delay = 1;
	queue->pass_delay = PASS_DELAY;
	queue->away_pause = PAUSE_FIRST;
	pace_init(&queue->pace, queue_now(), queue->background_max);
}

void queue_wake(struct queue *queue)
{
	if (queue->woken)
		return;
	queue->woken = true;
	pthread_cond_signal(&queue->wake);
}

void queue_grow(struct queue *queue, u64 end)
{
	pthread_mutex_lock(&queue->lock);
	queue->end = end;
	queue->finished = false;
	queue->not_before = 0;
	queue_wake(queue);
	pthread_mutex_unlock(&queue->lock);
}

/* Is it the kernel that has asked for it? Then it is in one of the trees. */
static bool was_asked_for(const struct job *job)
{
	return job->priority == PRIORITY_DEMAND ||
	       job->priority == PRIORITY_HINT;
}

void queue_forget(struct queue *queue, struct job *job)
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
	       (job = queue->waiting[PRIORITY_STARTUP].first) ||
	       (job = queue->startup.ahead.first)) {
		job_list_remove(job);
		queue_forget(queue, job);
	}
	while (queue->aside.count) {
		job = job_heap_pop(&queue->aside);
		if (!was_asked_for(job))
			queue_forget(queue, job);
	}
	while ((job = job_ranges_any(&queue->ranges[PRIORITY_DEMAND])) ||
	       (job = job_ranges_any(&queue->ranges[PRIORITY_HINT])))
		queue_forget(queue, job);
	free(queue->aside.job);
	pthread_cond_destroy(&queue->wake);
	pthread_cond_destroy(&queue->calm);
	pthread_mutex_destroy(&queue->lock);
}

void queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->wake);
	pthread_cond_broadcast(&queue->calm);
	pthread_mutex_unlock(&queue->lock);
}

void queue_add_job(struct queue *queue, u64 start, u64 end,
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
	job->wanted_at = queue_now();
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

struct job *queue_find_running(const struct queue *queue, u64 start, u64 end,
			       enum priority priority)
{
	struct job *job = queue->running.first;

	while (job && (job->offset >= end || job_reach(job) <= start ||
		       (priority != PRIORITY_BACKGROUND &&
			job->priority == PRIORITY_BACKGROUND)))
		job = job->next;
	return job;
}

void queue_less_demand(struct queue *queue)
{
	if (--queue->demands)
		return;
	pace_satisfied(&queue->pace, queue_now());
	pthread_cond_broadcast(&queue->calm);
}

void queue_less_work(struct queue *queue, const struct job *job)
{
	if (job->priority == PRIORITY_DEMAND)
		queue_less_demand(queue);
	else if (job->priority == PRIORITY_STARTUP)
		queue->startup.jobs--;
}

struct job_list *queue_list_of(struct queue *queue, const struct job *job)
{
	return job->priority == PRIORITY_DEMAND && job->round ?
	       &queue->again : &queue->waiting[job->priority];
}
