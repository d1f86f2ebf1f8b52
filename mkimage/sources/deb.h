/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian packages: an archive of ar, of which data.tar has the files.
 */
#ifndef MKIMAGE_DEB_H
#define MKIMAGE_DEB_H

#include <stdbool.h>
#include "sources/input.h"
#include "sources/model.h"

bool deb_recognised(const u8 *start, size_t size);

/* Add the files of a package. Return: 0, or a negative errno after an error message. */
int deb_add(struct model *model, struct input *input);

#endif /* MKIMAGE_DEB_H */
