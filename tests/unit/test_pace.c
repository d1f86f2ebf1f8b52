// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loader's pace (userspace/loader/pace.c) on simulated links: bytes wait for the link,
 * first come, first served, and a round trip passes between a request and its first byte.
 * Time passes as the simulation says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "loader/pace.c"

#define MEGABIT		(1000000 / 8)
#define K		1024ull
#define WORKERS_MAX	64

/**
 * struct link - one that replies are sent over
 * @rate: bytes per second
 * @trip: nanoseconds from a request to its first byte, if none waits
 * @share: bytes per second that a connection gets, as packets are lost, so that nothing
 *	queues; 0: any
 * @free_at: all that was asked for has passed by then
 */
struct link {
	u64 rate;
	u64 trip;
	u64 share;
	u64 free_at;
};

/* Return: when the last of @bytes comes that are asked for now; *@first: the first. */
static u64 ask(struct link *link, u64 time, u64 bytes, u64 *first)
{
	u64 starts = time + link->trip;

	if (link->share) {
		*first = starts;
		return starts + bytes * NANO / link->share;
	}
	if (starts < link->free_at)
		starts = link->free_at;
	*first = starts + 1500 * NANO / link->rate;
	link->free_at = starts + bytes * NANO / link->rate;
	return link->free_at;
}

struct piece {
	struct pace_job job;
	u64 length;
	u64 asked_at;
	u64 first_at;
	u64 done_at;
};

struct run {
	struct link link;
	struct pace pace;
	unsigned int workers;
	struct piece piece[WORKERS_MAX];
	unsigned int count;
	u64 time;
	u64 begin_at;
	u64 delivered;
	u64 longest;
};

/* Begin what may be begun. */
static void begin(struct run *run)
{
	run->begin_at = 0;
	while (run->count < run->workers &&
	       pace_may_begin(&run->pace, run->time, &run->begin_at)) {
		struct piece *piece = &run->piece[run->count++];

		piece->length = pace_piece(&run->pace);
		piece->asked_at = run->time;
		pace_begin(&run->pace, &piece->job, run->time, piece->length);
		piece->done_at = ask(&run->link, run->time, piece->length,
				     &piece->first_at);
	}
}

/* What happens next: a piece is done, or may be begun. */
static void step(struct run *run)
{
	struct piece done, *first = run->piece;
	unsigned int i;
	u64 waits;

	assert_true(run->count || run->begin_at);
	for (i = 1; i < run->count; i++)
		if (run->piece[i].done_at < first->done_at)
			first = &run->piece[i];
	if (!run->count || (run->begin_at && run->begin_at < first->done_at)) {
		run->time = run->begin_at;
	} else {
		done = *first;
		*first = run->piece[--run->count];
		run->time = done.done_at;
		run->delivered += done.length;
		pace_end(&run->pace, &done.job, run->time, done.length,
			 done.length, done.first_at - done.asked_at);
	}
	begin(run);
	/* So long a demand waits longer than if the link were idle. */
	waits = run->time + run->link.trip;
	waits = run->link.free_at > waits ? run->link.free_at - waits : 0;
	if (waits > run->longest)
		run->longest = waits;
}

static void steps_until(struct run *run, u64 end)
{
	run->delivered = run->longest = 0;
	while (run->time < end)
		step(run);
}

static const struct {
	u64 megabits, milliseconds, share;
	unsigned int workers;
} links[] = {
	{ 1, 50, 0, 5 }, { 25, 2, 0, 5 }, { 25, 50, 0, 5 }, { 25, 200, 0, 5 },
	{ 100, 20, 0, 5 }, { 1000, 2, 0, 5 }, { 1000, 20, 0, 5 },
	{ 1000, 200, 0, 61 }, { 25, 50, 3, 5 }, { 100, 50, 1, 61 },
};

