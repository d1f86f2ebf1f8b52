/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the files that say how origins are asked, and of lists of origins, which are
 * read for the first time and again by the same rules.
 */
#ifndef ORIGIN_TEXT_H
#define ORIGIN_TEXT_H

#include <stddef.h>

enum line_kind {
	LINE_NOTHING,	/* it is empty, or a comment */
	LINE_OPTION,	/* it begins with "--" */
	LINE_ORIGIN,
};

/* Bytes of a line without its end and the blanks before that; *@next: of what follows. */
size_t text_line(const char *line, const char **next);

/* What a line of a list of origins is that has @length bytes. */
enum line_kind text_kind(const char *line, size_t length);

#endif /* ORIGIN_TEXT_H */
