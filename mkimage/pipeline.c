// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pipeline; see pipeline.h. Items go round a ring:
 *
 *	consumed <= taken <= produced <= consumed + ring size
 *
 * where each name counts items since the start.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include "common/message.h"
#include "pipeline.h"

struct slot {
	void *item;
	bool done;
	int result;
};

struct ring {
	const struct pipeline *pipeline;
	pthread_mutex_t lock;
	pthread_cond_t to_workers;
	pthread_cond_t to_caller;
	struct slot *slots;
	unsigned int items;		/* in flight at most */
	unsigned long produced, taken, consumed;
	bool ended;
};

static void *worker(void *argument)
{
	struct ring *ring = argument;
	const struct pipeline *pipeline = ring->pipeline;

	pthread_mutex_lock(&ring->lock);
	for (;;) {
		struct slot *slot;

		while (ring->taken == ring->produced && !ring->ended)
			pthread_cond_wait(&ring->to_workers, &ring->lock);
		if (ring->taken == ring->produced)
			break;
		slot = &ring->slots[ring->taken++ % ring->items];
		pthread_mutex_unlock(&ring->lock);
		slot->result = pipeline->work(pipeline->context, slot->item);
		pthread_mutex_lock(&ring->lock);
		slot->done = true;
		pthread_cond_signal(&ring->to_caller);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

/* Wait for the oldest item and consume it. */
static int consume_one(struct ring *ring)
{
	const struct pipeline *pipeline = ring->pipeline;
	struct slot *slot = &ring->slots[ring->consumed % ring->items];

	pthread_mutex_lock(&ring->lock);
	while (!slot->done)
		pthread_cond_wait(&ring->to_caller, &ring->lock);
	pthread_mutex_unlock(&ring->lock);
	if (slot->result)
		return slot->result;
	ring->consumed++;
	return pipeline->consume(pipeline->context, slot->item);
}

static int produce_all(struct ring *ring)
{
	const struct pipeline *pipeline = ring->pipeline;
	int ret;

	for (;;) {
		struct slot *slot;

		if (ring->produced - ring->consumed == ring->items) {
			ret = consume_one(ring);
			if (ret)
				return ret;
		}
		slot = &ring->slots[ring->produced % ring->items];
		ret = pipeline->produce(pipeline->context, slot->item);
		if (ret <= 0)
			break;
		pthread_mutex_lock(&ring->lock);
		slot->done = false;
		ring->produced++;
		pthread_cond_signal(&ring->to_workers);
		pthread_mutex_unlock(&ring->lock);
	}
	while (!ret && ring->consumed < ring->produced)
		ret = consume_one(ring);
	return ret;
}

static int run_threads(struct ring *ring)
{
	const struct pipeline *pipeline = ring->pipeline;
	pthread_t *threads = calloc(pipeline->threads, sizeof(*threads));
	unsigned int i, started;
	int ret = threads ? 0 : -ENOMEM;

	for (started = 0; !ret && started < pipeline->threads; started++) {
		/* It fails for no other reason. */
		if (pthread_create(&threads[started], NULL, worker, ring))
			ret = -ENOMEM;
		if (ret)
			break;
	}
	/* Fewer threads than asked for do as well. */
	if (started)
		ret = produce_all(ring);

	pthread_mutex_lock(&ring->lock);
	ring->ended = true;
	if (ret)
		ring->produced = ring->taken;
	pthread_cond_broadcast(&ring->to_workers);
	pthread_mutex_unlock(&ring->lock);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return ret;
}

int pipeline_run(const struct pipeline *pipeline)
{
	struct ring ring = {
		.pipeline = pipeline,
		.items = pipeline->threads + 4,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.to_workers = PTHREAD_COND_INITIALIZER,
		.to_caller = PTHREAD_COND_INITIALIZER,
	};
	unsigned int i;
	int ret = 0;

	ring.slots = calloc(ring.items, sizeof(*ring.slots));
	if (!ring.slots)
		ret = -ENOMEM;
	for (i = 0; !ret && i < ring.items; i++) {
		ring.slots[i].item = pipeline->item_new(pipeline->context);
		if (!ring.slots[i].item)
			ret = -ENOMEM;
	}
	if (!ret)
		ret = run_threads(&ring);
	for (i = 0; ring.slots && i < ring.items; i++)
		pipeline->item_free(ring.slots[i].item);
	free(ring.slots);
	if (ret == -ENOMEM)
		message_error("out of memory; fewer --threads take less");
	return ret;
}

unsigned int pipeline_threads(void)
{
	cpu_set_t set;

	unsigned int count;

	/* It fails only where there are more processors than in a set. */
	if (sched_getaffinity(0, sizeof(set), &set))
		return PIPELINE_THREADS_MAX;
	count = (unsigned int)CPU_COUNT(&set);
	return count < PIPELINE_THREADS_MAX ? count : PIPELINE_THREADS_MAX;
}
