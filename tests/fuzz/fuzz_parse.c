// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: numbers, sizes and hexadecimal digests, as users type them.
 */
#include "common/parse.h"
#include "fuzz/fuzz.h"
#include "libincremental/incremental.h"

__extension__ typedef unsigned __int128 wide;

/* The long way to the same: digits, then a unit, in a type that is wide enough. */
static bool plain(const char *text, bool units, u64 *value)
{
	static const char *const names[] = { "K", "M", "G", "T" };
	wide number = 0;
	size_t digits = strspn(text, "0123456789"), i;

	if (!digits)
		return false;
	for (i = 0; i < digits && number <= UINT64_MAX; i++)
		number = number * 10 + (wide)(text[i] - '0');
	if (number > UINT64_MAX)
		return false;
	text += digits;
	for (i = 0; units && *text && i < 4; i++) {
		if (*text != *names[i] || (text[1] && strcmp(text + 1, "iB")))
			continue;
		number <<= 10 * (i + 1);
		text += strlen(text);
	}
	*value = (u64)number;
	return !*text && number <= UINT64_MAX;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char format[FORMAT_SIZE_MAX];
	u64 value, expected;
	char *text, *hex;
	u8 *bytes;
	int n;

	text = malloc(size + 1);	/* of its own, so that overruns are seen */
	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';

	n = parse_number(text, 0, UINT64_MAX, &value);
	MUST(!n == plain(text, false, &expected));
	MUST(n || value == expected);
	if (!n && value) {
		MUST(!parse_number(text, value, value, &value));
		MUST(parse_number(text, 0, value - 1, &value));
	}
	n = parse_size(text, 0, UINT64_MAX, &value);
	MUST(!n == plain(text, true, &expected));
	MUST(n || value == expected);
	MUST(format_size(n ? size << 40 : value, format) == format);
	MUST(strlen(format) < sizeof(format));

	bytes = malloc(size / 2 + 1);
	MUST(bytes);
	n = incr_hex_parse(text, bytes, size / 2);
	if (n >= 0) {
		hex = malloc(2 * (size_t)n + 1);
		MUST(hex);
		incr_hex_format(bytes, (size_t)n, hex);
		MUST(!strcasecmp(hex, text));
		free(hex);
	}
	free(bytes);
	free(text);
	return 0;
}
