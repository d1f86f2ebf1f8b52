/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a path to its inode, and the names in a directory.
 */
#ifndef MKIMAGE_BROWSE_PATH_H
#define MKIMAGE_BROWSE_PATH_H

#include "browse/browse.h"

/**
 * path_find - go along a path, from the root of the filesystem
 * @follow: a symbolic link at its end, too; those before are followed in any case, and
 *	none leads out of the filesystem
 *
 * Return: 0, or a negative errno after an error message; so does entries_read().
 */
int path_find(struct browse *browse, const char *path, bool follow,
	      struct node *node);

struct listed {
	char *name;
	u64 number;
};

/**
 * struct entries - the names in a directory, sorted by their bytes
 */
struct entries {
	struct listed *list;
	size_t count;
	size_t room;
};

/* entries_free() frees them, also after an error. */
int entries_read(struct browse *browse, const struct node *dir,
		 struct entries *entries);
void entries_free(struct entries *entries);

/* "DIRECTORY/NAME": on the heap; NULL after an error message. */
char *path_join(const char *dir, const char *name);

#endif /* MKIMAGE_BROWSE_PATH_H */
