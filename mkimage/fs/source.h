/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source of an image: a raw filesystem image, given or made of files.
 */
#ifndef MKIMAGE_SOURCE_H
#define MKIMAGE_SOURCE_H

#include <stdbool.h>
#include "fs/filesystem.h"
#include "libincremental/hash.h"

/**
 * struct source - a raw filesystem image, open for reading
 * @name: for messages, not copied
 * @compat: INC_COMPAT_* of the filesystem
 * @id: digest that tells contents apart, from which a salt and UUIDs are made
 */
struct source {
	const char *name;
	int fd;
	u64 blocks;
	u64 compat;
	u8 id[INC_SHA256_SIZE];
};

/**
 * struct source_options - how it is opened
 * @known: filesystems, the last without a name; NULL: the one in a file or
 *	device is not identified
 * @fs: which of them files get
 * @tree: files that a filesystem is made of; NULL: a raw filesystem image is given
 * @raw: a file or device need not hold a filesystem that is known
 * @check: compare the filesystem with the files that it was made of
 * @build: how the filesystem is made
 */
struct source_options {
	const struct filesystem *known;
	const struct filesystem *fs;
	const struct tree *tree;
	bool raw;
	bool check;
	struct build_options build;
};

/**
 * source_open - open a raw filesystem image, or make one of files
 * @path: a file or block device, or the name of the tree of files; not copied
 *
 * Return: 0, or a negative errno after an error message; in either case
 * source_close() closes it.
 */
int source_open(struct source *source, const char *path,
		const struct source_options *options);
void source_close(struct source *source);

/*
 * Where data starts at or after block @block; the end of the source if nowhere,
 * @block where holes are not known.
 */
u64 source_seek_data(const struct source *source, u64 block);

#endif /* MKIMAGE_SOURCE_H */
