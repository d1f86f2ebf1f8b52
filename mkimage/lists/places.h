/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the files of a generation are on its device, and the other way round: so
 * that a trace can name files, and be used for another layout of these.
 */
#ifndef MKIMAGE_LISTS_PLACES_H
#define MKIMAGE_LISTS_PLACES_H

#include <stdbool.h>
#include "fs/filesystem.h"

/**
 * struct place - blocks that follow each other, of one file
 * @path: from the root, beginning with a slash; NULL: what is read to mount
 * @at: of the first block, in the file; FILES_INODE: its inode, or what leads to its
 *	contents
 */
struct place {
	const char *path;
	u64 at;
	u64 block;
	u64 count;
};

/**
 * struct places - all of a generation
 * @by_path: sorted by path, then @at; those of no path come first
 * @by_block: the same, sorted by their first block
 */
struct places {
	struct place *by_path;
	struct place *by_block;
	size_t count;
	size_t room;
	u64 blocks;
	char **names;
	size_t name_count;
	size_t name_room;
	u64 name_bytes;
};

/*
 * Walk along the filesystem on @overlay. Return: 0, or an errno below 0 after an error
 * message; places_free() follows in any case.
 */
int places_load(struct places *places, struct overlay *overlay);

/* The same for the open generation of @image, which is called @name. */
int places_load_image(struct places *places, struct incr_image *image,
		      const char *name);
void places_free(struct places *places);

/* Places of @path, the first of *@count; NULL: there is no such path. */
const struct place *places_of_path(const struct places *places,
				   const char *path, size_t *count);

/*
 * The next place after *@i that has @block; *@i is SIZE_MAX at first. NULL: there
 * is no other.
 */
const struct place *places_of_block(const struct places *places, u64 block,
				    size_t *i);

#endif /* MKIMAGE_LISTS_PLACES_H */
