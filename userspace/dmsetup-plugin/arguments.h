/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines of ours that come about from elsewhere: from mount(8), or a line of
 * incrementaltab(5).
 */
#ifndef SETUP_ARGUMENTS_H
#define SETUP_ARGUMENTS_H

#include <stdbool.h>

/* The argument that an option of the command "mount" takes. */
enum option_argument { OPTION_UNKNOWN, OPTION_NONE, OPTION_VALUE };

/**
 * struct arguments - a command line
 * @argv: @argc of them and NULL; lives as long as the program
 */
struct arguments {
	char **argv;
	int argc;
};

/* Add @argument, which is kept. Return: 0 or -ENOMEM, if it is NULL, too. */
int arguments_add(struct arguments *arguments, char *argument);

/**
 * next_option - take apart a list of options with commas between
 * @from: where to go on; moved behind the option that is returned
 * @unclosed: set if a double quote has no other; those guard commas, and are
 *	not returned
 *
 * Return: the option, allocated, perhaps ""; NULL without memory.
 */
char *next_option(const char **from, bool *unclosed);

/**
 * add_option - add an option of a list, "NAME[=VALUE]", as a long one of ours
 * @knows: tells whether "mount" has an option of that name
 *
 * Return: 0; -EINVAL with what is wrong in @wrong, of 256 bytes; -ENOMEM.
 */
int add_option(struct arguments *arguments, const char *option,
	       enum option_argument (*knows)(const char *name), char *wrong);

#endif /* SETUP_ARGUMENTS_H */
