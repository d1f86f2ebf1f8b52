// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounting beneath a mount. Linux 6.5 and later have a flag for that. Older
 * kernels do it when a mount propagates: where a peer of its parent has
 * something mounted at that place, the new mount is tucked under it (so since
 * Linux 4.11, see propagate_mnt() and attach_recursive_mnt() there). So a process
 * with a mount namespace of its own makes a peer of the parent, with nothing
 * mounted at that place, and mounts there. When it ends its namespace goes, and
 * what has propagated stays.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include "beneath.h"

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH	0x00000200
#endif

/* A mount point that there is, to be covered where nobody else sees it. */
#define STAGE	"/proc"

/* What of @parent's path leads to @mount, "/a/b"; NULL: nothing. */
static const char *relative(const struct mount *parent,
			    const struct mount *mount)
{
	size_t n = strlen(parent->point);

	if (!strcmp(parent->point, "/"))
		return mount->point;
	return strncmp(mount->point, parent->point, n) ||
	       mount->point[n] != '/' ? NULL : mount->point + n;
}

/*
 * In a process of its own: mount @fd at the same place of a peer. Nothing of
 * this but what propagates is seen outside. Returns errno or 0.
 */
static int mount_at_peer(const struct mount *parent, const char *place, int fd)
{
	char path[4096];
	int peer;

	if (snprintf(path, sizeof(path), STAGE "%s", place) >=
	    (int)sizeof(path))
		return ENAMETOOLONG;
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, STAGE, NULL, MS_PRIVATE, NULL))
		return errno;
	peer = open_tree(AT_FDCWD, parent->point,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (peer < 0 ||
	    move_mount(peer, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) ||
	    move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	return 0;
}

/* Run @what in a process of its own; it returns errno or 0. Returns -errno. */
static int in_child(int (*what)(const struct mount *parent, const char *place,
				int fd),
		    const struct mount *parent, const char *place, int fd)
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

/* Without peers, for a moment: how the parent was, is set again. */
static int mount_with_peer(const struct mount *parent, const char *place,
			   int fd)
{
	bool shared = strstr(parent->peers, "shared:");
	unsigned long before = strstr(parent->peers, "master:") ? MS_SLAVE :
			       strstr(parent->peers, "unbindable") ?
			       MS_UNBINDABLE : MS_PRIVATE;
	int err;

	if (!shared && mount(NULL, parent->point, NULL, MS_SHARED, NULL))
		return errno;
	err = -in_child(mount_at_peer, parent, place, fd);
	if (!shared && mount(NULL, parent->point, NULL, before, NULL) && !err)
		err = errno;
	return err;
}

/*
 * A process of its own does it to the end if ours is killed, so that the parent
 * does not stay shared; it has our lock of the image as long as that takes.
 */
static int mount_by_propagation(const struct mount *parent,
				const struct mount *old, int fd)
{
	const char *place = relative(parent, old);

	if (!place || !mount_is_at(parent))
		return -EINVAL;
	return in_child(mount_with_peer, parent, place, fd);
}

int mount_beneath(const struct mounts *mounts, const struct mount *mount,
		  int fd, struct inc_error *error)
{
	const struct mount *parent = mount_with_id(mounts, mount->parent);
	int err = 0;

	if (move_mount(fd, "", AT_FDCWD, mount->point,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH))
		err = -errno;
	/* The flag is not known, or the place is not fit for it. */
	if (err == -EINVAL && parent)
		err = mount_by_propagation(parent, mount, fd);
	if (err)
		setup_fail(error, err,
			   "cannot mount beneath %s: %s", mount->point,
			   strerror(-err));
	return err;
}
