// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "libincremental/internal.h"

static void format_error(struct inc_error *error, const char *format,
			 va_list arguments)
{
	static const char gap[] = " ... ";
	const size_t room = sizeof(error->text) - sizeof(gap);
	size_t start = room / 3, length;
	char *text;
	int n = vasprintf(&text, format, arguments);

	if (n < 0) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return;
	}
	length = (size_t)n;
	if (length < sizeof(error->text))
		memcpy(error->text, text, length + 1);
	else
		snprintf(error->text, sizeof(error->text), "%.*s%s%s",
			 (int)start, text, gap, text + length - (room - start));
	free(text);
}

int inc_fail(struct inc_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return code;
	va_start(arguments, format);
	format_error(error, format, arguments);
	va_end(arguments);
	return code;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int inc_hex_parse(const char *hex, u8 *bytes, size_t max)
{
	size_t count;

	for (count = 0; hex[2 * count]; count++) {
		int high = hex_digit(hex[2 * count]);
		int low = high < 0 ? -1 : hex_digit(hex[2 * count + 1]);

		if (low < 0 || count == max)
			return -EINVAL;
		bytes[count] = (u8)(high << 4 | low);
	}
	return (int)count;
}

void inc_hex_format(const u8 *bytes, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * size] = '\0';
}
