// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths in an ext4, and how deep they lead; see tree.h.
 */
#include <stdio.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "mkimage.h"

char *ext4_join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, *dir ? "%s/%s" : "%s%s", dir, name) >= 0)
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
