// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of clusters in an image file (mkimage/segment/order.c), how the rest of the
 * device is divided, and metadata pages that come first (mkimage/segment/pagelist.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "segment/order.h"
#include "segment/pagelist.h"

static void start(struct order *order, u32 shift, u32 rest_shift, u64 blocks)
{
	memset(order, 0, sizeof(*order));
	order->shift = shift;
	order->rest_shift = rest_shift;
	order->device_blocks = blocks;
	assert_int_equal(order_init(order), 0);
}

static void check_blocks(const struct order *order, const u32 *blocks,
			 size_t count)
{
	size_t i;

	assert_int_equal(order->count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(order->list[i].block, blocks[i]);
}

/* Each cluster once, where it was added first; in a stretch, sorted. */
static void clusters_are_ordered(void **state)
{
	static const u32 expected[] = { 3, 7, 8, 9, 70 };
	struct order order;

	(void)state;
	start(&order, 0, 3, 100);
	assert_int_equal(order_add(&order, 70, 1), 0);
	assert_int_equal(order_add(&order, 7, 3), 0);
	assert_int_equal(order_add(&order, 8, 1), 0);
	assert_int_equal(order_add(&order, 3, 1), 0);
	assert_int_equal(order_finish(&order), 0);
	check_blocks(&order, expected, 5);
	order_free(&order);
}

static void clusters_are_whole(void **state)
{
	static const u32 expected[] = { 0, 4, 8, 96 };
	struct order order;

	(void)state;
	start(&order, 2, 2, 99);
	assert_int_equal(order_add(&order, 98, 1), 0);
	assert_int_equal(order_add(&order, 3, 6), 0);
	assert_int_equal(order_finish(&order), 0);
	check_blocks(&order, expected, 4);
	order_free(&order);
}

/* What was added in an earlier stretch comes before it, whatever its block. */
static void stretches_follow(void **state)
{
	struct order order;
	u32 i;

	(void)state;
	start(&order, 0, 0, 10 * ORDER_STRETCH);
	assert_int_equal(order_add(&order, 5 * ORDER_STRETCH, ORDER_STRETCH), 0);
	assert_int_equal(order_add(&order, 9, 1), 0);
	assert_int_equal(order_add(&order, 2, 1), 0);
	assert_int_equal(order_finish(&order), 0);
	for (i = 0; i < ORDER_STRETCH; i++)
		assert_int_equal(order.list[i].block, 5 * ORDER_STRETCH + i);
	assert_int_equal(order.list[i].block, 2);
	assert_int_equal(order.list[i + 1].block, 9);
	order_free(&order);
}

/* The device is divided without gaps; clusters are aligned, and as large as can be. */
static void rest_is_divided(void **state)
{
	static const u32 sizes[] = { 16, 8, 2, 1, 1, 4, 16, 16 };
	static const bool first[] = { 0, 0, 0, 1, 0, 0, 0, 0 };
	const struct order_cluster *cluster;
	struct order order;
	u64 block = 0;
	size_t i;

	(void)state;
	start(&order, 0, 4, 55);
	assert_int_equal(order_add(&order, 26, 1), 0);
	assert_int_equal(order_finish(&order), 0);
	for (i = 0; block < 55; i++) {
		u32 size = 1u << order_cluster_at(&order, block, &cluster);

		assert_int_equal(size, sizes[i]);
		assert_int_equal(cluster != NULL, first[i]);
		assert_int_equal(block % size, 0);
		block += size;
	}
	assert_int_equal(i, 8);
	order_free(&order);
}

/* One order's id is another's if clusters, their order and sizes are the same. */
static void ids_differ(void **state)
{
	static const struct { u32 shift, rest, stretch, block; } orders[] = {
		{ 0, 2, 0, 5 }, { 0, 2, 0, 6 }, { 0, 3, 0, 5 }, { 1, 2, 0, 5 },
		{ 0, 2, 600, 5 },
	};
	u8 ids[6][INC_SHA256_SIZE];
	struct order order;
	size_t i, j;

	(void)state;
	for (i = 0; i < 6; i++) {
		start(&order, orders[i % 5].shift, orders[i % 5].rest, 2000);
		if (orders[i % 5].stretch)
			assert_int_equal(order_add(&order, 1000,
						   orders[i % 5].stretch), 0);
		assert_int_equal(order_add(&order, orders[i % 5].block, 1), 0);
		assert_int_equal(order_finish(&order), 0);
		order_id(&order, ids[i]);
		order_free(&order);
	}
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++)
			assert_memory_not_equal(ids[i], ids[j], sizeof(ids[i]));
	assert_memory_equal(ids[0], ids[5], sizeof(ids[0]));
}

static void too_many(void **state)
{
	struct order order;

	(void)state;
	start(&order, 0, 0, 2ull * ORDER_CLUSTERS_MAX);
	assert_int_equal(order_add(&order, 7, ORDER_CLUSTERS_MAX), 0);
	assert_int_equal(order_add(&order, 7, ORDER_CLUSTERS_MAX), 0);
	assert_int_equal(order_add(&order, 1, 1), -EFBIG);
	order_free(&order);
}

/* ---- pages ---- */

static void add_page(struct pagelist *list, struct pagelist_runs *runs, char what,
		     u64 copies)
{
	u8 page[INC_PAGE_SIZE], digest[INC_SHA256_SIZE];

	memset(page, what, sizeof(page));
	memset(digest, what, sizeof(digest));
	assert_int_equal(pagelist_add(list, page, digest, copies, runs), 0);
}

/* What page @number of the list has in it, by its runs and its order. */
static char page_at(struct pagelist *list, u64 number)
{
	u8 page[INC_PAGE_SIZE];
	u32 i = list->run_count;
	u64 at;

	while (list->runs[--i].first > number)
		;
	assert_true(number < list->runs[i].first + list->runs[i].pages);
	at = list->runs[i].at +
	     (list->runs[i].repeat ? 0 : number - list->runs[i].first);
	if (list->order)
		at = list->order[at];
	assert_int_equal(spool_read(list->spool, at << INC_PAGE_SHIFT,
				    sizeof(page), page), 0);
	return (char)page[0];
}

static void pages_lead(void **state)
{
	static const char pages[] = "abccccdebf", order[] = "bdface";
	struct pagelist_runs runs = { .step = PAGELIST_STEP };
	struct pagelist list;
	u8 page[INC_PAGE_SIZE];
	u64 i;

	(void)state;
	assert_int_equal(pagelist_init(&list, "/tmp"), 0);
	add_page(&list, &runs, 'a', 1);
	add_page(&list, &runs, 'b', 1);
	add_page(&list, &runs, 'c', 4);
	for (i = 6; i < 10; i++)
		add_page(&list, &runs, pages[i], 1);
	assert_int_equal(pagelist_finish(&list, &runs), 0);
	assert_int_equal(list.stored, 6);
	/* One of them twice, and one that is stored once and there twice. */
	assert_int_equal(pagelist_lead(&list, 6, &runs), 0);
	assert_int_equal(pagelist_lead(&list, 6, &runs), 0);
	assert_int_equal(pagelist_lead(&list, 8, &runs), 0);
	assert_int_equal(pagelist_lead(&list, 9, &runs), 0);
	assert_int_equal(pagelist_gather(&list, &runs), 0);
	assert_int_equal(list.leading, 3);
	assert_int_equal(list.pages, 10);
	assert_int_equal(runs.count, list.run_count);
	for (i = 0; i < 10; i++)
		assert_int_equal(page_at(&list, i), pages[i]);
	for (i = 0; i < 6; i++) {
		assert_int_equal(spool_read(list.spool,
					    list.order[i] << INC_PAGE_SHIFT,
					    sizeof(page), page), 0);
		assert_int_equal(page[0], order[i]);
	}
	/* A run must not go on from those that lead to the others. */
	for (i = 0; i < list.run_count; i++)
		assert_true(list.runs[i].repeat ||
			    list.runs[i].at >= list.leading ||
			    list.runs[i].at + list.runs[i].pages <=
			    list.leading);
	pagelist_free(&list);
}

/* Where a directory has no room for more runs, further pages stay where they are. */
static void room_is_bounded(void **state)
{
	struct pagelist_runs runs = { .step = PAGELIST_STEP };
	u64 count = 2 * PAGELIST_LEADING_MAX + 10, i;
	struct pagelist list;

	(void)state;
	assert_int_equal(pagelist_init(&list, "/tmp"), 0);
	for (i = 0; i < count; i++) {
		u8 page[INC_PAGE_SIZE] = { 0 }, digest[INC_SHA256_SIZE] = { 1 };

		memcpy(page, &i, sizeof(i));
		memcpy(digest + 8, &i, sizeof(i));
		memcpy(digest, &i, sizeof(i));
		assert_int_equal(pagelist_add(&list, page, digest, 1, &runs), 0);
	}
	assert_int_equal(pagelist_finish(&list, &runs), 0);
	assert_int_equal(runs.count, 1);
	for (i = 1; i < count; i += 2)
		assert_int_equal(pagelist_lead(&list, i, &runs), 0);
	assert_int_equal(pagelist_gather(&list, &runs), 0);
	assert_int_equal(list.leading, PAGELIST_LEADING_MAX);
	assert_true(runs.count <= 2 * PAGELIST_LEADING_MAX + 1);
	pagelist_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clusters_are_ordered),
		cmocka_unit_test(clusters_are_whole),
		cmocka_unit_test(stretches_follow),
		cmocka_unit_test(rest_is_divided),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(too_many),
		cmocka_unit_test(pages_lead),
		cmocka_unit_test(room_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
