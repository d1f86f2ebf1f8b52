/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources that a filesystem is made of or extended by, whatever they come in.
 */
#ifndef MKIMAGE_SOURCES_H
#define MKIMAGE_SOURCES_H

#include "fs/tree.h"

/* Bytes of all files of an archive, unless more are allowed. */
#define SOURCES_SIZE_MAX	(64ull << 30)

/**
 * struct sources_options - how sources are opened
 * @dir: where temporary files go
 * @most: bytes that the files of an archive may have
 * @plain: a layout of an OCI image is not taken for the image
 * @filesystems: a squashfs is taken for its files
 */
struct sources_options {
	const char *dir;
	u64 most;
	bool plain;
	bool filesystems;
};

/**
 * sources_open - open what holds files
 * @tree: set to it, for sources_close(); NULL: @path is a file or device of another kind
 * @path: a directory, an archive or an OCI image; kept
 *
 * Return: 0, or a negative errno after an error message.
 */
int sources_open(struct tree **tree, const char *path,
		 const struct sources_options *options);
void sources_close(struct tree *tree);

#endif /* MKIMAGE_SOURCES_H */
