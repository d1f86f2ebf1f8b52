/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by all of mkimage.
 */
#ifndef MKIMAGE_H
#define MKIMAGE_H

#include "format.h"

/* "out of memory" to the user. Return: -ENOMEM. */
int no_memory(void);

#endif /* MKIMAGE_H */
