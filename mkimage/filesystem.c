// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling filesystems apart; see filesystem.h.
 */
#include <linux/magic.h>
#include "filesystem.h"
#include "message.h"

static const struct filesystem filesystems[] = {
	{ "erofs", 1024, 4, EROFS_SUPER_MAGIC_V1, erofs_extend, erofs_files },
	{ "ext4", 1080, 2, EXT4_SUPER_MAGIC, ext4_extend, ext4_files },
};

int filesystem_find(struct overlay *overlay, const char *advice,
		    const struct filesystem **fs)
{
	size_t i;
	int ret;

	for (i = 0; i < sizeof(filesystems) / sizeof(filesystems[0]); i++) {
		__le32 magic = 0;

		*fs = &filesystems[i];
		ret = overlay_read(overlay, (*fs)->offset, (*fs)->size,
				   &magic);
		if (ret || le32_to_cpu(magic) == (*fs)->magic)
			return ret;
	}
	message_error("%s: it holds neither erofs nor ext4%s",
		      overlay_name(overlay), advice);
	return -EINVAL;
}
