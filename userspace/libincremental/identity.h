/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which generation of which image a file beside it is about: a start-up list or a
 * trace. Signing an image changes nothing of that, nor does a later layer.
 */
#ifndef INCREMENTAL_IDENTITY_H
#define INCREMENTAL_IDENTITY_H

#include "libincremental/incremental.h"

/**
 * struct incr_identity - a generation of an image
 * @uuid: of the image
 * @root: root digest of the generation, of @root_size bytes
 */
struct incr_identity {
	u8 uuid[16];
	u32 generation;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
};

/* Of the generation that @segment describes. */
void incr_identity_of(struct incr_identity *identity,
		      const struct inc_segment *segment);

/**
 * incr_identity_check - is it a generation of this image?
 * @what: has the identity, for @error: "the start-up list"
 *
 * Return: 0 or -EINVAL.
 */
int incr_identity_check(const struct incr_identity *identity,
			const struct incr_image *image, const char *what,
			struct incr_error *error);

/* Three lines: "uuid HEX", "generation N", "root HEX". */
#define INCR_IDENTITY_TEXT_MAX	256u
void incr_identity_format(const struct incr_identity *identity,
			  char text[INCR_IDENTITY_TEXT_MAX]);

#endif /* INCREMENTAL_IDENTITY_H */
