// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths in an ext4, and how deep they lead; see tree.h.
 */
#include <stdio.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "mkimage.h"

char *ext4_join(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, *folder ? "%s/%s" : "%s%s", folder, name) >= 0)
		return path;
	no_memory();
	return NULL;
}

int ext4_deeper(u32 *depth, const char *path)
{
	if (++*depth <= EXT4_DEPTH_MAX)
		return 0;
	message_error("%s: more than %u directories inside each other", path,
		      EXT4_DEPTH_MAX);
	return -ELOOP;
}
