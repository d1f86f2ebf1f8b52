// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The threads that fetch.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include "common/message.h"
#include "loader/choice.h"
#include "loader/loader.h"
#include "loader/results.h"

void worker_init(struct worker *worker, struct loader *loader)
{
	memset(worker, 0, sizeof(*worker));
	worker->loader = loader;
}

static void free_buffer(struct worker *worker)
{
	free(worker->buffer);
	worker->buffer = NULL;
	worker->capacity = 0;
	worker->have = worker->have_end = 0;
}

void worker_destroy(struct worker *worker)
{
	connections_close(&worker->connections);
	free_buffer(worker);
}

/* No origin has it: waiting readers learn it now, not at their timeout. */
static void give_up(struct loader *loader, const struct job *job)
{
	atomic_fetch_add(&loader->stats.unavailable, 1);
	range_log(&loader->mirrors.log, MESSAGE_ERROR, job->offset, job->length,
		  "no origin has them right", job->priority == PRIORITY_DEMAND ?
		  "; readers get an error" : "");
	if (job->priority == PRIORITY_DEMAND || job->refetch)
		device_unavailable(&loader->device, job->offset, job->length);
}

/*
 * Where bytes of a range are wrong, the rest of it may be right: halve it until
 * only wrong bytes are left.
 */
static enum outcome fetch_parts(struct worker *worker, const struct job *job)
{
	struct loader *loader = worker->loader;
	u64 chunk = loader->device.chunk;
	enum outcome outcome = worker_fetch(worker, job), other;
	/* Not all of it: the queue changes the rest while we read. */
	struct job part = {
		.offset = job->offset,
		.length = job->length,
		.priority = job->priority,
		.refetch = job->refetch,
		.part = job->part,
		.kept = job->kept,
		.round = job->round,
		.useless = job->useless,
	};

	/* No reader waits for those behind. */
	if (job->more &&
	    (outcome == OUTCOME_WRONG || outcome == OUTCOME_MISSING))
		return fetch_parts(worker, &part);
	if (outcome == OUTCOME_WRONG && job->length > chunk) {
		part.part = true;
		part.length = job->length / chunk / 2 * chunk;
		outcome = fetch_parts(worker, &part);
		part.offset += part.length;
		part.length = job->length - part.length;
		other = outcome == OUTCOME_STOPPED ? outcome :
			fetch_parts(worker, &part);
		return outcome == OUTCOME_FILLED ? other : outcome;
	}
	if (outcome == OUTCOME_MISSING || outcome == OUTCOME_WRONG)
		give_up(loader, job);
	return outcome;
}

static void count(struct loader *loader, const struct job *job,
		  enum outcome outcome)
{
	if (job->priority == PRIORITY_DEMAND)
		atomic_fetch_add(&loader->stats.demand, 1);
	else if (job->priority == PRIORITY_HINT)
		atomic_fetch_add(&loader->stats.hints, 1);
	if (job->refetch && outcome == OUTCOME_FILLED)
		atomic_fetch_add(&loader->stats.refetched, 1);
	if (outcome == OUTCOME_LATER)
		atomic_fetch_add(&loader->stats.failed, 1);
}

static void do_job(struct worker *worker, struct job *job)
{
	struct loader *loader = worker->loader;
	bool startup = job->priority == PRIORITY_STARTUP;
	enum outcome outcome = OUTCOME_STOPPED;

	worker->kept = worker->useless = false;
	worker->pause = 0;
	worker->loaded = loaded_hold(loader);
	worker->piece = job->priority == PRIORITY_BACKGROUND ? job : NULL;
	pool_take(&loader->pool, &worker->connections,
		  worker->piece ? job->pace.share : 0);
	if (job->ahead)
		worker_fetch_ahead(worker, job);
	else
		outcome = fetch_parts(worker, job);
	job->fetched = worker->connections.fetched;
	job->delay = worker->connections.delay;
	job->rate = worker->connections.rate;
	pool_give(&loader->pool, &worker->connections);
	loaded_drop(loader, worker->loaded);
	worker->loaded = NULL;
	/* There are many workers: none keeps that of a long piece. */
	if (worker->capacity > BUFFER_KEPT)
		free_buffer(worker);
	if (job->ahead) {
		queue_came_ahead(&loader->queue, job);
		return;
	}
	if (outcome == OUTCOME_AWAY) {
		queue_away(&loader->queue, job, worker->pause);
		return;
	}
	if (outcome == OUTCOME_LATER && job->round < loader->retry) {
		if (worker->useless)
			job->useless++;
		queue_put_off(&loader->queue, job, worker->pause, worker->kept);
		return;
	}
	count(loader, job, outcome);
	queue_done(&loader->queue, job, outcome != OUTCOME_FILLED);
	/* The main thread waits for the end of the list, and of the image. */
	if (startup || queue_look_due(&loader->queue))
		loader_wake_main(loader);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct job *job;

	worker_become(worker);
	while ((job = queue_take(&worker->loader->queue)))
		do_job(worker, job);
	return NULL;
}

/* A tenth of what a thread of the usual priority gets, where both want a processor. */
#define RESTS_NICE	10

static void *fill_rests(void *context)
{
	struct worker *worker = context;
	struct rests *rests = &worker->loader->rests;
	struct rest *rest;

	worker_become(worker);
	/* Linux has a priority for each thread. */
	setpriority(PRIO_PROCESS, 0, RESTS_NICE);
	while ((rest = rests_take(rests)))
		worker_fill_rest(worker, rest);
	while ((rest = rests_add(rests, NULL)))
		worker_free_rest(worker, rest);
	return NULL;
}

int worker_start_rests(struct worker *worker)
{
	return -pthread_create(&worker->thread, NULL, fill_rests, worker);
}

int worker_start(struct worker *worker)
{
	return -pthread_create(&worker->thread, NULL, work, worker);
}
