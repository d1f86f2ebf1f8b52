// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines; see text.h. */
#include <string.h>
#include "origin/text.h"

size_t text_line(const char *line, const char **next)
{
	size_t n = strcspn(line, "\n");

	*next = line + n + (line[n] == '\n');
	while (n && strchr(" \t\r", line[n - 1]))
		n--;
	return n;
}

enum line_kind text_kind(const char *line, size_t length)
{
	if (!length || *line == '#')
		return LINE_NOTHING;
	return length >= 2 && !strncmp(line, "--", 2) ? LINE_OPTION : LINE_ORIGIN;
}
