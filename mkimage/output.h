/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that appears under its name when it is complete, or not at all.
 */
#ifndef MKIMAGE_OUTPUT_H
#define MKIMAGE_OUTPUT_H

#include <stdbool.h>

/**
 * struct output - the file being written
 * @path: its name to be
 * @dir: where that is
 * @temporary: its name until it is complete
 * @fd: open for reading and writing
 */
struct output {
	const char *path;
	char *dir;
	char *temporary;
	int fd;
	bool force;
};

/**
 * output_open - start a file
 * @path: not copied
 * @force: replace a file of that name
 *
 * Signals that end the process remove the temporary file, from now on.
 *
 * Return: 0, or a negative errno after an error message.
 */
int output_open(struct output *output, const char *path, bool force);

/*
 * Refuse an output that would replace @source, of which it is made, or another
 * output. Return: as output_open().
 */
int output_check_source(const struct output *output, const char *source);
/* The same for each of @count files. */
int output_check_sources(const struct output *output, char *const *sources,
			 int count);
/* The same for a file at @path that is going to be changed in place. */
int output_check_in_place(const char *path, const char *source);
int output_check_other(const struct output *output,
		       const struct output *other);

/*
 * Refuse to write @path, in @dir, inside the directory @source, even through a
 * symbolic link: it would become part of its own source. (walk_directory()
 * finds hard links.) Return: as output_open().
 */
int output_check_outside(const char *path, const char *dir,
			 const char *source);

/* Flush it to the disk and give it its name. Return: as output_open(). */
int output_commit(struct output *output);

/* Discard the file, unless it was committed; free what @output holds. */
void output_close(struct output *output);

#endif /* MKIMAGE_OUTPUT_H */
