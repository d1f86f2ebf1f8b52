/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mkimage's commands share.
 */
#ifndef MKIMAGE_H
#define MKIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include "libincremental/incremental.h"

enum {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* an error, or a damaged image */
	EXIT_USAGE	= 2,
};

/* Commands: what follows argv[0] are options and operands. Exit codes. */
int command_create(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_extract(int argc, char **argv);
int command_extend(int argc, char **argv);
int command_squash(int argc, char **argv);
int command_sign(int argc, char **argv);

/* "mkimage COMMAND --help" */
extern const char create_help[], inspect_help[], verify_help[], extract_help[];
extern const char extend_help[], squash_help[], sign_help[];

/* A mistake on the command line: point to @command's help. EXIT_USAGE. */
int usage_error(const char *command);

/*
 * Check that what is left of the command line after the options is as many
 * words as @names names, else say which is missing or too many.
 */
bool operands_ok(const char *command, int argc, char **argv,
		 const char *const *names, int count);

/* Parse an option's value or say what is wrong with it. */
bool option_number(const char *command, const char *option, const char *text,
		   u64 least, u64 most, u64 *value);
bool option_size_shift(const char *command, const char *option,
		       const char *text, u32 least_shift, u32 most_shift,
		       u32 *shift);

/* "out of memory" to the user. Return: -ENOMEM. */
int no_memory(void);

/* Read exactly @length bytes. Return: 0, or an errno below 0 and why in @error. */
int read_bytes(int fd, u64 offset, void *data, size_t length,
	       struct inc_error *error);

/* The same, with a message that names the file. */
int read_all(int fd, u64 offset, void *data, size_t length, const char *name);

/*
 * extract.c: write the open generation of the image @name to the empty file
 * @fd, sparse. Return: 0, or an errno below 0 after an error message.
 */
struct inc_image;
int extract_to(struct inc_image *image, const char *name, int fd, u64 threads);

/* Add to a JSON object. */
struct json_object;
void json_number(struct json_object *object, const char *name, u64 value);
void json_text(struct json_object *object, const char *name, const char *text);
/* A name from elsewhere, see printable_json(). */
void json_name(struct json_object *object, const char *name, const char *path);

/*
 * Warn if a signed device does not begin with zeros, which who verifies the
 * signature wants; @start has INC_SIGNED_ZEROS bytes.
 */
void sign_check_start(const char *name, const u8 *start);

/* A progress line at most five times a second, from the second second on. */
struct progress {
	const char *doing;
	u64 total;		/* bytes */
	u64 start_ms;
	u64 next_ms;
};

void progress_start(struct progress *progress, const char *doing, u64 total);
void progress_show(struct progress *progress, u64 done);
void progress_end(struct progress *progress);

#define UUID_TEXT_SIZE	37

/* "12345678-1234-..." */
void uuid_format(const u8 *uuid, char *text);

#endif /* MKIMAGE_H */
