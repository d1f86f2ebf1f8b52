// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names as the tools print them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/printable.c"

#define ALL	(PRINTABLE_CONTROL | PRINTABLE_BACKSLASH)

static void shows(const char *text, unsigned int what, const char *wanted)
{
	char *got = printable(text, what);

	assert_string_equal(got, wanted);
	free(got);
}

static void plain_text(void **state)
{
	(void)state;
	shows("", ALL, "");
	shows("/a/name with space", ALL, "/a/name with space");
	shows("\u00fcml\u00e4ut \u20ac \U0001f600 \U0010ffff", ALL,
	      "\u00fcml\u00e4ut \u20ac \U0001f600 \U0010ffff");
}

static void control_characters(void **state)
{
	(void)state;
	shows("a\nb\tc\rd\x1b[2J\x7f\x01", ALL, "a\\nb\\tc\\rd\\x1b[2J\\x7f\\x01");
	shows("\xc2\x9b" "2J\xe2\x80\xae", ALL, "\\xc2\\x9b2J\\xe2\\x80\\xae");
	shows("a\nb\x1b", PRINTABLE_BACKSLASH, "a\nb\x1b");
}

static void backslashes(void **state)
{
	(void)state;
	shows("a\\nb", ALL, "a\\\\nb");
	shows("a\\nb", PRINTABLE_CONTROL, "a\\nb");
}

/* Cut off, alone, too long, a surrogate, too large. */
static void not_utf8(void **state)
{
	(void)state;
	shows("\xff", 0, "\\xff");
	shows("a\xc3", 0, "a\\xc3");
	shows("\x80z", 0, "\\x80z");
	shows("\xe2\x82z", 0, "\\xe2\\x82z");
	shows("\xc0\xaf", 0, "\\xc0\\xaf");
	shows("\xe0\x80\xaf", 0, "\\xe0\\x80\\xaf");
	shows("\xed\xa0\x80", 0, "\\xed\\xa0\\x80");
	shows("\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80");
	shows("\xf8\x88\x80\x80\x80", 0, "\\xf8\\x88\\x80\\x80\\x80");
}

/* Undo the escapes of @text. Return: the number of bytes in @out. */
static size_t undo(const char *text, char *out)
{
	size_t size = 0;
	char digits[3] = "";

	for (; *text; text++) {
		if (*text != '\\') {
			out[size++] = *text;
			continue;
		}
		switch (*++text) {
		case 'n':
			out[size++] = '\n';
			break;
		case 't':
			out[size++] = '\t';
			break;
		case 'r':
			out[size++] = '\r';
			break;
		case 'x':
			memcpy(digits, text + 1, 2);
			out[size++] = (char)strtoul(digits, NULL, 16);
			text += 2;
			break;
		default:
			out[size++] = *text;
		}
	}
	return size;
}

/* No two names are printed alike, and each is printed as valid text. */
static void all_can_be_undone(void **state)
{
	unsigned int a, b, i;

	(void)state;
	for (a = 1; a < 256; a++)
		for (b = 1; b < 256; b++) {
			char name[] = { 'x', (char)a, (char)b, (char)a, 0 };
			const char *shown = printable_name(name);
			char got[8];

			for (i = 0; shown[i]; i++)
				assert_true((unsigned char)shown[i] >= ' ');
			assert_int_equal(undo(shown, got), 4);
			assert_memory_equal(got, name, 4);
			assert_int_equal(undo(printable_json(name), got), 4);
			assert_memory_equal(got, name, 4);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(backslashes),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(all_can_be_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
