// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads of the image's device; see jobs.h.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "block-server/jobs.h"
#include "common/message.h"
#include "store/store.h"

/* So many reads fetch at a time. */
#define THREADS		32u

/**
 * struct jobs - threads that may wait, and what they are to do
 * @first, @last: those that no thread has taken yet
 */
struct jobs {
	struct incr_image *image;
	pthread_t threads[THREADS];
	unsigned int count;
	pthread_mutex_t lock;
	pthread_cond_t come;
	struct job *first, **last;
	bool ending;
};

/* A block that stays wrong may be read without end: a line a second. */
static void tell(const char *text)
{
	static _Atomic time_t told;
	struct timespec now;
	time_t last = atomic_load(&told);

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != last &&
	    atomic_compare_exchange_strong(&told, &last, now.tv_sec))
		message_warning("a read fails: %s", text);
}

static void read_now(struct jobs *jobs, struct job *job)
{
	struct incr_error error;

	job->result = incr_image_read_bytes(jobs->image, job->offset,
					    job->length, job->buffer, &error);
	if (job->result && job->result != -EAGAIN)
		tell(error.text);
}

static void *work(void *context)
{
	struct jobs *jobs = context;
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		while (!jobs->first && !jobs->ending)
			pthread_cond_wait(&jobs->come, &jobs->lock);
		job = jobs->first;
		if (!job)
			break;
		jobs->first = job->next;
		if (!jobs->first)
			jobs->last = &jobs->first;
		pthread_mutex_unlock(&jobs->lock);
		read_now(jobs, job);
		job->done(job);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int jobs_start(struct jobs **result, struct incr_image *image, struct incr_error *error)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	unsigned int i;

	if (!jobs)
		return incr_fail(error, -ENOMEM, "out of memory");
	jobs->image = image;
	jobs->last = &jobs->first;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->come, NULL);
	/* Fewer will do. */
	for (i = 0; i < THREADS; i++)
		if (!pthread_create(&jobs->threads[jobs->count], NULL, work, jobs))
			jobs->count++;
	if (!jobs->count) {
		jobs_end(jobs);
		return incr_fail(error, -EAGAIN, "cannot start a thread");
	}
	*result = jobs;
	return 0;
}

bool jobs_run(struct jobs *jobs, struct job *job)
{
	store_only_present(true);
	read_now(jobs, job);
	store_only_present(false);
	if (job->result != -EAGAIN)
		return true;
	job->next = NULL;
	pthread_mutex_lock(&jobs->lock);
	*jobs->last = job;
	jobs->last = &job->next;
	pthread_cond_signal(&jobs->come);
	pthread_mutex_unlock(&jobs->lock);
	return false;
}

void jobs_end(struct jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->ending = true;
	pthread_cond_broadcast(&jobs->come);
	pthread_mutex_unlock(&jobs->lock);
	while (jobs->count)
		pthread_join(jobs->threads[--jobs->count], NULL);
	pthread_cond_destroy(&jobs->come);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
