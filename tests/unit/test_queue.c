// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the loader fetches next (userspace/loader/queue.c): demand before hints,
 * no range twice at a time, and the reason why bytes are absent. What is absent
 * of the "device" are the holes of a file.
 */
#include "../../userspace/common/device.c"
#include "../../userspace/loader/queue.c"
/* Below device.c, which has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define K		1024ull
#define SIZE		(1024 * K)

struct state {
	struct device device;
	struct queue queue;
};

static int set_up(void **data)
{
	static struct state state;
	FILE *file = tmpfile();

	if (!file)
		return -1;
	memset(&state, 0, sizeof(state));
	state.device.fd = dup(fileno(file));
	state.device.chunk = 4 * K;
	state.device.size = SIZE;
	fclose(file);
	if (state.device.fd < 0 || ftruncate(state.device.fd, (off_t)SIZE))
		return -1;
	queue_init(&state.queue, &state.device, SIZE, 4, false);
	*data = &state;
	return 0;
}

static int tear_down(void **data)
{
	struct state *state = *data;

	queue_destroy(&state->queue);
	return close(state->device.fd);
}

static void add(struct queue *queue, u64 offset, u64 length, u32 flags)
{
	const struct inc_request request = {
		.offset = offset, .length = length, .flags = flags,
	};

	queue_add(queue, &request);
}

/* The next job is of this kind. */
static struct job *take(struct queue *queue, u64 offset, u64 length,
			enum priority priority, bool refetch)
{
	struct job *job = queue_take(queue);

	assert_non_null(job);
	assert_int_equal(job->offset, offset);
	assert_int_equal(job->length, length);
	assert_int_equal(job->priority, priority);
	assert_int_equal(job->refetch, refetch);
	return job;
}

static void test_order(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *hint, *demand;

	add(queue, 0, 8 * K, INC_REQUEST_HINT);
	add(queue, 64 * K, 4 * K, 0);
	add(queue, 64 * K, 4 * K, INC_REQUEST_AGAIN);
	add(queue, 128 * K, 4 * K, 0);
	queue_done(queue, take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	queue_done(queue, take(queue, 128 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	hint = take(queue, 0, 8 * K, PRIORITY_HINT, false);
	/* Held back while that runs, and nothing else is. */
	add(queue, 4 * K, 4 * K, 0);
	add(queue, 256 * K, 4 * K, INC_REQUEST_HINT);
	queue_done(queue, take(queue, 256 * K, 4 * K, PRIORITY_HINT, false),
		   false);
	queue_done(queue, hint, false);
	demand = take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false);
	queue_done(queue, demand, false);
}

/* Damage is told once; whoever fetches the bytes first has to know. */
static void test_refetch(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	add(queue, 0, 16 * K, INC_REQUEST_HINT | INC_REQUEST_REFETCH);
	add(queue, 12 * K, 8 * K, 0);
	add(queue, 16 * K, 4 * K, 0);
	queue_done(queue, take(queue, 12 * K, 8 * K, PRIORITY_DEMAND, true),
		   false);
	/* It shares bytes with the one before, which may have failed. */
	queue_done(queue, take(queue, 16 * K, 4 * K, PRIORITY_DEMAND, true),
		   false);
	queue_done(queue, take(queue, 0, 16 * K, PRIORITY_HINT, true), false);
	assert_int_equal(queue->refetches, 0);

	/* Asked for before it was damaged, and held back by one that runs. */
	add(queue, 64 * K, 4 * K, 0);
	job = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	add(queue, 64 * K, 8 * K, INC_REQUEST_HINT);
	add(queue, 128 * K, 4 * K, INC_REQUEST_HINT);
	queue_done(queue, take(queue, 128 * K, 4 * K, PRIORITY_HINT, false),
		   false);
	add(queue, 68 * K, 4 * K, INC_REQUEST_REFETCH);
	queue_done(queue, take(queue, 68 * K, 4 * K, PRIORITY_DEMAND, true),
		   false);
	queue_done(queue, job, false);
	queue_done(queue, take(queue, 64 * K, 8 * K, PRIORITY_HINT, true),
		   false);
	assert_int_equal(queue->refetches, 0);
	add(queue, 64 * K, 8 * K, 0);
	queue_done(queue, take(queue, 64 * K, 8 * K, PRIORITY_DEMAND, false),
		   false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refetch, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
