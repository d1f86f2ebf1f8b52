/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Describing what each generation of an image adds.
 */
#ifndef MKIMAGE_GENERATIONS_H
#define MKIMAGE_GENERATIONS_H

#include "fs/filesystem.h"
#include "libincremental/incremental.h"

struct json_object;

/*
 * Add an array "generations" to @root, up to the open generation of @image,
 * which is called @name. With the filesystems @known, also the paths that each one
 * after the first added, changed and removed, which takes the image to be complete;
 * NULL: without them.
 *
 * Return: 0, or a negative errno after an error message.
 */
int generations_describe(struct json_object *root, struct incr_image *image,
			 const char *name, const struct filesystem *known);

#endif /* MKIMAGE_GENERATIONS_H */
