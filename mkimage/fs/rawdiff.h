/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference to a raw image.
 */
#ifndef MKIMAGE_RAWDIFF_H
#define MKIMAGE_RAWDIFF_H

#include "fs/overlay.h"

/*
 * Make the device equal to the raw filesystem image @path, its size included.
 * Return: 0, or a negative errno after an error message.
 */
int rawdiff(struct overlay *overlay, const char *path);

#endif /* MKIMAGE_RAWDIFF_H */
