// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the loader foresees from: readers that go on (userspace/loader/runs.c), for whom what is
 * fetched ahead doubles up to a limit, while nothing is where they jump; and the places where the
 * kernel reads ahead (places.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "loader/places.c"
#include "loader/runs.c"

#define K	1024ull
#define M	(1024 * K)

static void test_goes_on(void **data)
{
	struct runs runs = { 0 };
	u64 at = 10 * M, reach, ahead = RUN_FIRST;
	int i;

	(void)data;
	reach = runs_wait(&runs, at, at + 4 * K, at + 64 * K);
	assert_int_equal(reach, at + 64 * K);
	for (i = 0; i < 6; i++) {
		/* It may skip a little. */
		at = reach + (i % 2 ? RUN_SLACK : 0);
		reach = runs_wait(&runs, at, at + 4 * K, at + 4 * K);
		assert_int_equal(reach, at + 4 * K + ahead);
		ahead = 2 * ahead > RUN_MAX ? RUN_MAX : 2 * ahead;
	}
	assert_int_equal(ahead, RUN_MAX);
	/* All that is known from elsewhere counts, if it is more. */
	at = reach;
	assert_int_equal(runs_wait(&runs, at, at + 4 * K, at + M), at + M);
}

/* A reader that waits for what is on its way has more fetched, if it has gone on before. */
static void test_behind(void **data)
{
	struct runs runs = { 0 };
	u64 end = 64 * K + 4 * K + RUN_FIRST, at;

	(void)data;
	assert_int_equal(runs_wait(&runs, 0, 4 * K, 64 * K), 64 * K);
	/* It has not. */
	assert_int_equal(runs_wait(&runs, 60 * K, 64 * K, 64 * K), 64 * K);
	assert_int_equal(runs_wait(&runs, 64 * K, 68 * K, 68 * K), end);
	/* In the first half: there is enough. */
	at = end - RUN_FIRST / 2 - 4 * K;
	assert_int_equal(runs_wait(&runs, at, at + 4 * K, 0), at + 4 * K);
	at = end - RUN_FIRST / 2;
	assert_int_equal(runs_wait(&runs, at, at + 4 * K, 0),
			 at + 4 * K + 2 * RUN_FIRST);
}

static void test_jumps(void **data)
{
	struct runs runs = { 0 };
	u64 i;

	(void)data;
	for (i = 0; i < 4 * RUNS; i++)
		assert_int_equal(runs_wait(&runs, i * M, i * M + 4 * K, 0),
				 i * M + 4 * K);
	/* Backwards, or too far ahead, is a jump, too; the oldest are forgotten. */
	i = 4 * RUNS - 1;
	assert_int_equal(runs_wait(&runs, i * M - 4 * K, i * M, 0), i * M);
	assert_int_equal(runs_wait(&runs, i * M + 4 * K + RUN_SLACK + 4 * K, i * M + 32 * K, 0),
			 i * M + 32 * K);
	assert_int_equal(runs_wait(&runs, M + 4 * K, M + 8 * K, 0), M + 8 * K);
}

/* Several readers, each with the kernel's readahead, which goes on as they do. */
static void test_hints(void **data)
{
	struct runs runs = { 0 };

	(void)data;
	runs_wait(&runs, M, M + 4 * K, M + 32 * K);
	runs_wait(&runs, 8 * M, 8 * M + 4 * K, 8 * M + 32 * K);
	/* None's, and that makes no run. */
	assert_int_equal(runs_hint(&runs, 4 * M, 5 * M), 5 * M);
	assert_int_equal(runs_wait(&runs, 5 * M, 5 * M + 4 * K, 0), 5 * M + 4 * K);
	assert_int_equal(runs_hint(&runs, M + 32 * K, M + 96 * K),
			 M + 96 * K + RUN_FIRST);
	assert_int_equal(runs_wait(&runs, 8 * M + 32 * K, 8 * M + 36 * K, 0),
			 8 * M + 36 * K + RUN_FIRST);
	/* What comes of what is under way is the same, and then more of it. */
	assert_int_equal(runs_wait(&runs, M + 32 * K, M + 36 * K, 0), M + 36 * K);
	assert_int_equal(runs_hint(&runs, M + 96 * K + RUN_FIRST / 2, M + 96 * K + RUN_FIRST),
			 M + 96 * K + 3 * RUN_FIRST);
}

static void test_places(void **data)
{
	const u64 size = 1ull << PLACE_SHIFT;
	struct places places = { { 0 } };

	(void)data;
	assert_false(places_announced(&places, 0));
	assert_false(places_announced(&places, 3 * size));
	places_announce(&places, 3 * size + 4 * K);
	assert_false(places_announced(&places, 2 * size - 1));
	assert_true(places_announced(&places, 2 * size));
	assert_true(places_announced(&places, 3 * size));
	assert_true(places_announced(&places, 5 * size - 1));
	assert_false(places_announced(&places, 5 * size));
	/* Another one has its place. */
	places_announce(&places, (3 + PLACES) * size);
	assert_true(places_announced(&places, (3 + PLACES) * size));
	assert_false(places_announced(&places, 3 * size));
	places_announce(&places, 0);
	assert_true(places_announced(&places, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests_name("foresee", tests, NULL, NULL);
}
