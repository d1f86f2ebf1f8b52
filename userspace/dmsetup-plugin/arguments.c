// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Command lines that come about from elsewhere; see arguments.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/printable.h"
#include "dmsetup-plugin/arguments.h"

int arguments_add(struct arguments *arguments, char *argument)
{
	char **more = realloc(arguments->argv,
			      (size_t)(arguments->argc + 2) * sizeof(*more));

	if (more)
		arguments->argv = more;
	if (!more || !argument)
		return -ENOMEM;
	more[arguments->argc++] = argument;
	more[arguments->argc] = NULL;
	return 0;
}

char *next_option(const char **from, bool *unclosed)
{
	const char *at = *from;
	char *option = strdup(at), *to = option;
	bool quoted = false;

	if (!option)
		return NULL;
	for (; *at && (quoted || *at != ','); at++) {
		if (*at == '"')
			quoted = !quoted;
		else
			*to++ = *at;
	}
	/* It was as long as the list. */
	explicit_bzero(to, strlen(to));
	if (quoted)
		*unclosed = true;
	*from = *at ? at + 1 : at;
	return option;
}

int add_option(struct arguments *arguments, const char *option,
	       enum option_argument (*knows)(const char *name), char *wrong)
{
	size_t length = strcspn(option, "=");
	bool has_value = option[length] == '=';
	char *name = strndup(option, length), *argument;
	const char *format = NULL;

	if (!name)
		return -ENOMEM;
	switch (knows(name)) {
	case OPTION_UNKNOWN:
		format = "there is no option \"%.128s\"";
		break;
	case OPTION_NONE:
		if (has_value)
			format = "the option \"%.128s\" takes no value";
		break;
	case OPTION_VALUE:
		if (!has_value || !option[length + 1])
			format = "the option \"%.128s\" needs a value";
		break;
	}
	if (format)
		snprintf(wrong, 256, format, printable_name(name));
	free(name);
	if (format)
		return -EINVAL;
	if (asprintf(&argument, "--%s", option) < 0)
		return -ENOMEM;
	return arguments_add(arguments, argument);
}
