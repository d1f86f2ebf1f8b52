// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers on command lines; see parse.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/parse.h"

/* Read digits; return what follows them, or NULL if none or too many. */
static const char *read_digits(const char *text, uint64_t *value)
{
	const char *p = text;

	*value = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (*value > (UINT64_MAX - digit) / 10)
			return NULL;
		*value = *value * 10 + digit;
	}
	return p == text ? NULL : p;
}

int parse_number(const char *text, uint64_t least, uint64_t most,
		 uint64_t *value)
{
	const char *rest = read_digits(text, value);

	if (!rest || *rest || *value < least || *value > most)
		return -EINVAL;
	return 0;
}

int parse_size(const char *text, uint64_t least, uint64_t most,
	       uint64_t *value)
{
	static const char units[] = "KMGT";
	const char *rest = read_digits(text, value);
	const char *unit;
	unsigned int shift;

	if (!rest)
		return -EINVAL;
	if (*rest) {
		unit = strchr(units, *rest);
		if (!unit || (rest[1] && strcmp(rest + 1, "iB")))
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
		if (*value > UINT64_MAX >> shift)
			return -EINVAL;
		*value <<= shift;
	}
	if (*value < least || *value > most)
		return -EINVAL;
	return 0;
}

const char *format_size(uint64_t bytes, char *text)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, FORMAT_SIZE_MAX, "%u B", (unsigned int)bytes);
		return text;
	}
	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, FORMAT_SIZE_MAX, "%.1f %s", value, units[unit]);
	return text;
}
