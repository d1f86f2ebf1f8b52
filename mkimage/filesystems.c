// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filesystems that are known; see filesystems.h.
 */
#include <linux/magic.h>
#include "erofs/filesystem.h"
#include "ext4/filesystem.h"
#include "filesystems.h"

const struct filesystem filesystems[] = {
	{
		.name		= "erofs",
		.offset		= 1024,
		.size		= 4,
		.magic		= EROFS_SUPER_MAGIC_V1,
		/*
		 * An erofs with compressed files does not retry a block that
		 * readahead failed to bring, and its superblock does not always
		 * say whether it has any.
		 */
		.compat		= 0,
		.built_compat	= INC_COMPAT_REREADS,
		.compresses	= true,
		.build		= erofs_build,
		.check_file	= erofs_check_file,
		.extend		= erofs_extend,
		.check		= erofs_check,
		.files		= erofs_files,
		.places		= erofs_places,
		.reader		= &erofs_reader,
	}, {
		.name		= "ext4",
		.offset		= 1080,
		.size		= 2,
		.magic		= EXT4_SUPER_MAGIC,
		.compat		= INC_COMPAT_REREADS,
		.built_compat	= INC_COMPAT_REREADS,
		.build		= ext4_build,
		.check_file	= ext4_check_file,
		.extend		= ext4_extend,
		.check		= ext4_check,
		.files		= ext4_files,
		.places		= ext4_places,
		.reader		= &ext4_reader,
	},
	{ .name = NULL },
};
