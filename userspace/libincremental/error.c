// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include "internal.h"

/* Set @error, which may be NULL, and return @code: "return inc_fail(...)". */
int inc_fail(struct inc_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
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
