// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a file beside an image is about; see identity.h.
 */
#include <stdio.h>
#include "libincremental/identity.h"

void incr_identity_of(struct incr_identity *identity,
		      const struct inc_segment *segment)
{
	memset(identity, 0, sizeof(*identity));
	memcpy(identity->uuid, segment->uuid, sizeof(identity->uuid));
	identity->generation = segment->generation;
	memcpy(identity->root, segment->root_digest, segment->digest_size);
	identity->root_size = segment->digest_size;
}

int incr_identity_check(const struct incr_identity *identity,
			const struct incr_image *image, const char *what,
			struct incr_error *error)
{
	const struct inc_segment *seg = incr_image_segment_at(image, 0);

	if (memcmp(identity->uuid, seg->uuid, sizeof(identity->uuid)))
		return incr_fail(error, -EINVAL,
				 "%s is of another image: its UUID differs",
				 what);
	if (identity->generation >= incr_image_segments(image))
		return incr_fail(error, -EINVAL,
				 "%s is for generation %u, which the image does not have",
				 what, identity->generation);
	seg = incr_image_segment_at(image, identity->generation);
	if (identity->root_size != seg->digest_size ||
	    memcmp(identity->root, seg->root_digest, seg->digest_size))
		return incr_fail(error, -EINVAL,
				 "%s is for another generation %u: its root hash differs",
				 what, identity->generation);
	return 0;
}

void incr_identity_format(const struct incr_identity *identity,
			  char text[INCR_IDENTITY_TEXT_MAX])
{
	char uuid[2 * sizeof(identity->uuid) + 1], root[2 * INC_DIGEST_MAX + 1];

	incr_hex_format(identity->uuid, sizeof(identity->uuid), uuid);
	incr_hex_format(identity->root, identity->root_size, root);
	snprintf(text, INCR_IDENTITY_TEXT_MAX,
		 "uuid %s\ngeneration %u\nroot %s\n", uuid,
		 identity->generation, root);
}
