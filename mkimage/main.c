// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage: make and check incremental images.
 */
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "common/message.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
	const char *summary;
} commands[] = {
	{ "create", command_create, create_help,
	  "make an image of a directory or a raw filesystem image" },
	{ "extend", command_extend, extend_help,
	  "make the next generation: add, replace and remove files" },
	{ "squash", command_squash, squash_help,
	  "make one segment of all generations: the newest one" },
	{ "inspect", command_inspect, inspect_help,
	  "say what an image is made of" },
	{ "verify", command_verify, verify_help,
	  "check everything in an image" },
	{ "extract", command_extract, extract_help,
	  "get the raw filesystem image back" },
	{ "ls", command_ls, ls_help,
	  "list files in an image, wherever that is" },
	{ "cat", command_cat, cat_help,
	  "print files in an image" },
	{ "cp", command_cp, cp_help,
	  "copy a file or a tree out of an image" },
	{ "startup", command_startup, startup_help,
	  "make a start-up list of what was read when an app started" },
	{ "trace", command_trace, trace_help,
	  "show what was read when an app started" },
	{ "sign", command_sign, sign_help,
	  "sign an image, or take in or out a signature" },
};

static void print_help(void)
{
	size_t i;

	print_named("Usage: mkimage COMMAND [OPTION]... OPERAND...\n"
		   "\n"
		   "Make and check images for the device-mapper target \"incremental\".\n"
		   "\n"
		   "Commands:\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].summary);
	print_named("\n"
		   "\"mkimage COMMAND --help\" tells a command's options.\n"
		   "  -h, --help     this text\n"
		   "  -V, --version  the version\n"
		   "\n"
		   "Exit status: 0 if all went well, 1 on failure or damage, 2 for a mistake on\n"
		   "the command line.\n");
}

/* Output that did not reach stdout is a failure. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		message_error("cannot write to standard output");
		return status ? status : EXIT_FAILED;
	}
	return status;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static bool is_version(const char *word)
{
	return !strcmp(word, "--version") || !strcmp(word, "-V");
}

/* Does any word before "--" ask for it? */
static bool asks(int argc, char **argv, bool (*is_it)(const char *word))
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (is_it(argv[i]))
			return true;
	return false;
}

static int print_version(void)
{
	printf("%s (dm-incremental) " INC_VERSION_STRING "\n", program_name());
	return finish(EXIT_OK);
}

int main(int argc, char **argv)
{
	size_t i;

	program_called(argc ? argv[0] : "");
	message_init(program_name(), MESSAGE_INFO);
	if (argc < 2) {
		message_error("a command is missing; see \"%s --help\"",
			      program_name());
		return EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		print_help();
		return finish(EXIT_OK);
	}
	if (is_version(argv[1]))
		return print_version();
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		if (asks(argc - 1, argv + 1, is_help)) {
			print_named(commands[i].help);
			return finish(EXIT_OK);
		}
		if (asks(argc - 1, argv + 1, is_version))
			return print_version();
		argv[1] = argv[0];	/* getopt begins behind it */
		return finish(commands[i].run(argc - 1, argv + 1));
	}
	message_error("there is no command '%s'; see \"%s --help\"", argv[1],
		      program_name());
	return EXIT_USAGE;
}
