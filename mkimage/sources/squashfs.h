/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * squashfs images. libarchive cannot read them; sqfs2tar of squashfs-tools-ng makes a tar
 * of one, with attributes, links and devices, and without root. (unsquashfs writes files
 * only, for which it would have to be root.)
 */
#ifndef MKIMAGE_SQUASHFS_H
#define MKIMAGE_SQUASHFS_H

#include <stdbool.h>
#include "sources/input.h"
#include "sources/model.h"

bool squashfs_recognised(const u8 *start, size_t size);

/* Add the files of one, a whole file. Return: 0, or a negative errno after a message. */
int squashfs_add(struct model *model, struct input *input);

#endif /* MKIMAGE_SQUASHFS_H */
