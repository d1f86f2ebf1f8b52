/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of command lines.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <getopt.h>

/*
 * getopt_long(), whose own messages would write an option to the terminal as it is. @shorts
 * are up to 30 characters. Return: as getopt_long(); '?' after an error message.
 */
int option_next(int argc, char **argv, const char *shorts,
		const struct option *longs);

/*
 * A mistake on the command line: say so, with @what in @format, point to --help, and end
 * the program with EXITCODE_USAGE.
 */
void option_fail(const char *format, const char *what)
	__attribute__((format(printf, 1, 0), noreturn));

/* Return: @copy, of an argument; NULL for want of memory ends the program, with a message. */
char *option_copy(char *copy);

#endif /* COMMON_OPTION_H */
