// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hexadecimal digits, and UUIDs; see incremental.h.
 */
#include "libincremental/incremental.h"

int incr_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int incr_hex_parse(const char *hex, u8 *bytes, size_t max)
{
	size_t count;

	for (count = 0; hex[2 * count]; count++) {
		int high = incr_hex_digit(hex[2 * count]);
		int low = high < 0 ? -1 : incr_hex_digit(hex[2 * count + 1]);

		if (low < 0 || count == max)
			return -EINVAL;
		bytes[count] = (u8)(high << 4 | low);
	}
	return (int)count;
}

void incr_hex_format(const u8 *bytes, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * size] = '\0';
}

void incr_uuid_format(const u8 *uuid, char *text)
{
	static const int parts[] = { 4, 2, 2, 2, 6 };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		incr_hex_format(uuid, (size_t)parts[i], text);
		uuid += parts[i];
		text += 2 * parts[i];
		if (i + 1 < sizeof(parts) / sizeof(parts[0]))
			*text++ = '-';
	}
}
