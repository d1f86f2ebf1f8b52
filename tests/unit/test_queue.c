// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loader's queue (userspace/loader/queue.c and the units above it): demands before the start-up list
 * before hints, no range twice at a time, the reason why bytes are wanted; jobs that
 * are put aside, and jobs that no read wants any more. The absent ranges of the
 * "device" are the holes of a file, and time passes when the test advances it. The
 * number of comparisons shows that no step looks at all jobs.
 */
#include <sys/eventfd.h>
#include <time.h>

static struct timespec test_time;
static unsigned long long compared;

/* In place of clock_gettime(); nothing here waits for a time. */
static int test_clock(struct timespec *time)
{
	*time = test_time;
	return 0;
}

#define clock_gettime(clock, time)	test_clock(time)
#define JOBS_COMPARED()			(compared++)

#include "node/device.c"
#include "loader/queue.c"
#include "loader/requests.c"
#include "loader/pieces.c"
#include "loader/choice.c"
#include "loader/results.c"
/* Included after device.c, which has a fail() of its own. */
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
	test_time = (struct timespec){ .tv_sec = 1000 };
	state.device.fd = dup(fileno(file));
	state.device.chunk = 4 * K;
	state.device.size = SIZE;
	fclose(file);
	if (state.device.fd < 0 || ftruncate(state.device.fd, (off_t)SIZE))
		return -1;
	queue_init(&state.queue, &state.device, SIZE, 4, -1, false);
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
	const struct dm_incremental_request request = {
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

#define PIECE	((u64)PACE_PIECE_MIN)

/* A large image, of which nothing is there, is to be fetched. */
static void begin_background(struct state *state)
{
	state->queue.background = true;
	state->queue.pace.window = 3 * PIECE / 2;
	state->queue.end = state->device.size = 1000 * PIECE;
	assert_int_equal(ftruncate(state->device.fd, 1000 * PIECE), 0);
}

static void test_order(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *hint, *demand;

	add(queue, 0, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	add(queue, 64 * K, 4 * K, 0);
	add(queue, 64 * K, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN);
	add(queue, 128 * K, 4 * K, 0);
	queue_done(queue, take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	queue_done(queue, take(queue, 128 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	hint = take(queue, 0, 8 * K, PRIORITY_HINT, false);
	/* Held back while that runs, and nothing else is. */
	add(queue, 4 * K, 4 * K, 0);
	add(queue, 256 * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	queue_done(queue, take(queue, 256 * K, 4 * K, PRIORITY_HINT, false),
		   false);
	queue_done(queue, hint, false);
	demand = take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false);
	queue_done(queue, demand, false);
}

/* There is nothing to do now. */
static void idle(struct queue *queue)
{
	u64 wait;

	assert_null(choose(queue, &wait));
}

static void pass(unsigned int seconds)
{
	test_time.tv_sec += seconds;
}

/* The kernel reports damage once; the job that fetches the bytes first carries it. */
static void test_refetch(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	add(queue, 0, 16 * K, DM_INCREMENTAL_REQUEST_HINT | DM_INCREMENTAL_REQUEST_REFETCH);
	add(queue, 12 * K, 8 * K, 0);
	add(queue, 16 * K, 8 * K, 0);
	queue_done(queue, take(queue, 12 * K, 8 * K, PRIORITY_DEMAND, true),
		   false);
	/* The rest of a range whose start was asked for already. */
	queue_done(queue, take(queue, 20 * K, 4 * K, PRIORITY_DEMAND, true),
		   false);
	queue_done(queue, take(queue, 0, 16 * K, PRIORITY_HINT, true), false);
	idle(queue);

	/* Asked for before it was damaged, and held back by a running job. */
	add(queue, 64 * K, 4 * K, 0);
	job = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	add(queue, 64 * K, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	add(queue, 128 * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	queue_done(queue, take(queue, 128 * K, 4 * K, PRIORITY_HINT, false),
		   false);
	add(queue, 68 * K, 4 * K, DM_INCREMENTAL_REQUEST_REFETCH);
	queue_done(queue, take(queue, 68 * K, 4 * K, PRIORITY_DEMAND, true),
		   false);
	queue_done(queue, job, false);
	queue_done(queue, take(queue, 64 * K, 8 * K, PRIORITY_HINT, true),
		   false);
	add(queue, 64 * K, 8 * K, 0);
	queue_done(queue, take(queue, 64 * K, 8 * K, PRIORITY_DEMAND, false),
		   false);
	idle(queue);

	/* A range that a worker has is damaged again: it is done again. */
	add(queue, 0, 4 * K, 0);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	add(queue, 0, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN | DM_INCREMENTAL_REQUEST_REFETCH);
	idle(queue);
	queue_done(queue, job, false);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, true);
	add(queue, 0, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN | DM_INCREMENTAL_REQUEST_REFETCH);
	queue_done(queue, job, true);
	idle(queue);
}

/* A range that a worker has is fetched again if it is made absent meanwhile. */
static void test_anew(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	add(queue, 0, 4 * K, 0);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	add(queue, 0, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN);
	queue_done(queue, job, true);
	idle(queue);
	add(queue, 0, 4 * K, 0);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	add(queue, 0, 8 * K, 0);
	queue_done(queue, take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	queue_done(queue, job, false);
	queue_done(queue, take(queue, 0, 4 * K, PRIORITY_DEMAND, false), false);
	idle(queue);
}

static bool told(int event)
{
	u64 count;

	return read(event, &count, sizeof(count)) == sizeof(count);
}

/* Of many workers just some are at demands, so that one reader's do not all go first. */
static void test_demands_at_once(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *job[DEMANDS_AT_ONCE + 1];
	unsigned int i;

	queue_destroy(queue);
	queue_init(queue, &state->device, SIZE, 64, -1, false);
	assert_int_equal(queue->background_max, 56);
	assert_int_equal(queue_room(queue), DEMANDS_AT_ONCE);
	for (i = 0; i <= DEMANDS_AT_ONCE; i++)
		add(queue, i * 16 * K, 4 * K, 0);
	add(queue, 512 * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	for (i = 0; i < DEMANDS_AT_ONCE; i++)
		job[i] = take(queue, i * 16 * K, 4 * K, PRIORITY_DEMAND, false);
	/* A hint would go before the demand that is left. */
	idle(queue);
	queue_done(queue, job[0], false);
	job[i] = take(queue, i * 16 * K, 4 * K, PRIORITY_DEMAND, false);
	idle(queue);
	for (i = 1; i <= DEMANDS_AT_ONCE; i++)
		queue_done(queue, job[i], false);
	queue_done(queue, take(queue, 512 * K, 4 * K, PRIORITY_HINT, false), false);
}

/* As many demands wait as there are workers; the kernel keeps the others. */
static void test_room(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job[4];
	unsigned int i;

	queue->event = eventfd(0, EFD_NONBLOCK);
	assert_true(queue->event >= 0);
	assert_int_equal(queue_room(queue), 4);
	for (i = 0; i < 4; i++)
		add(queue, i * 64 * K, 4 * K, 0);
	for (i = 0; i < 4; i++)
		job[i] = take(queue, i * 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(queue_room(queue), 4);
	/* Failed demands take no room, nor do hints. */
	queue_put_off(queue, job[3], 60000, false);
	for (i = 0; i < 3; i++)
		add(queue, (i + 4) * 64 * K, 4 * K, 0);
	add(queue, 512 * K, 64 * K, DM_INCREMENTAL_REQUEST_HINT);
	assert_int_equal(queue_room(queue), 1);
	assert_false(told(queue->event));

	/* A caller that knows of room gets no event; after that it gets each. */
	add(queue, 7 * 64 * K, 8 * K, 0);
	assert_int_equal(queue_room(queue), 0);
	job[3] = take(queue, 4 * 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_true(told(queue->event));
	queue_done(queue, job[3], false);
	job[3] = take(queue, 5 * 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_false(told(queue->event));
	assert_int_equal(queue_room(queue), 2);
	queue_done(queue, job[3], false);

	/* Nor do demands that a range being fetched holds back. */
	queue_done(queue, job[0], false);
	queue_done(queue, job[1], false);
	queue_done(queue, job[2], false);
	for (i = 6; i < 8; i++)
		queue_done(queue, take(queue, i * 64 * K, (i - 5) * 4 * K,
				       PRIORITY_DEMAND, false), false);
	job[0] = take(queue, 512 * K, 64 * K, PRIORITY_HINT, false);
	for (i = 0; i < 6; i++)
		add(queue, 512 * K + i * 8 * K, 4 * K, 0);
	assert_int_equal(queue_room(queue), 0);
	idle(queue);
	tell_room(queue);
	assert_true(told(queue->event));
	assert_int_equal(queue_room(queue), 4);
	queue_done(queue, job[0], false);
	assert_int_equal(queue_room(queue), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(told(queue->event), i == 3);
		queue_done(queue, take(queue, 512 * K + i * 8 * K, 4 * K,
				       PRIORITY_DEMAND, false), false);
	}
	assert_int_equal(close(queue->event), 0);

	/* A demand that waits for its first turn is never dropped. */
	add(queue, 0, 4 * K, 0);
	pass(1000);
	queue_done(queue, take(queue, 0, 4 * K, PRIORITY_DEMAND, false), false);
}

/* Ranges that fail do not keep workers from others. */
static void test_aside(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *again[2];
	unsigned int i, round;
	u64 done;

	for (i = 0; i < 48; i++)
		add(queue, i * 8 * K, 4 * K, 0);
	for (i = 0; i < 48; i++)
		queue_put_off(queue, take(queue, i * 8 * K, 4 * K,
					  PRIORITY_DEMAND, false), 0, i == 5);
	idle(queue);
	assert_int_equal(queue->demands, 0);
	add(queue, 4 * K, 4 * K, 0);
	queue_done(queue, take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	idle(queue);

	/* Of four workers two at most try again, and others have their turn. */
	pass(1);
	add(queue, 12 * K, 4 * K, 0);
	add(queue, 20 * K, 4 * K, 0);
	again[0] = queue_take(queue);
	assert_int_equal(again[0]->round, 1);
	queue_done(queue, take(queue, 12 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	again[1] = queue_take(queue);
	assert_int_equal(again[1]->round, 1);
	queue_done(queue, take(queue, 20 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	idle(queue);

	/* The time asked for, and pauses that grow to 8 s and an eighth. */
	queue_put_off(queue, again[0], 100000, false);
	done = again[1]->offset;
	queue_done(queue, again[1], false);
	for (round = 1; round < 8; round++) {
		for (i = 0; i < 46; i++) {
			struct job *job = queue_take(queue);

			assert_int_equal(job->round, round);
			assert_int_equal(job->kept,
					 round == 1 && job->offset == 40 * K);
			queue_put_off(queue, job, 0, false);
		}
		idle(queue);
		pass(9);
		for (i = 0; i < 48; i++)
			if (i * 8 * K != done)
				add(queue, i * 8 * K, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN);
	}
	assert_int_equal(queue->known[PRIORITY_DEMAND], 47);
	pass(100);
	queue_resume(queue);
	/* No read has asked for them for so long that they are dropped. */
	idle(queue);
	assert_int_equal(queue->known[PRIORITY_DEMAND], 0);
	assert_int_equal(queue->demands, 0);
}

/* The cause of their failures is over; or everything would fail. */
static void test_resume(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	add(queue, 0, 4 * K, 0);
	add(queue, 8 * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	queue_put_off(queue, take(queue, 0, 4 * K, PRIORITY_DEMAND, false),
		      60000, false);
	queue_put_off(queue, take(queue, 8 * K, 4 * K, PRIORITY_HINT, false),
		      0, true);
	idle(queue);
	queue_resume(queue);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	queue_done(queue, take(queue, 8 * K, 4 * K, PRIORITY_HINT, false),
		   false);
	queue_hold(queue, 1000);
	add(queue, 8 * K, 4 * K, 0);
	idle(queue);
	pass(1);
	queue_done(queue, take(queue, 8 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	queue_done(queue, job, false);
	idle(queue);
}

/* Background fetching goes on beside ranges that fail, up to a limit. */
static void test_background(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *first, *job;
	unsigned int i;

	begin_background(state);
	pass(1);
	first = take(queue, 0, PIECE, PRIORITY_BACKGROUND, false);
	queue_put_off(queue, first, 0, false);
	for (i = 1; i < BACKGROUND_MAX; i++)
		queue_put_off(queue, take(queue, i * PIECE, PIECE,
					  PRIORITY_BACKGROUND, false), 0, false);
	idle(queue);
	add(queue, 4 * K, 4 * K, 0);
	pass(1);
	job = take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false);
	/* It pauses while a reader waits. */
	idle(queue);
	queue_put_off(queue, job, 0, false);
	/* And for some time after. */
	idle(queue);
	queue_resume(queue);
	queue_put_off(queue, take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false), 9000, false);
	pass(1);
	job = queue_take(queue);
	assert_int_equal(job->priority, PRIORITY_BACKGROUND);
	assert_int_equal(job->round, 1);
	queue_done(queue, job, false);
	job = queue_take(queue);
	queue_done(queue, job, true);
	for (i = 2; i < BACKGROUND_MAX; i++) {
		job = queue_take(queue);
		assert_int_equal(job->round, 1);
		queue_done(queue, job, true);
	}
	/* The range that failed comes later. */
	idle(queue);
	queue_resume(queue);
	queue_done(queue, take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	queue_done(queue, take(queue, BACKGROUND_MAX * PIECE, PIECE,
			       PRIORITY_BACKGROUND, false), false);
}

/* Nanoseconds until a worker would look again; it finds nothing now. */
static u64 next_look(struct queue *queue)
{
	u64 wait;

	assert_null(choose(queue, &wait));
	return wait ? wait - queue_now() : 0;
}

static void pass_nanoseconds(u64 nanoseconds)
{
	nanoseconds += (u64)test_time.tv_nsec;
	test_time.tv_sec += (time_t)(nanoseconds / NANO);
	test_time.tv_nsec = (long)(nanoseconds % NANO);
}

/*
 * No origin can be asked: one job tries, after pauses that grow to PAUSE_MAX and not
 * more; all go on as soon as it, or a reader's, has got something.
 */
static void test_away(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *jobs[3];
	unsigned int i, tries;
	u64 wait = 0;

	begin_background(state);
	pass(1);
	for (i = 0; i < 3; i++)
		jobs[i] = queue_take(queue);
	for (i = 0; i < 3; i++)
		queue_away(queue, jobs[i], 0);
	for (tries = 0; tries < 20; tries++) {
		wait = next_look(queue);
		assert_true(wait >= PAUSE_FIRST * MILLI * 7 / 8);
		assert_true(wait <= PAUSE_MAX * MILLI * 9 / 8);
		pass_nanoseconds(wait);
		jobs[0] = queue_take(queue);
		/* Just one, and nothing to wake up for. */
		assert_int_equal(next_look(queue), 0);
		queue_away(queue, jobs[0], 0);
	}
	assert_true(wait >= PAUSE_MAX * MILLI * 7 / 8);
	/* A server wants to be left alone for a minute. */
	pass_nanoseconds(wait);
	queue_away(queue, queue_take(queue), 60000);
	wait = next_look(queue);
	assert_true(wait >= 60 * NANO && wait <= 75 * NANO);
	/* A reader does not wait for that. */
	add(queue, 6 * PIECE, 4 * K, 0);
	queue_done(queue, take(queue, 6 * PIECE, 4 * K, PRIORITY_DEMAND,
			       false), false);
	pass(1);
	for (i = 0; i < 3; i++)
		jobs[i] = queue_take(queue);
	assert_int_equal(jobs[0]->offset + jobs[1]->offset + jobs[2]->offset,
			 3 * PIECE);
	/* The next time begins with short pauses. */
	for (i = 0; i < 3; i++)
		queue_away(queue, jobs[i], 0);
	wait = next_look(queue);
	assert_true(wait <= PAUSE_FIRST * MILLI * 9 / 8);
	pass_nanoseconds(wait);
	for (i = 0; i < 3; i++)
		jobs[i] = NULL;
	queue_done(queue, queue_take(queue), false);
	for (i = 0; i < 3; i++)
		jobs[i] = queue_take(queue);
	for (i = 0; i < 3; i++)
		queue_done(queue, jobs[i], false);
}

/* A job of the start-up list, done. */
static void startup(struct queue *queue, u64 offset, u64 length)
{
	queue_done(queue, take(queue, offset, length, PRIORITY_STARTUP, false),
		   false);
}

/* A start-up list that no origin can be asked for is not waited for, but kept. */
static void test_startup_away(void **data)
{
	static const struct incr_range ranges[] = { { 0, 8192 }, { 65536, 8192 } };
	struct queue *queue = &((struct state *)*data)->queue;

	queue_startup(queue, ranges, 2, 0);
	queue_away(queue, take(queue, 0, 8 * K, PRIORITY_STARTUP, false), 0);
	assert_int_equal(next_look(queue), queue->not_before - queue_now());
	assert_true(queue_startup_over(queue));
	queue_resume(queue);
	assert_false(queue_startup_over(queue));
	startup(queue, 0, 8 * K);
	startup(queue, 64 * K, 8 * K);
	idle(queue);
	assert_true(queue_startup_over(queue));
}

/* What has failed for now does not hold up the rest for long, however much it is. */
static void test_failures(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *jobs[3];
	unsigned int i, round;

	begin_background(state);
	pass(1);
	for (round = 0; round < 10; round++) {
		u64 wait;

		for (i = 0; i < 3; i++)
			jobs[i] = queue_take(queue);
		for (i = 0; i < 3; i++)
			queue_done(queue, jobs[i], true);
		wait = next_look(queue);
		assert_true(wait && wait <= DELAY_MAX * NANO);
		pass_nanoseconds(wait);
	}
}

/* The next job is one of the list whose bytes are fetched before they can be verified. */
static struct job *take_ahead(struct queue *queue, u64 offset, u64 length, bool proof)
{
	struct job *job = take(queue, offset, length, PRIORITY_STARTUP, false);

	assert_true(job->ahead);
	assert_int_equal(job->proof, proof);
	return job;
}

/*
 * The list goes in its own order, in pieces, what is present left out; after a demand, but before
 * hints and all else.
 */
static void test_startup(void **data)
{
	static const struct incr_range list[] = {
		{ 512 * K, 8 * K }, { 256 * K, 4 * K },
		{ 4 * K, 300 * K }, { 900 * K, 4 * K }, { 800 * K, 16 * K },
	};
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *first, *second, *demand;

	queue->background = true;
	queue_expect_startup(queue, 1000);
	assert_false(queue_startup_over(queue));
	/* It is on its way. */
	idle(queue);
	assert_int_equal(pwrite(state->device.fd, "x", 1, 900 * K), 1);
	queue_startup(queue, list, 5, 0);
	startup(queue, 512 * K, 8 * K);
	startup(queue, 256 * K, 4 * K);
	first = take(queue, 4 * K, 124 * K, PRIORITY_STARTUP, false);
	add(queue, 600 * K, 4 * K, 0);
	demand = take(queue, 600 * K, 4 * K, PRIORITY_DEMAND, false);
	second = take(queue, 128 * K, 128 * K, PRIORITY_STARTUP, false);
	queue_done(queue, demand, false);
	queue_done(queue, first, false);
	queue_done(queue, second, false);
	startup(queue, 256 * K, 48 * K);
	/* The range between them is present. */
	first = take(queue, 800 * K, 16 * K, PRIORITY_STARTUP, false);
	idle(queue);
	assert_false(queue_startup_over(queue));
	queue_done(queue, first, false);
	assert_true(queue_startup_over(queue));
	idle(queue);
	pass(1);
	queue_done(queue, take(queue, 0, PIECE, PRIORITY_BACKGROUND, false),
		   false);
}

/*
 * The bytes of data come beside the metadata, which are in smaller pieces. Nothing is verified
 * before all metadata have come, or have failed; then all in the list's order.
 */
static void test_startup_ahead(void **data)
{
	static const struct incr_range list[] = {
		{ 512 * K, 40 * K }, { 256 * K, 4 * K }, { 4 * K, 128 * K },
	};
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *proof[3], *first, *second;

	queue_destroy(queue);
	queue_init(queue, &state->device, SIZE, 64, -1, false);
	queue_startup(queue, list, 3, 2);
	proof[0] = take_ahead(queue, 512 * K, 32 * K, true);
	proof[1] = take_ahead(queue, 544 * K, 8 * K, true);
	proof[2] = take_ahead(queue, 256 * K, 4 * K, true);
	first = take_ahead(queue, 4 * K, 124 * K, false);
	second = take_ahead(queue, 128 * K, 4 * K, false);
	idle(queue);
	queue_came_ahead(queue, proof[0]);
	queue_came_ahead(queue, first);
	queue_came_ahead(queue, proof[2]);
	idle(queue);
	/* A reader finds the bytes. */
	add(queue, 8 * K, 4 * K, 0);
	queue_done(queue, take(queue, 8 * K, 4 * K, PRIORITY_DEMAND, false), false);
	queue_came_ahead(queue, proof[1]);
	startup(queue, 512 * K, 32 * K);
	startup(queue, 4 * K, 124 * K);
	startup(queue, 256 * K, 4 * K);
	startup(queue, 544 * K, 8 * K);
	idle(queue);
	assert_false(queue_startup_over(queue));
	queue_came_ahead(queue, second);
	startup(queue, 128 * K, 4 * K);
	assert_true(queue_startup_over(queue));
}

/* There is a bound on what is kept until it can be verified. */
static void test_startup_ahead_most(void **data)
{
	static const struct incr_range list[] = { { 0, 4 * K }, { 4 * K, SIZE - 4 * K } };
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *proof;
	u64 bytes = 0;

	queue_startup(queue, list, 2, 1);
	proof = take_ahead(queue, 0, 4 * K, true);
	queue->startup.ahead_bytes = AHEAD_MAX - 128 * K;
	queue_came_ahead(queue, take_ahead(queue, 4 * K, 124 * K, false));
	queue_came_ahead(queue, take_ahead(queue, 128 * K, 128 * K, false));
	idle(queue);
	queue_came_ahead(queue, proof);
	while (bytes < SIZE) {
		struct job *job = queue_take(queue);

		assert_false(job->ahead);
		bytes += job->length;
		queue_done(queue, job, false);
	}
	idle(queue);
	assert_int_equal(bytes, SIZE);
	assert_true(queue_startup_over(queue));
}

/* A list of which readers want little is given up; one that they want is not. */
static void test_startup_of_another(void **data)
{
	static const struct incr_range list[] = { { 0, 128 * K }, { 512 * K, 256 * K } };
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *job;
	unsigned int i;

	queue->background = true;
	queue_startup(queue, list, 2, 0);
	for (i = 0; i < 16; i++)
		add(queue, (512 + 4 * i) * K, 4 * K, 0);
	for (i = 0; i < 16; i++) {
		add(queue, (256 + 4 * i) * K, 4 * K, 0);
		/* Neither is a second look at one, nor a hint. */
		add(queue, (256 + 4 * i) * K, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN);
		add(queue, (400 + 4 * i) * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	}
	assert_false(queue_startup_over(queue));
	add(queue, 384 * K, 4 * K, 0);
	assert_true(queue_startup_over(queue));
	for (i = 0; i < 33; i++) {
		job = queue_take(queue);
		assert_int_equal(job->priority, PRIORITY_DEMAND);
		queue_done(queue, job, false);
	}
}

/* A list's jobs that can be taken at once are @most. */
static void takes_of_list(struct state *state, const struct incr_range *list, size_t count,
			  u64 rate, unsigned int most)
{
	struct queue *queue = &state->queue;
	struct job *job[32];
	unsigned int i;

	queue_destroy(queue);
	queue_init(queue, &state->device, SIZE, 64, -1, false);
	pace_other(&queue->pace, queue_now(), rate, 200 * MILLI);
	queue_startup(queue, list, count, 0);
	for (i = 0; i < most; i++) {
		job[i] = queue_take(queue);
		assert_int_equal(job[i]->priority, PRIORITY_STARTUP);
	}
	idle(queue);
	for (i = 0; i < most; i++)
		queue_done(queue, job[i], false);
}

/* A few ranges of a list are fetched at a time, and more if they are small or the link is long. */
static void test_startup_small(void **data)
{
	static const struct incr_range large = { 0, SIZE };
	struct incr_range small[48];
	unsigned int i;

	for (i = 0; i < 48; i++)
		small[i] = (struct incr_range){ (8 + i * 20) * K, 4 * K };
	takes_of_list(*data, &large, 1, 0, 7);
	takes_of_list(*data, &large, 1, 1000 * K, 7);
	takes_of_list(*data, &large, 1, 2400 * K, 8);
	takes_of_list(*data, small, 48, 0, 24);
}

static bool tells(struct queue *queue, u64 offset, u32 flags)
{
	const struct dm_incremental_request request = {
		.offset = offset, .length = 4 * K, .flags = flags,
	};

	return queue_startup_tells(queue, &request);
}

/* Hints are of no use beside a list that is right; they are when readers go beyond it. */
static void test_startup_tells(void **data)
{
	static const struct incr_range list[] = { { 512 * K, 64 * K } };
	struct queue *queue = &((struct state *)*data)->queue;
	unsigned int i;

	assert_false(tells(queue, 512 * K, DM_INCREMENTAL_REQUEST_HINT));
	assert_false(tells(queue, 512 * K, 0));
	add(queue, 800 * K, 4 * K, DM_INCREMENTAL_REQUEST_HINT);
	queue_startup(queue, list, 1, 0);
	assert_int_equal(queue->waiting[PRIORITY_HINT].count, 0);
	assert_true(tells(queue, 700 * K, DM_INCREMENTAL_REQUEST_HINT));
	assert_true(tells(queue, 512 * K, 0));
	assert_false(tells(queue, 700 * K, 0));
	for (i = 0; i < 4; i++) {
		add(queue, (512 + 4 * i) * K, 4 * K, 0);
		queue_done(queue, queue_take(queue), false);
	}
	add(queue, 700 * K, 4 * K, 0);
	queue_done(queue, queue_take(queue), false);
	assert_true(tells(queue, 512 * K, DM_INCREMENTAL_REQUEST_HINT));
	startup(queue, 512 * K, 64 * K);
	idle(queue);
	assert_true(queue_startup_over(queue));
	assert_true(tells(queue, 700 * K, DM_INCREMENTAL_REQUEST_HINT));
	assert_false(tells(queue, 512 * K, 0));
	add(queue, 720 * K, 4 * K, 0);
	queue_done(queue, queue_take(queue), false);
	assert_false(tells(queue, 700 * K, DM_INCREMENTAL_REQUEST_HINT));
}

/* What fails of the list holds up neither the rest of it nor the background. */
static void test_startup_fails(void **data)
{
	static const struct incr_range list[] = {
		{ 512 * K, 8 * K }, { 4 * K, 4 * K },
	};
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	queue->background = true;
	queue_startup(queue, list, 2, 1);
	queue_came_ahead(queue, take_ahead(queue, 512 * K, 8 * K, true));
	queue_put_off(queue, take(queue, 512 * K, 8 * K, PRIORITY_STARTUP,
				  false), 1500, false);
	job = take(queue, 4 * K, 4 * K, PRIORITY_STARTUP, false);
	idle(queue);
	queue_put_off(queue, job, 1500, false);
	assert_true(queue_startup_over(queue));
	pass(1);
	queue_done(queue, take(queue, 0, PIECE, PRIORITY_BACKGROUND, false),
		   false);
	pass(2);
	/* Before the rest, as soon as it is due. */
	queue_done(queue, take(queue, 512 * K, 8 * K, PRIORITY_STARTUP, false),
		   true);
	assert_false(queue_startup_over(queue));
	startup(queue, 4 * K, 4 * K);
	assert_true(queue_startup_over(queue));
}

/* A list that costs too much is not fetched to its end. */
static void test_startup_costs(void **data)
{
	static const struct incr_range list[] = {
		{ 512 * K, 8 * K }, { 4 * K, 4 * K }, { 64 * K, 4 * K },
	};
	struct queue *queue = &((struct state *)*data)->queue;
	const u64 most = STARTUP_COST_LEAST + STARTUP_COST * 16 * K;

	queue_startup(queue, list, 3, 0);
	startup(queue, 512 * K, 8 * K);
	queue_startup_fetched(queue, most);
	startup(queue, 4 * K, 4 * K);
	assert_false(queue_startup_over(queue));
	queue_startup_fetched(queue, 1);
	assert_true(queue_startup_over(queue));
	idle(queue);
}

/* There is none. */
static void test_no_startup(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;

	queue->background = true;
	queue_expect_startup(queue, 60000);
	idle(queue);
	queue_startup(queue, NULL, 0, 0);
	assert_true(queue_startup_over(queue));
	pass(1);
	queue_done(queue, take(queue, 0, PIECE, PRIORITY_BACKGROUND, false),
		   false);
	/* Or it does not come in time. */
	queue_expect_startup(queue, 1000);
	idle(queue);
	pass(1);
	queue_done(queue, take(queue, PIECE, PIECE, PRIORITY_BACKGROUND, false),
		   false);
}

/*
 * Readahead's hint waits for the read that has caused it. That goes first, and takes along
 * what is behind it.
 */
static void test_readahead(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job, *hint;

	add(queue, 0, 128 * K, DM_INCREMENTAL_REQUEST_HINT);
	idle(queue);
	add(queue, 64 * K, 4 * K, 0);
	job = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(job->more, 60 * K);
	hint = take(queue, 0, 64 * K, PRIORITY_HINT, false);
	idle(queue);
	/* It has to be fetched in any case. */
	add(queue, 100 * K, 4 * K, 0);
	add(queue, 128 * K, 4 * K, 0);
	queue_done(queue, take(queue, 128 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	idle(queue);
	queue_put_off(queue, job, 0, false);
	queue_done(queue, hint, false);
	queue_done(queue, take(queue, 100 * K, 4 * K, PRIORITY_DEMAND, false),
		   false);
	pass(1);
	job = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(job->more, 0);
	queue_done(queue, job, false);
	idle(queue);

	/* Up to the next demand, and no further; damage is no readahead. */
	add(queue, 512 * K, 64 * K, DM_INCREMENTAL_REQUEST_HINT);
	add(queue, 640 * K, 64 * K, DM_INCREMENTAL_REQUEST_HINT | DM_INCREMENTAL_REQUEST_REFETCH);
	add(queue, 512 * K, 4 * K, 0);
	add(queue, 528 * K, 4 * K, 0);
	add(queue, 636 * K, 4 * K, 0);
	job = take(queue, 512 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(job->more, 12 * K);
	hint = take(queue, 528 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(hint->more, 44 * K);
	queue_done(queue, hint, false);
	queue_done(queue, job, false);
	job = take(queue, 636 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_int_equal(job->more, 0);
	queue_done(queue, job, false);
	queue_done(queue, take(queue, 640 * K, 64 * K, PRIORITY_HINT, true), false);
	idle(queue);

	/* No demand comes. */
	pass(1);
	add(queue, 0, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	idle(queue);
	test_time.tv_nsec += HINT_DELAY;
	queue_done(queue, take(queue, 0, 8 * K, PRIORITY_HINT, false), false);
}

/* Hints around a demand, running ones among them: where those end that follow it. */
static void test_hinted(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	assert_int_equal(queue_hinted(queue, 64 * K, 68 * K), 0);
	add(queue, 32 * K, 28 * K, DM_INCREMENTAL_REQUEST_HINT);
	add(queue, 72 * K, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	assert_int_equal(queue_hinted(queue, 64 * K, 68 * K), 0);
	assert_int_equal(queue_hinted(queue, 60 * K, 68 * K), 68 * K);
	assert_int_equal(queue_hinted(queue, 64 * K, 72 * K), 80 * K);
	pass(1);
	job = take(queue, 32 * K, 28 * K, PRIORITY_HINT, false);
	assert_int_equal(queue_hinted(queue, 40 * K, 44 * K), 60 * K);
	assert_int_equal(queue_hinted(queue, 32 * K, 64 * K), 64 * K);
	queue_done(queue, job, false);
	assert_int_equal(queue_hinted(queue, 32 * K, 64 * K), 0);
	/* Several in a row. */
	add(queue, 80 * K, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	assert_int_equal(queue_hinted(queue, 68 * K, 72 * K), 88 * K);
	assert_int_equal(queue_hinted(queue, 0, 4 * K), 0);
}

/* Nothing waits for a piece of the rest but the rest. */
static void test_overtake(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *piece[2], *demand, *hint;

	begin_background(state);
	idle(queue);
	pass(1);
	piece[0] = take(queue, 0, PIECE, PRIORITY_BACKGROUND, false);
	piece[1] = take(queue, PIECE, PIECE, PRIORITY_BACKGROUND, false);
	add(queue, 4 * K, 4 * K, 0);
	add(queue, PIECE - 4 * K, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	add(queue, 3 * PIECE, 8 * K, DM_INCREMENTAL_REQUEST_HINT);
	demand = take(queue, 4 * K, 4 * K, PRIORITY_DEMAND, false);
	hint = take(queue, PIECE - 4 * K, 8 * K, PRIORITY_HINT, false);
	idle(queue);
	queue_done(queue, piece[1], false);
	queue_done(queue, take(queue, 3 * PIECE, 8 * K, PRIORITY_HINT, false), false);
	idle(queue);
	queue_done(queue, piece[0], false);
	queue_done(queue, demand, false);
	/* Not beside a hint, either. */
	pass(2);
	idle(queue);
	queue_done(queue, hint, false);
	/* (The file has its hole still.) */
	queue_done(queue, take(queue, 2 * PIECE, PIECE, PRIORITY_BACKGROUND, false), false);
}

/* A piece makes room for the next before its end; while a reader waits it is not read on. */
static void test_arrived(void **data)
{
	struct state *state = *data;
	struct queue *queue = &state->queue;
	struct job *piece[4], *demand;
	u64 wait;
	unsigned int i;

	begin_background(state);
	/* As if that were as many as may be. */
	queue->background_max = queue->pace.workers = 4;
	queue->low_max = 5;
	pass(1);
	for (i = 0; i < 3; i++)
		piece[i] = take(queue, i * PIECE, PIECE, PRIORITY_BACKGROUND, false);
	idle(queue);
	queue_arrived(queue, piece[1], PIECE / 2, 0, NANO);
	idle(queue);
	assert_int_equal(piece[1]->pace.yielded, 0);
	queue_arrived(queue, piece[1], PIECE - 4 * K, 0, NANO);
	piece[3] = take(queue, 3 * PIECE, PIECE, PRIORITY_BACKGROUND, false);
	idle(queue);
	add(queue, 9 * PIECE, 4 * K, 0);
	demand = take(queue, 9 * PIECE, 4 * K, PRIORITY_DEMAND, false);
	queue_arrived(queue, piece[0], 4 * K, 0, NANO);
	assert_int_equal(piece[0]->pace.yielded, NANO);
	/* No longer than that. */
	queue_arrived(queue, piece[0], 8 * K, 0, NANO);
	assert_int_equal(piece[0]->pace.yielded, NANO);
	queue_done(queue, demand, false);
	queue_arrived(queue, piece[2], 4 * K, 0, NANO);
	wait = piece[2]->pace.yielded;
	assert_true(wait > 0 && wait < NANO);
	pass(1);
	queue_arrived(queue, piece[2], 8 * K, 0, NANO);
	assert_int_equal(piece[2]->pace.yielded, wait);
	for (i = 0; i < 4; i++)
		queue_done(queue, piece[i], false);
}

/*
 * Put @count wants, all over the image, through the queue: each is added, asked
 * for again, put off, damaged and done. Return: comparisons for each.
 */
static unsigned long long cost(struct queue *queue, unsigned int count)
{
	unsigned int i, step = 0;

	compared = 0;
	for (i = 0; i < count; i++) {
		step = (step + 40503) % count;
		add(queue, step * 8 * K, 4 * K,
		    i % 100 ? 0 : DM_INCREMENTAL_REQUEST_REFETCH);
	}
	assert_int_equal(queue->known[PRIORITY_DEMAND], count);
	for (i = 0; i < count; i++)
		add(queue, i * 8 * K, 4 * K, DM_INCREMENTAL_REQUEST_AGAIN);
	for (i = 0; i < count; i++)
		queue_put_off(queue, queue_take(queue), 0, false);
	idle(queue);
	pass(1);
	for (i = 0; i < count; i++)
		queue_done(queue, queue_take(queue), false);
	idle(queue);
	return compared / count;
}

/* Sixteen times as many wants take four more steps each, or so. */
static void test_cost(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	unsigned long long few, many;

	queue->end = DEMANDS_MAX * 8 * K;
	few = cost(queue, DEMANDS_MAX / 16);
	many = cost(queue, DEMANDS_MAX);
	print_message("comparisons a want: %llu of %u, %llu of %u\n", few,
		      DEMANDS_MAX / 16, many, DEMANDS_MAX);
	assert_in_range(many, few, few * 3 / 2);
}

/* The main thread looks at the end of all work, and while it lasts now and then. */
static void test_look(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *first, *last;

	add(queue, 0, 4 * K, 0);
	add(queue, 64 * K, 4 * K, 0);
	first = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	assert_true(queue_look_due(queue));
	assert_false(queue_look_due(queue));
	queue_done(queue, first, false);
	assert_false(queue_look_due(queue));
	last = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_false(queue_look_due(queue));
	pass(1);
	assert_true(queue_look_due(queue));
	assert_false(queue_look_due(queue));
	queue_done(queue, last, false);
	assert_true(queue_look_due(queue));
	assert_true(queue_look_due(queue));
}

/* One worker is woken for all that comes before it looks, and the next one for what it leaves. */
static void test_woken(void **data)
{
	struct queue *queue = &((struct state *)*data)->queue;
	struct job *job;

	assert_false(queue->woken);
	add(queue, 0, 4 * K, 0);
	assert_true(queue->woken);
	add(queue, 64 * K, 4 * K, 0);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	assert_true(queue->woken);
	queue_done(queue, job, false);
	job = take(queue, 64 * K, 4 * K, PRIORITY_DEMAND, false);
	assert_false(queue->woken);
	queue_put_off(queue, job, 0, false);
	add(queue, 0, 4 * K, 0);
	job = take(queue, 0, 4 * K, PRIORITY_DEMAND, false);
	/* Another one waits for the time of what was put off. */
	assert_true(queue->woken);
	queue_done(queue, job, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refetch, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_demands_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_aside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resume, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_background, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup_ahead, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup_ahead_most, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup_of_another, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup_small, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_startup_tells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_startup_fails, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_startup_costs, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_no_startup, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_away, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_startup_away, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_readahead, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_hinted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overtake, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_arrived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cost, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
