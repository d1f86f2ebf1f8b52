// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "libincremental/internal.h"

static void format_error(struct incr_error *error, const char *format,
			 va_list arguments)
{
	static const char gap[] = " ... ";
	const size_t room = sizeof(error->text) - sizeof(gap);
	size_t start = room / 3, length;
	char *text;
	int n = vasprintf(&text, format, arguments);

	if (n < 0) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return;
	}
	length = (size_t)n;
	if (length < sizeof(error->text))
		memcpy(error->text, text, length + 1);
	else
		snprintf(error->text, sizeof(error->text), "%.*s%s%s",
			 (int)start, text, gap, text + length - (room - start));
	free(text);
}

int incr_fail(struct incr_error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return code;
	va_start(arguments, format);
	format_error(error, format, arguments);
	va_end(arguments);
	return code;
}
