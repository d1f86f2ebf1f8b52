// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the headers of an HTTP reply say of its file's version, and of how long a
 * redirect holds (userspace/origin/reply.c, redirect.c). The time is what the test says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "origin/redirect.h"

#define WALL		1767323045	/* Fri, 02 Jan 2026 03:04:05 GMT */
#define NOW_TEXT	"Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"

/* A reply with this status line and these headers, each with its end of line. */
static struct reply reply_of(const char *text)
{
	struct reply reply = { .length = 4096 };

	while (*text) {
		size_t n = (size_t)(strchr(text, '\n') - text) + 1;

		reply_header(&reply, text, n);
		text += n;
	}
	reply_header(&reply, "\r\n", 2);
	return reply;
}

static u64 seconds(const char *headers)
{
	struct reply reply = reply_of(headers);

	return redirect_seconds(&reply, WALL);
}

static void test_seconds(void **state)
{
	(void)state;
	assert_int_equal(seconds("HTTP/1.1 302 Found\r\n"), REDIRECT_SECONDS);
	assert_int_equal(seconds("HTTP/1.1 307 x\r\n"), REDIRECT_SECONDS);
	assert_true(seconds("HTTP/1.1 301 x\r\n") == REDIRECT_FOR_GOOD);
	assert_true(seconds("HTTP/2 308 \r\n") == REDIRECT_FOR_GOOD);
	assert_int_equal(seconds("HTTP/1.1 301 x\r\nCache-Control: max-age=100\r\n"),
			 100);
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nCache-Control: public, MAX-AGE=100 , x\r\n"),
			 100);
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nCache-Control: max-age=\"100\"\r\nAge: 60\r\n"),
			 40);
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nCache-Control: max-age=500\r\nCache-Control: max-age=400\r\n"),
			 400);
	assert_int_equal(seconds("HTTP/1.1 302 x\r\n" NOW_TEXT "Expires: Fri, 02 Jan 2026 03:14:05 GMT\r\n"),
			 600);
	/* The server's clock is an hour late. */
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nDate: Fri, 02 Jan 2026 02:04:05 GMT\r\nExpires: Fri, 02 Jan 2026 02:14:05 GMT\r\n"),
			 600);
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nExpires: Fri, 02 Jan 2026 03:14:05 GMT\r\n"),
			 600);
	/* max-age counts, whatever Expires says. */
	assert_int_equal(seconds("HTTP/1.1 302 x\r\nExpires: 0\r\nCache-Control: max-age=77\r\n"),
			 77);
}

/* What must not be kept is, for some time. */
static void test_least(void **state)
{
	static const char *const headers[] = {
		"HTTP/1.1 302 x\r\nCache-Control: no-store\r\n",
		"HTTP/1.1 301 x\r\nCache-Control: no-cache\r\n",
		"HTTP/1.1 302 x\r\nCache-Control: max-age=0\r\n",
		"HTTP/1.1 302 x\r\nCache-Control: max-age=x\r\n",
		"HTTP/1.1 302 x\r\nCache-Control: max-age=60, no-store\r\n",
		"HTTP/1.1 302 x\r\nCache-Control: max-age=60\r\nAge: 61\r\n",
		"HTTP/1.1 302 x\r\nExpires: 0\r\n",
		"HTTP/1.1 302 x\r\nExpires: Fri, 02 Jan 2026 03:04:04 GMT\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(seconds(headers[i]), REDIRECT_SECONDS_LEAST);
}

/* When it does not hold any more, one connection asks, and then another. */
static void test_expiry(void **state)
{
	struct redirect redirect = { .url = NULL };
	unsigned int version, later;
	char *url;

	(void)state;
	redirect_init(&redirect);
	assert_int_equal(redirect_get(&redirect, 1000, &url, &version), 0);
	assert_null(url);
	redirect_keep(&redirect, "http://a/", 1000, 60);
	assert_int_equal(redirect_get(&redirect, 1059, &url, &version), 0);
	assert_string_equal(url, "http://a/");
	free(url);
	assert_int_equal(redirect_get(&redirect, 1060, &url, &version), 0);
	assert_null(url);
	assert_int_equal(redirect_get(&redirect, 1060, &url, &version), 0);
	assert_string_equal(url, "http://a/");
	free(url);
	assert_int_equal(redirect_get(&redirect, 1060 + REDIRECT_SECONDS_MORE,
				      &url, &version), 0);
	assert_null(url);
	redirect_keep(&redirect, "http://b/", 1070, REDIRECT_FOR_GOOD);
	/* What was told before is not forgotten in place of what is told now. */
	redirect_forget(&redirect, version);
	assert_int_equal(redirect_get(&redirect, UINT64_MAX - 1, &url, &later),
			 0);
	assert_string_equal(url, "http://b/");
	free(url);
	redirect_forget(&redirect, later);
	assert_int_equal(redirect_get(&redirect, 1071, &url, &version), 0);
	assert_null(url);
	redirect_destroy(&redirect);
}

static void test_marks(void **state)
{
	struct reply strong = reply_of("HTTP/1.1 206 x\r\nETag: \"1\"\r\n"
		NOW_TEXT "Last-Modified: Fri, 02 Jan 2026 03:00:00 GMT\r\n");
	struct reply weak = reply_of("HTTP/1.1 206 x\r\nETag: W/\"1\"\r\n"
		NOW_TEXT "Last-Modified: Fri, 02 Jan 2026 03:00:00 GMT\r\n");
	struct reply dated = reply_of("HTTP/1.1 206 x\r\n"
		NOW_TEXT "Last-Modified: Fri, 02 Jan 2026 03:00:00 GMT\r\n");
	struct reply young = reply_of("HTTP/1.1 206 x\r\n"
		NOW_TEXT "Last-Modified: Fri, 02 Jan 2026 03:03:06 GMT\r\n");
	struct reply undated = reply_of("HTTP/1.1 206 x\r\n"
		"Last-Modified: Fri, 02 Jan 2026 03:00:00 GMT\r\n");
	struct reply none = reply_of("HTTP/1.1 206 x\r\n");

	(void)state;
	assert_string_equal(mark_strong(&strong.mark), "\"1\"");
	/* RFC 9110, 13.1.5: neither a weak tag, nor a date beside a tag. */
	assert_null(mark_strong(&weak.mark));
	assert_string_equal(mark_strong(&dated.mark),
			    "Fri, 02 Jan 2026 03:00:00 GMT");
	assert_null(mark_strong(&young.mark));
	assert_null(mark_strong(&undated.mark));
	assert_null(mark_strong(&none.mark));
	assert_true(mark_is_empty(&none.mark));
	assert_true(mark_differs(&strong.mark, &weak.mark));
	assert_false(mark_differs(&strong.mark, &dated.mark));
	assert_true(mark_differs(&dated.mark, &young.mark));
	assert_false(mark_differs(&strong.mark, &none.mark));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
