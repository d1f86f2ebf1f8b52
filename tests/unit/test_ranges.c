// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets of bytes: compared with the same set as an array of bools, and very large
 * ones.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "dmsetup-plugin/ranges.c"

#define BYTES	200
#define MANY	1000000ull

static void fill(struct ranges *ranges, bool *set, unsigned int count)
{
	memset(set, 0, BYTES);
	while (count--) {
		u64 start = (u64)rand() % BYTES, end = (u64)rand() % 12 + start;
		u64 i;

		if (end > BYTES)
			end = BYTES;
		for (i = start; i < end; i++)
			set[i] = true;
		assert_int_equal(ranges_add(ranges, start, end), 0);
	}
	ranges_sort(ranges);
}

/* @ranges are sorted, disjoint, not empty, and equal @set. */
static void check(const struct ranges *ranges, const bool *set)
{
	bool seen[BYTES] = { false };
	u64 at = 0, j;
	size_t i;

	for (i = 0; i < ranges->count; i++) {
		const struct incr_range *range = &ranges->list[i];

		assert_true(range->length && range->offset >= at);
		at = range->offset + range->length;
		assert_true(at <= BYTES);
		for (j = range->offset; j < at; j++)
			seen[j] = true;
	}
	assert_memory_equal(seen, set, BYTES);
}

static void test_model(void **state)
{
	unsigned int round, i;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		struct ranges a = { 0 }, b = { 0 }, both = { 0 }, left = { 0 };
		bool in_a[BYTES], in_b[BYTES], want[BYTES];

		fill(&a, in_a, (unsigned int)rand() % 20);
		fill(&b, in_b, (unsigned int)rand() % 20);
		check(&a, in_a);
		assert_int_equal(ranges_intersect(&both, &a, &b), 0);
		for (i = 0; i < BYTES; i++)
			want[i] = in_a[i] && in_b[i];
		check(&both, want);
		assert_int_equal(ranges_subtract(&left, &a, &b), 0);
		for (i = 0; i < BYTES; i++)
			want[i] = in_a[i] && !in_b[i];
		check(&left, want);
		free(a.list);
		free(b.list);
		free(both.list);
		free(left.list);
	}
}

/* With quadratic time that would take hours. */
static void test_many(void **state)
{
	struct ranges a = { 0 }, b = { 0 }, both = { 0 }, left = { 0 };
	u64 i;

	(void)state;
	for (i = MANY; i--;) {
		assert_int_equal(ranges_add(&a, 8 * i, 8 * i + 4), 0);
		assert_int_equal(ranges_add(&b, 8 * i + 2, 8 * i + 6), 0);
	}
	ranges_sort(&a);
	ranges_sort(&b);
	assert_int_equal(ranges_intersect(&both, &a, &b), 0);
	assert_int_equal(ranges_subtract(&left, &a, &b), 0);
	assert_int_equal(both.count, MANY);
	assert_int_equal(left.count, MANY);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(both.list[i].offset, 8 * i + 2);
		assert_int_equal(both.list[i].length, 2);
		assert_int_equal(left.list[i].offset, 8 * i);
		assert_int_equal(left.list[i].length, 2);
	}
	free(a.list);
	free(b.list);
	free(both.list);
	free(left.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
