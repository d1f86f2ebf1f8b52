/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts, as /proc/self/mountinfo lists them.
 */
#ifndef COMMON_MOUNTINFO_H
#define COMMON_MOUNTINFO_H

#include <stddef.h>
#include <stdbool.h>
#include "libincremental/incremental.h"

/**
 * struct mount - a line of /proc/self/mountinfo; strings are allocated
 * @root: which part of the filesystem: "/" is all of it
 * @point: where
 * @options: of the mount, as "ro,nosuid"
 * @peers: its propagation, as "shared:1 master:2"
 * @source: the mounted device or directory; a device's name may have changed since
 * @super: options of the filesystem, as they are in the line: each may have to be
 *	unescaped
 */
struct mount {
	unsigned int id;
	unsigned int parent;
	unsigned int major;
	unsigned int minor;
	char *root;
	char *point;
	char *options;
	char *peers;
	char *type;
	char *source;
	char *super;
};

struct mounts {
	struct mount *list;
	size_t count;
};

/* Those of this mount namespace. mounts_free() in any case. */
int mounts_read(struct mounts *mounts, struct incr_error *error);
void mounts_free(struct mounts *mounts);

static inline bool mount_is_of(const struct mount *mount, u32 major, u32 minor)
{
	return mount->major == major && mount->minor == minor;
}

/* The one with this number; NULL: not in this namespace. */
const struct mount *mount_with_id(const struct mounts *mounts, unsigned int id);

/* Undo \040 and the like in a word of a line, in place. Return: @text. */
char *mountinfo_unescape(char *text);

#endif /* COMMON_MOUNTINFO_H */
