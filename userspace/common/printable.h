/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and other text from elsewhere, so that a terminal, a line of text or JSON
 * can hold them. A name may have any byte but 0: a newline in it is not to make a
 * line, an escape character not to reach a terminal, and a byte that is not UTF-8
 * not to make invalid JSON.
 *
 * Escapes are those of C: \n, \t, \r, \xNN for any other byte. Control characters
 * are those below 32, 127, and U+0080 to U+009F; line ends and marks of direction
 * (U+2028 to U+202E, U+2066 to U+2069) count as such, too.
 */
#ifndef COMMON_PRINTABLE_H
#define COMMON_PRINTABLE_H

#include <stddef.h>

enum printable {
	PRINTABLE_CONTROL	= 1,	/* escape control characters, too */
	PRINTABLE_BACKSLASH	= 2,	/* and \ as \\, so that all can be undone */
};

/*
 * Escape bytes of @text that are not UTF-8, and the characters that @what names.
 * Return: on the heap, to be freed; NULL if there is no memory.
 */
char *printable(const char *text, unsigned int what);

/*
 * A name for a line of text, and for a string of JSON, which escapes control
 * characters itself. Not to be freed; good until the fourth next call of either in
 * the same thread.
 */
const char *printable_name(const char *name);
const char *printable_json(const char *name);

#endif /* COMMON_PRINTABLE_H */
