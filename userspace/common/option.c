// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options of command lines; see option.h.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/exitcode.h"
#include "common/message.h"
#include "common/option.h"

static bool is_long(const char *word)
{
	return !strncmp(word, "--", 2);
}

/* How many options begin with the name in @word? */
static int count_named(const char *word, const struct option *longs)
{
	size_t length = strcspn(word + 2, "=");
	int count = 0;

	for (; longs->name; longs++)
		count += !strncmp(longs->name, word + 2, length);
	return count;
}

static void complain(const char *word, bool lacks_argument,
		     const struct option *longs)
{
	int name = (int)strcspn(word, "=");

	if (lacks_argument && is_long(word))
		message_error("option '%s' requires an argument", word);
	else if (lacks_argument)
		message_error("option requires an argument -- '%c'", optopt);
	else if (!optopt && count_named(word, longs) > 1)
		message_error("option '%.*s' is ambiguous", name, word);
	else if (!optopt)
		message_error("unrecognized option '%.*s'", name, word);
	else if (is_long(word) && word[name])
		message_error("option '%.*s' doesn't allow an argument", name,
			      word);
	else
		message_error("invalid option -- '%c'", optopt);
}

int option_next(int argc, char **argv, const char *shorts,
		const struct option *longs)
{
	char string[32];
	int option;

	opterr = 0;
	/* With a colon a missing argument is told from other mistakes. */
	snprintf(string, sizeof(string), ":%s", shorts);
	option = getopt_long(argc, argv, string, longs, NULL);
	if (option != ':' && option != '?')
		return option;
	complain(argv[optind - 1], option == ':', longs);
	return '?';
}

void option_fail(const char *format, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), format, what);
	message_error("%s (see --help)", text);
	exit(EXITCODE_USAGE);
}

char *option_copy(char *copy)
{
	if (copy)
		return copy;
	message_error("out of memory");
	exit(EXITCODE_MEMORY);
}
