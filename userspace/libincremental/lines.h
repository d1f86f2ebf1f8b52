/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts that are read line by line: start-up lists and traces. Not for users of
 * the library.
 */
#ifndef INCREMENTAL_LINES_H
#define INCREMENTAL_LINES_H

#include "libincremental/identity.h"

/* The longest line: a path of which each byte is escaped, and the rest. */
#define INC_LINE_MAX	16384u

/**
 * struct inc_lines - a text that is being read
 * @at: where the next line begins; @end: of the text
 * @number: of the line in @line, 1 being the first
 * @line: a copy, with a zero at its end
 */
struct inc_lines {
	const char *at;
	const char *end;
	unsigned int number;
	char line[INC_LINE_MAX];
};

/*
 * All return 0 or -EINVAL, with the line's number in @error, but for this one,
 * which returns 1, and 0 at the end of the text. Lines that are empty or begin
 * with "#" are passed over.
 */
int incr_lines_next(struct inc_lines *lines, struct incr_error *error);

/* The next line must be @magic. @what is in the text then. */
int incr_lines_magic(struct inc_lines *lines, const char *magic,
		     const char *what, struct incr_error *error);

/* The next line must be "@name VALUE"; @value points into it. */
int incr_lines_field(struct inc_lines *lines, const char *name,
		     const char **value, struct incr_error *error);

/* The value must be a number up to @most, or @least to @most bytes. */
int incr_lines_number(struct inc_lines *lines, const char *name, u64 most,
		      u64 *value, struct incr_error *error);
int incr_lines_hex(struct inc_lines *lines, const char *name, u8 *bytes,
		   size_t least, size_t most, size_t *size,
		   struct incr_error *error);

/* The lines of incr_identity_format(). */
int incr_lines_identity(struct inc_lines *lines, struct incr_identity *identity,
			struct incr_error *error);

/* What is wrong with the current line. Return: -EINVAL. */
int incr_lines_wrong(const struct inc_lines *lines, struct incr_error *error,
		     const char *what);

/* Digits at *@text, which moves past them: a number below 2^60. */
bool incr_take_digits(const char **text, u64 *value);

#endif /* INCREMENTAL_LINES_H */
