/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filesystems that mkimage makes, extends and lists.
 */
#ifndef MKIMAGE_FILESYSTEMS_H
#define MKIMAGE_FILESYSTEMS_H

#include "fs/filesystem.h"

/* The last entry has no name. */
extern const struct filesystem filesystems[];

#endif /* MKIMAGE_FILESYSTEMS_H */
