// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a writer of layers needs to know of the generations there are.
 */
#include <stdlib.h>
#include "internal.h"

int inc_image_digests(struct inc_image *image, u64 block, u64 count,
		      void *digests, struct inc_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 blocks = image->view->seg->device_blocks;
	struct inc_cursor cursor;
	u8 *out = digests;
	int ret = 0;

	if (block > blocks || count > blocks - block)
		return inc_fail(error, -EINVAL,
				"blocks %llu+%llu reach past the device's end (%llu blocks)",
				(unsigned long long)block,
				(unsigned long long)count,
				(unsigned long long)blocks);
	inc_cursor_init(&cursor);
	for (; !ret && count; count--, out += INC_SHA256_SIZE)
		ret = inc_block_digest(&source, block++, &cursor, out, error);
	return ret;
}
