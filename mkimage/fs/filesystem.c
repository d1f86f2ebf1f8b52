// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Telling filesystems apart; see filesystem.h.
 */
#include "common/message.h"
#include "fs/filesystem.h"

const struct filesystem *filesystem_named(const struct filesystem *known,
					  const char *name)
{
	for (; known->name; known++)
		if (!strcmp(known->name, name))
			return known;
	return NULL;
}

/* The filesystem that a device's first block identifies; NULL: none known. */
static const struct filesystem *identify(const struct filesystem *known,
					 const u8 *block)
{
	for (; known->name; known++) {
		__le32 magic = 0;

		memcpy(&magic, block + known->offset, known->size);
		if (le32_to_cpu(magic) == known->magic)
			return known;
	}
	return NULL;
}

int filesystem_find(const struct filesystem *known, struct overlay *overlay,
		    const char *advice, const struct filesystem **fs)
{
	u8 block[INC_BLOCK_SIZE];
	int ret = overlay_read(overlay, 0, sizeof(block), block);

	if (ret)
		return ret;
	*fs = identify(known, block);
	if (*fs)
		return 0;
	message_error("%s: it holds neither erofs nor ext4%s",
		      overlay_name(overlay), advice);
	return -EINVAL;
}

u64 filesystem_compat(const struct filesystem *known, const u8 *block)
{
	const struct filesystem *fs = identify(known, block);

	return fs ? fs->compat : 0;
}
