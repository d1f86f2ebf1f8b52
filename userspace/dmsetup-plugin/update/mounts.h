/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting the mount of one device in the place of another's.
 */
#ifndef SETUP_MOUNTS_H
#define SETUP_MOUNTS_H

#include "common/mountinfo.h"

/*
 * Can @mount, one of @mounts, be replaced? If not, @error says why: it shows
 * only a part of its filesystem, something is mounted on it or inside of it.
 * What is beneath it (a mount of @major, @minor, which is to replace it) is no
 * hindrance.
 */
int mount_replaceable(const struct mounts *mounts, const struct mount *mount,
		      struct incr_error *error);

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
		  struct incr_error *error);

#endif /* SETUP_MOUNTS_H */
