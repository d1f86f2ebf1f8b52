// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How jobs have ended; see results.h.
 */
#include <sys/eventfd.h>
#include "loader/jobs.h"
#include "loader/results.h"

/* Seconds, after a failure, at most. */
#define DELAY_MAX	8u
/* Nanoseconds between two looks at how far the image has come, while there is work. */
#define LOOK_PERIOD	(500 * MILLI)

static void background_done(struct queue *queue, const struct job *job,
			    bool failed)
{
	u64 time = queue_now();

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

/*
 * Wait until @job's piece may be read on, but not for longer than @most. Return: nanoseconds that
 * this took.
 */
static u64 yield_to_readers(struct queue *queue, const struct job *job, u64 most)
{
	u64 since = queue_now(), time = since;

	while (!queue->stop) {
		u64 until = pace_job_yields_until(&queue->pace, &job->pace);
		struct timespec t;

		if (until > since + most)
			until = since + most;
		if (time >= until)
			break;
		t.tv_sec = (time_t)(until / NANO);
		t.tv_nsec = (long)(until % NANO);
		time = pthread_cond_timedwait(&queue->calm, &queue->lock, &t) ?
		       until : queue_now();
	}
	return time - since;
}

void queue_arrived(struct queue *queue, struct job *job, u64 arrived, u64 delay,
		   u64 yield)
{
	pthread_mutex_lock(&queue->lock);
	if (pace_arrived(&queue->pace, &job->pace, queue_now(), arrived, delay))
		queue_wake(queue);
	if (job->pace.yielded < yield)
		job->pace.yielded +=
			yield_to_readers(queue, job, yield - job->pace.yielded);
	pthread_mutex_unlock(&queue->lock);
}

/* No worker has @job any more; it is in no list. */
static void stop_running(struct queue *queue, struct job *job, bool failed)
{
	struct job *held;
	u64 time = queue_now();

	job_list_remove(job);
	job->running = false;
	job->more = 0;
	if (job->priority != PRIORITY_DEMAND)
		queue->running_low--;
	else if (job->round)
		queue->running_again--;
	if (job->priority == PRIORITY_BACKGROUND)
		pace_end(&queue->pace, &job->pace, time,
			 failed ? 0 : job->fetched, job->delay);
	else
		pace_other(&queue->pace, time, job->rate, job->delay);
	/* Jobs that were held back get their turn; they are older than the waiting ones. */
	while ((held = job->holds.last)) {
		struct job_list *list = queue_list_of(queue, held);

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
	queue_wake(queue);
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
		job->round = job->useless = 0;
		job_list_append(&queue->waiting[job->priority], job);
	} else {
		queue_less_work(queue, job);
		queue_forget(queue, job);
	}
	pthread_mutex_unlock(&queue->lock);
}

bool queue_look_due(struct queue *queue)
{
	u64 time = queue_now();
	size_t left, i;
	bool due;

	pthread_mutex_lock(&queue->lock);
	left = queue->running.count + queue->again.count;
	for (i = 0; i < PRIORITIES; i++)
		left += queue->waiting[i].count;
	due = !left || time - queue->looked_at >= LOOK_PERIOD;
	if (due)
		queue->looked_at = time;
	pthread_mutex_unlock(&queue->lock);
	return due;
}

void queue_came_ahead(struct queue *queue, struct job *job)
{
	struct startup_work *work = &queue->startup;

	pthread_mutex_lock(&queue->lock);
	stop_running(queue, job, false);
	if (job->proof)
		work->proofs--;
	job->ahead = job->proof = false;
	job_list_append(&work->ahead, job);
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
	job->due = queue_now() + jittered(queue, pause_of(job->round), least);
	queue_less_work(queue, job);
	if (!job_heap_push(&queue->aside, job))
		queue_forget(queue, job);
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
	u64 time = queue_now();

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
	queue->held_until = queue_now() + milliseconds * MILLI;
	pthread_mutex_unlock(&queue->lock);
}

void queue_resume(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	resume(queue);
	pthread_mutex_unlock(&queue->lock);
}
