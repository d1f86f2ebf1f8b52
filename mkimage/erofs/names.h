/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in an erofs's directories, as they are on the device.
 */
#ifndef MKIMAGE_EROFS_NAMES_H
#define MKIMAGE_EROFS_NAMES_H

#include "erofs/image.h"

/**
 * erofs_names_visit - read a directory from its start
 * @visit: called for each entry, "." and ".." among them, with the directory's block that
 *	it is in; @name is not terminated. The walk ends when it returns something else than 0
 *
 * Form and characters of names are checked, not their order. Return: as in image.h, or
 * what @visit returned.
 */
int erofs_names_visit(struct erofs_image *image, const struct erofs_inode *dir,
		      int (*visit)(void *context,
				   const struct erofs_disk_entry *disk,
				   u32 block, const char *name, size_t length),
		      void *context);

#endif /* MKIMAGE_EROFS_NAMES_H */
