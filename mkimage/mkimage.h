/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by all of mkimage.
 */
#ifndef MKIMAGE_H
#define MKIMAGE_H

#include "format.h"

/* "out of memory" to the user. Return: -ENOMEM. */
int no_memory(void);

#define UUID_TEXT_SIZE	37

/* "12345678-1234-..." */
void uuid_format(const u8 *uuid, char *text);

#endif /* MKIMAGE_H */
