/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A digest of all extended attributes of an inode, in whatever order they come.
 */
#ifndef MKIMAGE_XATTR_SUM_H
#define MKIMAGE_XATTR_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include "fs/tree.h"
#include "libincremental/hash.h"

/*
 * Add one to @sum, of INC_SHA256_SIZE bytes, which are zeros at first. Return:
 * false if there is no memory.
 */
bool xattr_sum_add(u8 *sum, const char *name, const void *value, size_t length);

/*
 * Of the file, directory or link at @path, which is not followed. Return: 0, or
 * a negative errno after an error message.
 */
int xattr_sum_of_file(const struct tree *tree, const char *path, u8 *sum);

#endif /* MKIMAGE_XATTR_SUM_H */
