/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a copy goes: it is made in a new directory beside its place, and is at the
 * place when it is complete, or not at all.
 */
#ifndef MKIMAGE_BROWSE_PLACE_H
#define MKIMAGE_BROWSE_PLACE_H

#include <stdbool.h>

struct store;

/**
 * struct place - where a copy goes
 * @path: its name to be
 * @name: the last part of that, which it has in @dir already
 * @temporary: the new directory
 * @dir: that, open; -1: there is none
 */
struct place {
	char *path;
	const char *name;
	char *temporary;
	int dir;
};

/**
 * place_open - find the place, and make the directory
 * @from: path in the image, of which a copy in the directory @to has its name
 * @store: the image; it is not replaced
 * @directory: the copy is one, and replaces nothing
 * @force: replace a file
 *
 * Return: 0, or a negative errno after an error message; place_close() in either case.
 */
int place_open(struct place *place, const char *from, const char *to,
	       const struct store *store, bool directory, bool force);

/* Move the copy to its place. Return: the same. */
int place_commit(struct place *place, bool force);

/* Remove the new directory, and what is left in it. */
void place_close(struct place *place);

#endif /* MKIMAGE_BROWSE_PLACE_H */
