/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands, and functions that they share.
 */
#ifndef MKIMAGE_COMMAND_H
#define MKIMAGE_COMMAND_H

#include <stdbool.h>
#include "format.h"

enum {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* an error, or a damaged image */
	EXIT_USAGE	= 2,
};

/* The commands. Options and operands follow argv[0]. Return: an exit code. */
int command_create(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_extract(int argc, char **argv);
int command_extend(int argc, char **argv);
int command_squash(int argc, char **argv);
int command_sign(int argc, char **argv);
int command_startup(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_ls(int argc, char **argv);
int command_cat(int argc, char **argv);
int command_cp(int argc, char **argv);

/* "mkimage COMMAND --help" */
extern const char create_help[], inspect_help[], verify_help[], extract_help[];
extern const char extend_help[], squash_help[], sign_help[], startup_help[];
extern const char trace_help[], ls_help[], cat_help[], cp_help[];

/*
 * The program has two names, as u-boot's tools have a mkimage: "mkimage" and
 * "incimage". Take that of @argv0 if it is one of them, else "mkimage".
 */
void program_called(const char *argv0);
const char *program_name(void);

/* Print @text, with that name for each "mkimage". */
void print_named(const char *text);

/* A mistake on the command line: point to @command's help. EXIT_USAGE. */
int usage_error(const char *command);

/*
 * Check that as many operands follow the options as @names has names. If not,
 * say which operand is missing or too many.
 */
bool operands_ok(const char *command, int argc, char **argv,
		 const char *const *names, int count);

/* Parse an option's value, or print an error message. */
bool option_number(const char *command, const char *option, const char *text,
		   u64 least, u64 most, u64 *value);
/* A size from 1 to 16 TiB. */
bool option_size(const char *command, const char *option, const char *text,
		 u64 *value);
bool option_size_shift(const char *command, const char *option,
		       const char *text, u32 least_shift, u32 most_shift,
		       u32 *shift);

#endif /* MKIMAGE_COMMAND_H */
