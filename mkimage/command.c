// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Helpers of all commands; see command.h.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "common/message.h"
#include "common/parse.h"

static const char *name = "mkimage";

void program_called(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	if (!strcmp(slash ? slash + 1 : argv0, "incimage"))
		name = "incimage";
}

const char *program_name(void)
{
	return name;
}

void print_named(const char *text)
{
	const char *mkimage;

	while ((mkimage = strstr(text, "mkimage"))) {
		printf("%.*s%s", (int)(mkimage - text), text, name);
		text = mkimage + strlen("mkimage");
	}
	fputs(text, stdout);
}

int usage_error(const char *command)
{
	message_error("see \"%s %s --help\"", program_name(), command);
	return EXIT_USAGE;
}

bool operands_ok(const char *command, int argc, char **argv,
		 const char *const *names, int count)
{
	int given = argc - optind;

	if (given == count)
		return true;
	if (given < count)
		message_error("%s: %s is missing", command, names[given]);
	else
		message_error("%s: '%s' is one operand too many", command,
			      argv[optind + count]);
	usage_error(command);
	return false;
}

bool option_number(const char *command, const char *option, const char *text,
		   u64 least, u64 most, u64 *value)
{
	if (!parse_number(text, least, most, value))
		return true;
	message_error("%s: %s takes a number from %llu to %llu, not '%s'",
		      command, option, (unsigned long long)least,
		      (unsigned long long)most, text);
	return false;
}

bool option_size(const char *command, const char *option, const char *text,
		 u64 *value)
{
	if (!parse_size(text, 1, INC_BLOCKS_MAX << INC_BLOCK_SHIFT, value))
		return true;
	message_error("%s: %s takes a size up to 16T, such as 512M, not '%s'",
		      command, option, text);
	return false;
}

bool option_size_shift(const char *command, const char *option,
		       const char *text, u32 least_shift, u32 most_shift,
		       u32 *shift)
{
	char least[FORMAT_SIZE_MAX], most[FORMAT_SIZE_MAX];
	u64 value;

	if (!parse_size(text, 1ull << least_shift, 1ull << most_shift,
			&value) && !(value & (value - 1))) {
		*shift = (u32)__builtin_ctzll(value);
		return true;
	}
	message_error("%s: %s takes a power of two from %s to %s, not '%s'",
		      command, option, format_size(1ull << least_shift, least),
		      format_size(1ull << most_shift, most), text);
	return false;
}
