/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a generation as a raw filesystem image.
 */
#ifndef MKIMAGE_EXTRACT_H
#define MKIMAGE_EXTRACT_H

#include "libincremental/incremental.h"

/*
 * Write the open generation of the image @name to the empty file @fd, sparse.
 * Return: 0, or a negative errno after an error message.
 */
int extract_to(struct incr_image *image, const char *name, int fd, u64 threads);

#endif /* MKIMAGE_EXTRACT_H */
