// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hidden parts of an origin on a command line, and lists of origins.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "origin/origin.h"

/* Of an argument @given the same is returned, and @shown left in its place. */
static void check(const char *given, const char *shown)
{
	char *argument = strdup(given), *copy;

	assert_non_null(argument);
	copy = origin_take(argument);
	assert_string_equal(copy, given);
	assert_string_equal(argument, shown);
	assert_int_equal(origin_is_hidden(argument), strcmp(given, shown) != 0);
	assert_false(origin_is_hidden(given));
	free(argument);
	free(copy);
}

static void test_hidden(void **state)
{
	(void)state;
	check("http://user:word@host/image", "http://*********@host/image");
	check("https://user@host:8/image", "https://****@host:8/image");
	check("HTTP://a:b@c@host", "HTTP://*****@host");
	check("http:/user:word@host/", "http:/*********@host/");
	check("http:///user:word@host/", "http:///*********@host/");
	check("http://host/image?key=word#x", "http://host/image?**********");
	check("http://host/image#word", "http://host/image#****");
	check("http://u:w@host/?k=v", "http://***@host/?***");
	check("http://user:word@host?a@b", "http://*********@host?***");
}

static void test_shown(void **state)
{
	(void)state;
	check("http://host/image", "http://host/image");
	check("http://host/a@b", "http://host/a@b");
	check("http://@host/", "http://@host/");
	check("http://host/image?", "http://host/image?");
	check("/path/a?b@c", "/path/a?b@c");
	check("relative@name", "relative@name");
	check("a:b@c", "a:b@c");
	check("file:/path", "file:/path");
	check("", "");
}

static void test_list(void **state)
{
	static const char text[] = "# ours\r\n\nhttp://u:w@host/\r\n/path\n /x";
	char path[] = "/tmp/test_origins.XXXXXX", *list[4] = { NULL };
	unsigned int count = 0, i;
	struct incr_error error;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(origin_read_list(path, list, &count, 3, &error), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0], "http://u:w@host/");
	assert_string_equal(list[1], "/path");
	assert_string_equal(list[2], " /x");
	assert_int_equal(origin_read_list(path, list, &count, 4, &error),
			 -EINVAL);
	assert_int_equal(count, 4);
	for (i = 0; i < count; i++)
		free(list[i]);
	unlink(path);
	assert_int_equal(origin_read_list(path, list, &count, 4, &error),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("origins", tests, NULL, NULL);
}
