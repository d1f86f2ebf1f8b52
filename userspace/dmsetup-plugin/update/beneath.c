// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting beneath a mount. Linux 6.5 and later have a flag for that. Older
 * kernels do it when a mount propagates: where a peer of its parent has
 * something mounted at that place, the new mount is tucked under it (so since
 * Linux 4.11, see propagate_mnt() and attach_recursive_mnt() there). So a process
 * with a mount namespace of its own makes a peer of the parent, with nothing
 * mounted at that place, and mounts there. When it ends its namespace goes, and
 * the mounts that have propagated stay.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dmsetup-plugin/update/beneath.h"

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH	0x00000200
#endif

/* An existing directory, to be covered in a mount namespace of our own. */
#define STAGE	"/proc"

/*
 * In a process of its own: mount @fd at the same place of a peer. Only the mount
 * that propagates is seen outside. Returns errno or 0.
 */
static int mount_at_peer(const struct place *parent, const struct place *place,
			 int fd)
{
	char path[sizeof(STAGE) + NAME_MAX + 1];
	int peer;

	(void)parent;
	if (snprintf(path, sizeof(path), STAGE "/%s", place->name) >=
	    (int)sizeof(path))
		return ENAMETOOLONG;
	/* A clone of the directory alone, made in the old namespace, which has it. */
	peer = open_tree(place->directory, "", AT_EMPTY_PATH |
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (peer < 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, STAGE, NULL, MS_PRIVATE, NULL) ||
	    move_mount(peer, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) ||
	    move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	return 0;
}

/* Run @what in a process of its own; it returns errno or 0. Returns -errno. */
static int in_child(int (*what)(const struct place *parent,
				const struct place *place, int fd),
		    const struct place *parent, const struct place *place,
		    int fd)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(what(parent, place, fd));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* If the parent has no peers, it is shared for a moment, and then as before. */
static int mount_with_peer(const struct place *parent,
			   const struct place *place, int fd)
{
	const char *peers = parent->of->peers;
	bool shared = strstr(peers, "shared:");
	unsigned long before = strstr(peers, "master:") ? MS_SLAVE :
			       strstr(peers, "unbindable") ? MS_UNBINDABLE :
							     MS_PRIVATE;
	char path[FD_PATH_MAX];
	int err;

	fd_path(parent->mount, path);
	if (!shared && mount(NULL, path, NULL, MS_SHARED, NULL))
		return errno;
	err = -in_child(mount_at_peer, parent, place, fd);
	if (!shared && mount(NULL, path, NULL, before, NULL) && !err)
		err = errno;
	return err;
}

/*
 * A process of its own does it to the end if ours is killed, so that the parent
 * does not stay shared; it has our lock of the image as long as that takes.
 */
static int mount_by_propagation(const struct mount *parent,
				const struct place *place, int fd)
{
	struct place above;
	struct incr_error why;
	int err = -EINVAL;

	if (place->directory >= 0 && !place_find(&above, parent, &why)) {
		err = in_child(mount_with_peer, &above, place, fd);
		place_leave(&above);
	}
	return err;
}

int mount_beneath(const struct mounts *mounts, const struct place *place,
		  int fd, struct incr_error *error)
{
	const struct mount *parent = mount_with_id(mounts, place->of->parent);
	int err = 0;

	if (move_mount(fd, "", place->mount, "", MOVE_MOUNT_F_EMPTY_PATH |
		       MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_BENEATH))
		err = -errno;
	/* The flag is not known, or the place is not fit for it. */
	if (err == -EINVAL && parent)
		err = mount_by_propagation(parent, place, fd);
	if (err)
		incr_fail(error, err,
			  "cannot mount beneath %s: %s", place->of->point,
			  strerror(-err));
	return err;
}
