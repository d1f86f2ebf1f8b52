/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a mount is.
 */
#ifndef SETUP_PLACE_H
#define SETUP_PLACE_H

#include "common/mountinfo.h"

/**
 * struct place - where a mount is, pinned: a user who may rename the directories
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
	       struct incr_error *error);
void place_leave(struct place *place);

/*
 * Open the directory @path, a path of mountinfo, which has no symbolic links; as
 * openat(). Return: a file descriptor that is good for going on from there; -1.
 */
int place_open(int directory, const char *path);

/* A path by which a system call finds an open file, as long as it is open. */
#define FD_PATH_MAX	32
const char *fd_path(int fd, char path[FD_PATH_MAX]);

#endif /* SETUP_PLACE_H */
