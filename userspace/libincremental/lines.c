// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts that are read line by line; see lines.h.
 */
#include "libincremental/lines.h"

#define DIGITS_MAX	(1ull << 60)

int incr_lines_wrong(const struct inc_lines *lines, struct incr_error *error,
		     const char *what)
{
	return incr_fail(error, -EINVAL, "line %u: %s", lines->number, what);
}

int incr_lines_next(struct inc_lines *lines, struct incr_error *error)
{
	while (lines->at < lines->end) {
		const char *end = memchr(lines->at, '\n',
					 (size_t)(lines->end - lines->at));
		size_t length = (size_t)((end ? end : lines->end) - lines->at);
		const char *start = lines->at;

		lines->number++;
		lines->at = end ? end + 1 : lines->end;
		if (!length || *start == '#')
			continue;
		if (!end)
			return incr_lines_wrong(lines, error,
						"it is cut short: no line feed ends it");
		if (length >= sizeof(lines->line))
			return incr_lines_wrong(lines, error,
						"it is too long");
		if (memchr(start, '\0', length))
			return incr_lines_wrong(lines, error,
						"it has a zero byte");
		memcpy(lines->line, start, length);
		lines->line[length] = '\0';
		return 1;
	}
	return 0;
}

int incr_lines_magic(struct inc_lines *lines, const char *magic,
		     const char *what, struct incr_error *error)
{
	int ret = incr_lines_next(lines, error);

	if (ret < 0)
		return ret;
	if (ret && !strcmp(lines->line, magic))
		return 0;
	return incr_fail(error, -EINVAL,
			 "line %u: it is not \"%s\", so this is no %s",
			 lines->number + !ret, magic, what);
}

int incr_lines_field(struct inc_lines *lines, const char *name,
		     const char **value, struct incr_error *error)
{
	size_t length = strlen(name);
	int ret = incr_lines_next(lines, error);

	if (ret < 0)
		return ret;
	if (ret && !strncmp(lines->line, name, length) &&
	    lines->line[length] == ' ') {
		*value = lines->line + length + 1;
		return 0;
	}
	return incr_fail(error, -EINVAL, "line %u: \"%s VALUE\" is missing",
			 lines->number + !ret, name);
}

bool incr_take_digits(const char **text, u64 *value)
{
	const char *start = *text;

	*value = 0;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		*value = *value * 10 + (u64)(**text - '0');
		if (*value >= DIGITS_MAX)
			return false;
	}
	return *text > start;
}

int incr_lines_number(struct inc_lines *lines, const char *name, u64 most,
		      u64 *value, struct incr_error *error)
{
	const char *text;
	int ret = incr_lines_field(lines, name, &text, error);

	if (ret)
		return ret;
	if (incr_take_digits(&text, value) && !*text && *value <= most)
		return 0;
	return incr_fail(error, -EINVAL,
			 "line %u: %s is not a number up to %llu",
			 lines->number, name, (unsigned long long)most);
}

int incr_lines_hex(struct inc_lines *lines, const char *name, u8 *bytes,
		   size_t least, size_t most, size_t *size,
		   struct incr_error *error)
{
	const char *text;
	int ret = incr_lines_field(lines, name, &text, error), n;

	if (ret)
		return ret;
	n = incr_hex_parse(text, bytes, most);
	if (n < (int)least)
		return incr_fail(error, -EINVAL,
				 "line %u: %s is not made of %zu to %zu bytes in hexadecimal",
				 lines->number, name, least, most);
	*size = (size_t)n;
	return 0;
}

int incr_lines_identity(struct inc_lines *lines, struct incr_identity *identity,
			struct incr_error *error)
{
	u64 generation = 0;
	size_t uuid;
	int ret;

	ret = incr_lines_hex(lines, "uuid", identity->uuid,
			     sizeof(identity->uuid), sizeof(identity->uuid),
			     &uuid, error);
	if (!ret)
		ret = incr_lines_number(lines, "generation",
					INC_SEGMENTS_MAX - 1, &generation,
					error);
	if (!ret)
		ret = incr_lines_hex(lines, "root", identity->root, 1,
				     sizeof(identity->root),
				     &identity->root_size, error);
	identity->generation = (u32)generation;
	return ret;
}
