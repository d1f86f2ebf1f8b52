// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage's table of the clusters of a segment, at sizes that would take too much
 * memory to be really made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "segment/segment.h"

/* A growing table is at most three quarters full, as long as there are tags. */
static void room_grows(void **state)
{
	u64 room = 0, count;

	(void)state;
	for (count = 0; count <= UINT32_MAX; count += count / 7 + 1) {
		/* It grows before a cluster is added, one step at a time. */
		u64 before = room;

		room = segment_known_room(room, (u32)count);
		while (room != before) {
			assert_true(room > before);
			assert_true(!(room & (room - 1)));
			before = room;
			room = segment_known_room(room, (u32)count);
		}
		assert_true(room > count);
		if (room <= UINT32_MAX)
			assert_true(count < room / 4 * 3);
		assert_true(room <= 1ull << 32);
	}
}

/* 3/4 of 2^31: there the number of places does not fit 32 bits any more. */
static void room_beyond_32_bits(void **state)
{
	(void)state;
	assert_true(segment_known_room(1ull << 31, 1610612735) == 1ull << 31);
	assert_true(segment_known_room(1ull << 31, 1610612736) == 1ull << 32);
	assert_true(segment_known_room(1ull << 32, UINT32_MAX) == 1ull << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_grows),
		cmocka_unit_test(room_beyond_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
