/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers on command lines. All of the text must be a number: no sign, no
 * white space, nothing after it.
 */
#ifndef COMMON_PARSE_H
#define COMMON_PARSE_H

#include <stddef.h>
#include <stdint.h>

/* Decimal, @least to @most. Return: 0 or -EINVAL. */
int parse_number(const char *text, uint64_t least, uint64_t most,
		 uint64_t *value);

/* The same with a unit: K, M, G or T (powers of 1024), alone or before "iB". */
int parse_size(const char *text, uint64_t least, uint64_t most,
	       uint64_t *value);

#define FORMAT_SIZE_MAX	24

/* "512 B", "4.0 KiB", "1.5 GiB"; returns @text, of FORMAT_SIZE_MAX bytes. */
const char *format_size(uint64_t bytes, char *text);

#endif /* COMMON_PARSE_H */
