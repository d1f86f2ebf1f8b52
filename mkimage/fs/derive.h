/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that look random, and are the same for the same source.
 */
#ifndef MKIMAGE_DERIVE_H
#define MKIMAGE_DERIVE_H

#include <stddef.h>
#include "libincremental/hash.h"

/*
 * Digest made of a source's id, of INC_SHA256_SIZE bytes, for the use
 * @purpose; @out has @size bytes, at most INC_SHA256_SIZE.
 */
void derive_digest(const u8 *id, const char *purpose, u8 *out, size_t size);

/* The same for a UUID of 16 bytes. */
void derive_uuid(const u8 *id, const char *purpose, u8 *uuid);

#endif /* MKIMAGE_DERIVE_H */
