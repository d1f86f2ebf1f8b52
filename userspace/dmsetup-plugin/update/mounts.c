// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replacing mounts; see mounts.h.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/attempt.h"
#include "dmsetup-plugin/update/beneath.h"
#include "dmsetup-plugin/update/mounts.h"

int mount_replaceable(const struct mounts *mounts, const struct mount *mount,
		      struct incr_error *error)
{
	struct place place;
	size_t i;
	int err;

	if (strcmp(mount->root, "/"))
		return incr_fail(error, -EBUSY,
				 "%s shows only the directory %s of the device: unmount it first",
				 mount->point, mount->root);
	for (i = 0; i < mounts->count; i++)
		if (mounts->list[i].parent == mount->id)
			return incr_fail(error, -EBUSY,
					 "something is mounted on %s, in %s: unmount it first",
					 mounts->list[i].point, mount->point);
	err = place_find(&place, mount, error);
	place_leave(&place);
	return err;
}

/* Was the new one mounted beneath already, by a call that was interrupted? */
static bool is_beneath(const struct mounts *mounts, const struct mount *mount,
		       u32 major, u32 minor)
{
	const struct mount *parent = mount_with_id(mounts, mount->parent);

	return parent && mount_is_of(parent, major, minor) &&
	       !strcmp(parent->point, mount->point);
}

/* Mount the filesystem on @device beneath the mount at @place. */
static int put_beneath(const struct mounts *mounts, const struct place *place,
		       const char *device, struct incr_error *error)
{
	int fd = mount_try(place->of, device, error), err;

	if (fd < 0)
		return fd;
	err = mount_beneath(mounts, place, fd, error);
	close(fd);
	return err;
}

/* Take the mount at @place away; the mount beneath it gets its propagation. */
static int take_away(const struct place *place, u32 major, u32 minor,
		     struct incr_error *error)
{
	const struct mount *old = place->of;
	char path[FD_PATH_MAX];
	struct statx st;
	int fd;

	if (umount2(fd_path(place->mount, path), MNT_DETACH))
		return incr_fail(error, -errno, "cannot unmount %s: %s",
				 old->point, strerror(errno));
	fd = place->directory < 0 ? -1 :
	     place_open(place->directory, place->name);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) ||
	    st.stx_dev_major != major || st.stx_dev_minor != minor ||
	    mount(NULL, fd_path(fd, path), NULL,
		  strstr(old->peers, "shared:") ? MS_SHARED : MS_PRIVATE, NULL))
		message_debug("cannot set the propagation of %s", old->point);
	if (fd >= 0)
		close(fd);
	return 0;
}

int mount_replace(const struct mounts *mounts, const struct mount *old,
		  const char *device, u32 major, u32 minor,
		  struct incr_error *error)
{
	struct place place;
	int err;

	err = mount_replaceable(mounts, old, error);
	if (err)
		return err;
	err = place_find(&place, old, error);
	if (!err && !is_beneath(mounts, old, major, minor))
		err = put_beneath(mounts, &place, device, error);
	if (!err)
		err = take_away(&place, major, minor, error);
	place_leave(&place);
	return err;
}
