// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The blocks that need a damaged page of the map or the tree: found by halving, they
 * must be those that a look at each run of the directory finds.
 */
#include "dmsetup-plugin/scrub/blocks.c"
#include "dmsetup-plugin/scrub/scan.c"
/* cmocka has a macro fail(). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define RUNS	40u
#define PAGES	120u

/* Look at one run after the other. */
static void add_plainly(struct damage *damage, const struct inc_segment *seg,
			bool tree, const struct inc_run *runs, u32 count)
{
	u64 start = damage->offset >> INC_PAGE_SHIFT;
	u64 end = (damage->offset + damage->length) >> INC_PAGE_SHIFT;
	u32 i;

	for (i = 0; i < count && !damage->more; i++) {
		u64 page = le32_to_cpu(runs[i].first);
		u64 stop = i + 1 < count ? le32_to_cpu(runs[i + 1].first) :
			   tree ? seg->tree.pages : seg->map_pages;
		u64 at = le64_to_cpu(runs[i].file_page);
		bool repeat = le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT;

		for (; page < stop && !damage->more; page++) {
			if (at >= start && at < end)
				assert_int_equal(add_pages(damage, seg, tree,
							   page, page), 0);
			at += !repeat;
		}
	}
}

static u32 make_runs(struct inc_run *runs, u64 pages)
{
	u32 count = 1 + (u32)rand() % RUNS, i;
	u64 first = 0;

	for (i = 0; i < count; i++) {
		runs[i].first = cpu_to_le32((u32)first);
		runs[i].flags = cpu_to_le32(rand() % 4 ? 0 : INC_RUN_REPEAT);
		runs[i].file_page = cpu_to_le64((u64)rand() % PAGES);
		first += 1 + (u64)rand() % 4;
		if (first >= pages)
			return i + 1;
	}
	return count;
}

static void test_runs(void **state)
{
	unsigned int round, i;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		struct inc_segment seg = { .device_blocks = 40000 };
		struct damage a = {
			.offset = (u64)rand() % PAGES << INC_PAGE_SHIFT,
			.length = (1 + (u64)rand() % 8) << INC_PAGE_SHIFT,
		};
		struct damage b = a;
		struct inc_run runs[RUNS];
		struct places places;
		bool tree = rand() % 2;
		u32 count;

		assert_int_equal(
			dm_inc_tree_init(&seg.tree, seg.device_blocks, 32), 0);
		seg.map_pages = (seg.device_blocks + 511) / 512;
		count = make_runs(runs, tree ? seg.tree.pages : seg.map_pages);
		assert_int_equal(places_make(&places, &seg, tree, runs, count),
				 0);
		assert_int_equal(add_runs(&a, &places), 0);
		add_plainly(&b, &seg, tree, runs, count);
		assert_int_equal(a.count, b.count);
		assert_int_equal(a.more, b.more);
		for (i = 0; i < a.count; i++) {
			assert_int_equal(a.blocks[i].first, b.blocks[i].first);
			assert_int_equal(a.blocks[i].last, b.blocks[i].last);
		}
		places_free(&places);
		free(a.blocks);
		free(b.blocks);
	}
}

/* Damage that was sorted, and damage that was found since. */
static void test_known(void **state)
{
	struct damage list[] = {
		{ .offset = 4096, .length = 8192 },
		{ .offset = 16384, .length = 4096 },
		{ .offset = 0, .length = 4096 },
	};
	struct damages damages = { .list = list, .count = 3, .sorted = 2 };

	(void)state;
	assert_false(is_known(&damages, 0));
	assert_true(is_known(&damages, 4096));
	assert_true(is_known(&damages, 8192));
	assert_false(is_known(&damages, 12288));
	assert_true(is_known(&damages, 16384));
	assert_false(is_known(&damages, 20480));
	damages.sorted = 0;
	assert_false(is_known(&damages, 4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests_name("scrub", tests, NULL, NULL);
}
