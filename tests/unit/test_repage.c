// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arrays of metadata pages that a layer makes anew (mkimage/segment/repage.c): the
 * pages, their bytes and the number of runs. (tests/mkimage/extend.t has pages that
 * come from earlier generations; veritysetup judges there.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "segment/repage.h"

#define DIGESTS		(INC_PAGE_SIZE / INC_SHA256_SIZE)

struct array {
	struct repage repage;
	struct pagelist list;
	struct pagelist_runs runs;
};

/* A level of the tree of @items digests, where one digest had been before. */
static void start(struct array *array, u64 items)
{
	struct repage *repage = &array->repage;

	memset(array, 0, sizeof(*array));
	repage->name = "test";
	repage->tree = true;
	repage->item_size = INC_SHA256_SIZE;
	repage->old_items = 1;
	repage->items = items;
	repage->hash = incr_hash_new("sha256", NULL, 0);
	memset(repage->hole_item, 'h', INC_SHA256_SIZE);
	memset(repage->old_single, 'o', INC_SHA256_SIZE);
	array->runs.step = PAGELIST_STEP;
	assert_int_equal(repage_init(repage, "/tmp"), 0);
	assert_int_equal(pagelist_init(&array->list, "/tmp"), 0);
}

static void set(struct array *array, u64 index, char what)
{
	u8 digest[INC_SHA256_SIZE];

	memset(digest, what, sizeof(digest));
	assert_int_equal(repage_set(&array->repage, index, digest), 0);
}

static void finish(struct array *array)
{
	assert_int_equal(repage_finish(&array->repage), 0);
	assert_int_equal(repage_list(&array->repage, 0, &array->list,
				     &array->runs), 0);
	assert_int_equal(array->list.pages, array->repage.pages);
}

static void end(struct array *array)
{
	incr_hash_free((struct inc_hash *)array->repage.hash);
	repage_free(&array->repage);
	pagelist_free(&array->list);
}

/*
 * Stored page @number has the runs of equal digests in @letters, "o1 h4 a1" for
 * example, and then zeros.
 */
static void page_is(struct array *array, u64 number, const char *letters)
{
	u8 page[INC_PAGE_SIZE], wanted[INC_PAGE_SIZE] = { 0 };
	u8 *to = wanted;
	char *after;

	while (*letters) {
		size_t size = strtoul(letters + 1, &after, 10) *
			      INC_SHA256_SIZE;

		assert_true(to + size <= wanted + sizeof(wanted));
		memset(to, *letters, size);
		to += size;
		letters = after + (*after == ' ');
	}
	assert_int_equal(spool_read(array->list.spool, number << INC_PAGE_SHIFT,
				    sizeof(page), page), 0);
	assert_memory_equal(page, wanted, sizeof(page));
}

static void run_is(const struct array *array, u32 number, u64 first, u64 pages,
		   u64 at, bool repeat)
{
	const struct pagelist_run *run = &array->list.runs[number];

	assert_true(number < array->list.run_count);
	assert_int_equal(run->first, first);
	assert_int_equal(run->pages, pages);
	assert_int_equal(run->at, at);
	assert_int_equal(run->repeat, repeat);
	assert_false(run->old);
}

static void few_pages(void **state)
{
	struct array array;

	(void)state;
	start(&array, 300);
	set(&array, 5, 'a');
	set(&array, 127, 'b');
	set(&array, 200, 'c');
	finish(&array);
	assert_int_equal(array.repage.change_count, 3);
	assert_int_equal(repage_runs(&array.repage, 0), 1);
	page_is(&array, 0, "o1 h4 a1 h121 b1");
	page_is(&array, 1, "h72 c1 h55");
	page_is(&array, 2, "h44");
	assert_int_equal(array.list.run_count, 1);
	run_is(&array, 0, 0, 3, 0, false);
	end(&array);
}

/* The tree has grown by one repeated page; both ends have pages of their own. */
static void a_hole(void **state)
{
	u8 digest[INC_SHA256_SIZE];
	struct array array;

	(void)state;
	start(&array, 1000 * DIGESTS + 7);
	set(&array, 500 * DIGESTS, 'a');
	finish(&array);
	assert_int_equal(array.repage.change_count, 3);
	assert_int_equal(array.repage.changes[1].number, 500);
	assert_int_equal(repage_runs(&array.repage, 0), 5);
	assert_int_equal(array.list.run_count, 5);
	assert_int_equal(array.list.stored, 4);
	run_is(&array, 0, 0, 1, 0, false);
	run_is(&array, 1, 1, 499, 1, true);
	run_is(&array, 2, 500, 1, 2, false);
	run_is(&array, 3, 501, 499, 1, true);
	run_is(&array, 4, 1000, 1, 3, false);
	page_is(&array, 0, "o1 h127");
	page_is(&array, 1, "h128");
	page_is(&array, 2, "a1 h127");
	page_is(&array, 3, "h7");
	repage_hole_digest(&array.repage, digest);
	assert_memory_not_equal(digest, array.repage.changes[0].digest,
				sizeof(digest));
	end(&array);
}

/* If it ends with a page's end, the last page is one of the hole's. */
static void a_hole_to_the_end(void **state)
{
	u8 digest[INC_SHA256_SIZE];
	struct array array;

	(void)state;
	start(&array, 1000 * DIGESTS);
	finish(&array);
	assert_int_equal(array.repage.change_count, 2);
	repage_hole_digest(&array.repage, digest);
	assert_memory_equal(digest, array.repage.changes[1].digest,
			    sizeof(digest));
	assert_int_equal(array.list.run_count, 2);
	assert_int_equal(array.list.stored, 2);
	run_is(&array, 0, 0, 1, 0, false);
	run_is(&array, 1, 1, 999, 1, true);
	end(&array);
}

static void one_page(void **state)
{
	u8 digest[INC_SHA256_SIZE];
	struct array array;

	(void)state;
	start(&array, 2);
	set(&array, 0, 'a');
	finish(&array);
	page_is(&array, 0, "a1 h1");
	assert_int_equal(repage_top_digest(&array.repage, digest), 0);
	assert_memory_equal(digest, array.repage.changes[0].digest,
			    sizeof(digest));
	end(&array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_pages),
		cmocka_unit_test(a_hole),
		cmocka_unit_test(a_hole_to_the_end),
		cmocka_unit_test(one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
