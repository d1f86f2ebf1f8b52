/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts of devices, and putting one device's in the place of another's.
 */
#ifndef SETUP_MOUNTS_H
#define SETUP_MOUNTS_H

#include "dmsetup-plugin/setup.h"

/**
 * struct mount - a line of /proc/self/mountinfo; strings are allocated
 * @root: which part of the filesystem: "/" is all of it
 * @point: where
 * @options: of the mount, as "ro,nosuid"
 * @peers: its propagation, as "shared:1 master:2"
 * @super: options of the filesystem
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
	char *super;
};

struct mounts {
	struct mount *list;
	size_t count;
};

/* Those of this mount namespace. mounts_free() in any case. */
int mounts_read(struct mounts *mounts, struct inc_error *error);
void mounts_free(struct mounts *mounts);

static inline bool mount_is_of(const struct mount *mount, u32 major, u32 minor)
{
	return mount->major == major && mount->minor == minor;
}

/*
 * Can @mount, one of @mounts, be replaced? If not, @error says why: it shows
 * only a part of its filesystem, something is mounted on it or inside of it.
 * What is beneath it (a mount of @major, @minor, which is to replace it) is no
 * hindrance.
 */
int mount_replaceable(const struct mounts *mounts, const struct mount *mount,
		      struct inc_error *error);

/*
 * Mount the filesystem on @device as @mount is, where nobody sees it. Return: a
 * file descriptor that holds it, or -errno.
 */
int mount_try(const struct mount *mount, const char *device,
	      struct inc_error *error);

/* The one with this number; NULL: not in this namespace. */
const struct mount *mount_with_id(const struct mounts *mounts, unsigned int id);

/**
 * struct place - where a mount is, pinned: whoever may rename the directories
 * that lead there can lead the path elsewhere, but not these descriptors
 * @of: the mount
 * @directory: the mount point's, in the mount that the other is mounted on; -1
 *	for the root of all
 * @name: of the mount point in it; "." if there is none
 * @mount: the mount's own root
 */
struct place {
	const struct mount *of;
	int directory;
	const char *name;
	int mount;
};

/*
 * Go to where @mount is, without symbolic links. place_leave() in any case.
 * -EBUSY: its path leads to another, which is over it or has come in its place.
 */
int place_find(struct place *place, const struct mount *mount,
	       struct inc_error *error);
void place_leave(struct place *place);

/* A path by which a system call finds what is open, for as long as it is. */
#define FD_PATH_MAX	32
const char *fd_path(int fd, char path[FD_PATH_MAX]);

/**
 * mount_replace - put the filesystem on a device in a mount's place
 * @mounts: read just now
 * @mount: one of @mounts
 * @device: path
 * @major, @minor: its number
 *
 * Mounted beneath, then the old mount is detached, so its place shows one or the
 * other at each moment. Interrupted in between, the same call finishes it. What
 * is mounted the same way elsewhere because of shared mounts goes along.
 */
int mount_replace(const struct mounts *mounts, const struct mount *mount,
		  const char *device, u32 major, u32 minor,
		  struct inc_error *error);

#endif /* SETUP_MOUNTS_H */
