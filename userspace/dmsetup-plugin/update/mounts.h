/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting the mount of one device in the place of another's.
 */
#ifndef SETUP_MOUNTS_H
#define SETUP_MOUNTS_H

#include "common/mountinfo.h"

/*
 * Can @mount, one of @mounts, be replaced? If not, @error says why: it shows
 * only a part of its filesystem, something is mounted on it or inside of it. The
 * mount beneath it (of @major, @minor, which is to replace it) does not count.
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
 * The new mount goes beneath the old one, which is then detached: so the place
 * shows one or the other at each moment. If interrupted in between, the same call
 * finishes it. Copies of the mount that sharing has made elsewhere go along.
 */
int mount_replace(const struct mounts *mounts, const struct mount *mount,
		  const char *device, u32 major, u32 minor,
		  struct incr_error *error);

#endif /* SETUP_MOUNTS_H */