/* The link is full, and a demand finds it little fuller than it has to be. */
static void test_links(void **data)
{
	unsigned int i;

	(void)data;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct run run = {
			.link.rate = links[i].megabits * MEGABIT,
			.link.trip = links[i].milliseconds * MILLI,
			.link.share = links[i].share * MEGABIT,
			.workers = links[i].workers,
			.time = NANO,
		};
		u64 slack, full;

		pace_init(&run.pace, run.time, run.workers);
		begin(&run);
		steps_until(&run, run.time + 10 * NANO);
		full = run.time;
		steps_until(&run, full + 40 * NANO);
		full = run.link.rate * ((run.time - full) / MILLI) / 1000;
		/* What all connections get, less the trips between two pieces. */
		if (run.link.share)
			full = full * run.link.share * run.workers / run.link.rate * 8 / 10;
		print_message("%4llu Mbit/s, %3llu ms: %3llu %% of the link, a demand waits %llu ms at most\n",
			      (unsigned long long)links[i].megabits,
			      (unsigned long long)links[i].milliseconds,
			      (unsigned long long)(run.delivered * 100 / full),
			      (unsigned long long)(run.longest / MILLI));
		assert_true(run.delivered * 100 >= full * 90);
		/* So it takes twice as long at most; but a few pieces may always be there. */
		slack = 3 * PACE_PIECE_MIN * NANO / run.link.rate;
		if (slack < 4 * SLACK_MIN)
			slack = 4 * SLACK_MIN;
		if (slack < run.link.trip)
			slack = run.link.trip;
		assert_true(run.longest <= slack);
	}
}

/* A link that has become slower, or longer, is found out; so is one that has become faster. */
static void test_change(void **data)
{
	struct run run = {
		.link = { .rate = 25 * MEGABIT, .trip = 50 * MILLI },
		.workers = 5, .time = NANO,
	};
	u64 full;

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	steps_until(&run, 20 * NANO);
	run.link.rate = 5 * MEGABIT;
	run.link.trip = 100 * MILLI;
	steps_until(&run, run.time + 40 * NANO);
	steps_until(&run, run.time + 40 * NANO);
	print_message("5 Mbit/s, 100 ms: a demand waits %llu ms at most\n",
		      (unsigned long long)(run.longest / MILLI));
	assert_true(run.longest <= 170 * MILLI);
	run.link.rate = 50 * MEGABIT;
	run.link.trip = 20 * MILLI;
	steps_until(&run, run.time + 20 * NANO);
	full = run.time;
	steps_until(&run, run.time + 20 * NANO);
	full = run.link.rate * ((run.time - full) / MILLI) / 1000;
	assert_true(run.delivered * 100 >= full * 90);
	assert_true(run.longest <= 60 * MILLI);
}

/* Failures, and what was there already, tell nothing. */
static void test_nothing(void **data)
{
	struct pace_job job;
	struct pace pace;
	u64 time, when;

	(void)data;
	pace_init(&pace, NANO, 5);
	for (time = 2 * NANO; time < 100 * NANO; time += NANO) {
		assert_true(pace_may_begin(&pace, time, &when));
		pace_begin(&pace, &job, time, PACE_PIECE_MIN);
		pace_end(&pace, &job, time, PACE_PIECE_MIN, 0, 0);
	}
	assert_int_equal(pace_piece(&pace), PACE_PIECE_MIN);
	assert_int_equal(pace.in_flight, 0);
}

/* Readers that wait one after the other keep the rest away between two of them. */
static void test_quiet(void **data)
{
	struct pace pace;
	u64 time = NANO;
	unsigned int i;

	(void)data;
	pace_init(&pace, time, 5);
	/* A program is about to start. */
	assert_int_equal(quiet_until(&pace), time + QUIET_FIRST);
	for (i = 0; i < 100; i++) {
		time += 5 * MILLI;
		pace_wanted(&pace, time);
		time += 50 * MILLI;
		pace_satisfied(&pace, time);
	}
	assert_int_equal(quiet_until(&pace), time + QUIET_MIN);
	/* A longer gap counts at once, and for some time. */
	time += 200 * MILLI;
	pace_wanted(&pace, time);
	pace_satisfied(&pace, time);
	assert_int_equal(quiet_until(&pace), time + 400 * MILLI);
	time += 5 * MILLI;
	pace_wanted(&pace, time);
	pace_wanted(&pace, time + NANO);
	pace_satisfied(&pace, time);
	assert_int_equal(quiet_until(&pace), time + 350 * MILLI);
	/* One that is too long does not. */
	time += 10 * NANO;
	pace_wanted(&pace, time);
	pace_satisfied(&pace, time);
	pace_satisfied(&pace, time + NANO);
	assert_int_equal(quiet_until(&pace), time + 350 * MILLI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_quiet),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
