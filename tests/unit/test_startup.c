// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start-up lists (userspace/libincremental/startup.c): what is written is read
 * again, and each fault is named with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "libincremental/startup.h"

#define HEADER(size, ranges)						\
	"dm-incremental startup 1\n"					\
	"uuid 000102030405060708090a0b0c0d0e0f\n"			\
	"generation 2\n"						\
	"root aabbccdd\n"						\
	"size " size "\n"						\
	"ranges " ranges "\n"

static void test_good(void **data)
{
	static const char text[] =
		"dm-incremental startup 1\n"
		"# made by hand\n"
		"uuid 000102030405060708090A0b0c0d0e0f\n\n"
		"generation 2\nroot aabbccdd\nsize 40960\nranges 3\n"
		"0 4096\n# more\n36864 4096\n8192 16384\n";
	struct incr_startup list, again;
	struct incr_error error;
	char *written;

	(void)data;
	assert_int_equal(incr_startup_parse(&list, text, strlen(text), &error),
			 0);
	assert_int_equal(list.made_for.uuid[15], 15);
	assert_int_equal(list.made_for.generation, 2);
	assert_int_equal(list.made_for.root_size, 4);
	assert_memory_equal(list.made_for.root, "\xaa\xbb\xcc\xdd", 4);
	assert_int_equal(list.size, 40960);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.ranges[1].offset, 36864);
	assert_int_equal(list.ranges[2].length, 16384);
	assert_int_equal(list.bytes, 4096 + 4096 + 16384);

	written = incr_startup_format(&list);
	assert_non_null(written);
	assert_string_equal(written, HEADER("40960", "3")
			    "0 4096\n36864 4096\n8192 16384\n");
	assert_int_equal(incr_startup_parse(&again, written, strlen(written),
					    &error), 0);
	assert_int_equal(again.count, 3);
	assert_memory_equal(again.ranges, list.ranges,
			    3 * sizeof(*list.ranges));
	free(written);
	incr_startup_free(&again);
	incr_startup_free(&list);
	assert_int_equal(incr_startup_parse(&list, HEADER("0", "0"),
					    strlen(HEADER("0", "0")), &error),
			 0);
	assert_int_equal(list.count, 0);
	incr_startup_free(&list);
}

/* The largest that may be is written within what may be read. */
static void test_largest(void **data)
{
	struct incr_startup list = {
		.made_for = {
			.generation = INC_SEGMENTS_MAX - 1,
			.root_size = INC_DIGEST_MAX,
		},
		.size = INC_IMAGE_SIZE_MAX,
		.count = INCR_STARTUP_RANGES_MAX,
	}, again;
	struct incr_error error;
	char *text;
	size_t i;

	(void)data;
	list.ranges = calloc(list.count, sizeof(*list.ranges));
	assert_non_null(list.ranges);
	for (i = 0; i < list.count; i++)
		list.ranges[i] = (struct incr_range){
			.offset = INC_IMAGE_SIZE_MAX - INC_PAGE_SIZE,
			.length = INC_PAGE_SIZE,
		};
	text = incr_startup_format(&list);
	assert_non_null(text);
	assert_in_range(strlen(text), 1, INCR_STARTUP_TEXT_MAX);
	assert_int_equal(incr_startup_parse(&again, text, strlen(text),
					    &error), 0);
	assert_int_equal(again.count, list.count);
	incr_startup_free(&again);
	free(text);
	free(list.ranges);
}

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{ "", "line 1: it is not \"dm-incremental startup 1\"" },
	{ "<html>\n", "line 1: it is not" },
	{ "dm-incremental startup 2\n", "line 1: it is not" },
	{ "dm-incremental startup 1", "line 1: it is cut short" },
	{ "dm-incremental startup 1\n", "line 2: \"uuid VALUE\" is missing" },
	{ "dm-incremental startup 1\nuuid 00\n", "line 2: uuid is not made of 16" },
	{ "dm-incremental startup 1\nuuid 000102030405060708090a0b0c0d0e0f\n"
	  "generation 4096\n", "line 3: generation is not a number up to 4095" },
	{ "dm-incremental startup 1\nuuid 000102030405060708090a0b0c0d0e0f\n"
	  "generation 0\nroot \n", "line 4: root is not made of 1" },
	{ HEADER("1099511627777", "0"), "line 5: size is not a number" },
	{ HEADER("-1", "0"), "line 5: size is not a number" },
	{ HEADER("8192", "65537"), "line 6: ranges is not a number up to 65536" },
	{ HEADER("8192", "65536"), "line 6: there is no room for 65536" },
	{ HEADER("8192", "2") "0 4096\n", "line 8: a range is missing" },
	{ HEADER("8192", "1") "0 4096\n4096 4096\n", "line 8: it is one range more" },
	{ HEADER("8192", "1") "0 4096 \n", "line 7: it is not \"OFFSET LENGTH\"" },
	{ HEADER("8192", "1") "0  4096\n", "line 7: it is not" },
	{ HEADER("8192", "1") "0x0 4096\n", "line 7: it is not" },
	{ HEADER("8192", "1") "0 99999999999999999999\n", "line 7: it is not" },
	{ HEADER("8192", "1") "0 4097\n", "line 7: the range is not made of whole" },
	{ HEADER("8192", "1") "512 4096\n", "line 7: the range is not made of" },
	{ HEADER("8192", "1") "0 0\n", "line 7: the range is not made of whole" },
	{ HEADER("8192", "1") "4096 8192\n", "line 7: bytes 4096+8192 reach past the end of the image (8192 bytes)" },
	{ HEADER("8192", "1") "1099511623680 8192\n", "line 7: bytes 1099511623680+8192 reach past" },
	{ HEADER("8192", "3") "0 4096\n0 4096\n0 4096\n", "line 9: together the ranges are larger than the image" },
	{ HEADER("8192", "1") "0 4096", "line 7: it is cut short" },
};

static void test_bad(void **data)
{
	struct incr_startup list;
	struct incr_error error;
	static char line[20000];
	size_t i;

	(void)data;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(incr_startup_parse(&list, bad[i].text,
						    strlen(bad[i].text),
						    &error), -EINVAL);
		if (strncmp(error.text, bad[i].why, strlen(bad[i].why)))
			fail_msg("\"%s\" is said to be: %s", bad[i].text,
				 error.text);
		assert_null(list.ranges);
	}
	assert_int_equal(incr_startup_parse(&list, "dm\0i\n", 5, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "line 1: it has a zero byte"));
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(incr_startup_parse(&list, line, sizeof(line), &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "line 1: it is too long"));
	assert_int_equal(incr_startup_parse(&list, line,
					    INCR_STARTUP_TEXT_MAX + 1, &error),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("startup", tests, NULL, NULL);
}
