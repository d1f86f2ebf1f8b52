// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Telling filesystems apart; see filesystem.h.
 */
#include <linux/magic.h>
#include "common/message.h"
#include "fs/filesystem.h"

static const struct filesystem filesystems[] = {
	{ "erofs", 1024, 4, EROFS_SUPER_MAGIC_V1, 0,
	  erofs_extend, erofs_check, erofs_files },
	{ "ext4", 1080, 2, EXT4_SUPER_MAGIC, INC_COMPAT_REREADS,
	  ext4_extend, ext4_check, ext4_files },
};

/* What the first block of a device says that it holds; NULL: neither. */
static const struct filesystem *identify(const u8 *block)
{
	size_t i;

	for (i = 0; i < sizeof(filesystems) / sizeof(filesystems[0]); i++) {
		const struct filesystem *fs = &filesystems[i];
		__le32 magic = 0;

		memcpy(&magic, block + fs->offset, fs->size);
		if (le32_to_cpu(magic) == fs->magic)
			return fs;
	}
	return NULL;
}

int filesystem_find(struct overlay *overlay, const char *advice,
		    const struct filesystem **fs)
{
	u8 block[INC_BLOCK_SIZE];
	int ret = overlay_read(overlay, 0, sizeof(block), block);

	if (ret)
		return ret;
	*fs = identify(block);
	if (*fs)
		return 0;
	message_error("%s: it holds neither erofs nor ext4%s",
		      overlay_name(overlay), advice);
	return -EINVAL;
}

u64 filesystem_compat(const u8 *block)
{
	const struct filesystem *fs = identify(block);

	return fs ? fs->compat : 0;
}
