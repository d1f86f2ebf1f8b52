// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranges that incrementald verifies when there is time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "loader/rests.c"

static struct rest *make(u64 offset, u64 length, size_t capacity)
{
	struct rest *rest = calloc(1, sizeof(*rest));

	assert_non_null(rest);
	rest->range = (struct incr_range){ .offset = offset, .length = length };
	rest->capacity = capacity;
	return rest;
}

/* The oldest first; a range counts as there until the next one is taken. */
static void in_order(void **state)
{
	struct rests rests;
	struct rest *one;

	(void)state;
	rests_init(&rests);
	assert_null(rests_add(&rests, make(4096, 8192, 100)));
	assert_null(rests_add(&rests, make(65536, 4096, 100)));
	assert_true(rests_have(&rests, 4096, 12288));
	assert_true(rests_have(&rests, 8192, 12288));
	assert_false(rests_have(&rests, 8192, 16384));
	assert_false(rests_have(&rests, 0, 8192));

	one = rests_take(&rests);
	assert_int_equal(one->range.offset, 4096);
	assert_true(rests_have(&rests, 4096, 8192));
	free(one);
	one = rests_take(&rests);
	assert_int_equal(one->range.offset, 65536);
	assert_false(rests_have(&rests, 4096, 8192));
	assert_true(rests_have(&rests, 65536, 69632));
	free(one);
	rests_stop(&rests);
	assert_null(rests_take(&rests));
	assert_false(rests_have(&rests, 65536, 69632));
	rests_destroy(&rests);
}

/* There are never more bytes than the bound: the oldest have to go. */
static void bounded(void **state)
{
	const size_t each = RESTS_BYTES / 4;
	struct rests rests;
	struct rest *old;
	u64 i;

	(void)state;
	rests_init(&rests);
	for (i = 0; i < 4; i++)
		assert_null(rests_add(&rests, make(i << 20, 4096, each)));
	old = rests_add(&rests, make(4 << 20, 4096, 2 * each));
	assert_non_null(old);
	assert_int_equal(old->range.offset, 0);
	free(old);
	old = rests_add(&rests, NULL);
	assert_non_null(old);
	assert_int_equal(old->range.offset, 1 << 20);
	free(old);
	assert_null(rests_add(&rests, NULL));
	assert_false(rests_have(&rests, 1 << 20, (1 << 20) + 4096));
	assert_true(rests_have(&rests, 2 << 20, (2 << 20) + 4096));

	/* At the end all of them. */
	rests_stop(&rests);
	for (i = 2; (old = rests_add(&rests, NULL)); i++) {
		assert_int_equal(old->range.offset, i << 20);
		free(old);
	}
	assert_int_equal(i, 5);
	rests_destroy(&rests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
