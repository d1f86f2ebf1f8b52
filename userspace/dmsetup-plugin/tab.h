/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incrementaltab(5): the devices that are made at boot.
 */
#ifndef SETUP_TAB_H
#define SETUP_TAB_H

#include <stdio.h>
#include "libincremental/incremental.h"

#define TAB_PATH	"/etc/incrementaltab"

/**
 * struct tab_line - a device
 * @name: of the device
 * @local: the local image; NULL: the default for @name
 * @origin: NULL: none
 * @root: the root hash, as it was written; NULL: none
 * @options: "" if none
 *
 * All of it leads into the table, until the next line is read.
 */
struct tab_line {
	const char *name;
	const char *local;
	const char *origin;
	const char *root;
	const char *options;
};

/**
 * struct tab - the table, open
 * @number: of the line that was read last
 */
struct tab {
	FILE *file;
	const char *path;
	unsigned int number;
	char *text;
	size_t room;
};

/* @path is kept. -ENOENT: there is none. tab_close() in any case. */
int tab_open(struct tab *tab, const char *path, struct incr_error *error);
void tab_close(struct tab *tab);

/*
 * The next line. Return: 1; 0 at the end; -EBADMSG for a wrong line, after which the
 * next can be read; another -errno.
 */
int tab_next(struct tab *tab, struct tab_line *line, struct incr_error *error);

/* Is the option of a line for systemd, or for us? */
bool tab_is_systemds(const char *option);

/* Is an origin, or NULL, on another machine? */
bool tab_is_remote(const char *origin);

/*
 * A name as systemd has it in names of units (systemd-escape(1)). Return: @to, of
 * UNIT_NAME_MAX bytes.
 */
#define UNIT_NAME_MAX	512
const char *unit_escape(const char *name, char to[UNIT_NAME_MAX]);

#endif /* SETUP_TAB_H */
