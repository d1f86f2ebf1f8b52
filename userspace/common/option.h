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

#endif /* COMMON_OPTION_H */
