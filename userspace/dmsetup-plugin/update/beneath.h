/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SETUP_BENEATH_H
#define SETUP_BENEATH_H

#include "dmsetup-plugin/update/place.h"

/**
 * mount_beneath - mount a filesystem between a mount and its mount point
 * @mounts: read just now
 * @place: of one of @mounts; nothing is mounted on it
 * @fd: the new one, as from fsmount()
 *
 * The path shows the same as before until that mount goes; then the new one.
 */
int mount_beneath(const struct mounts *mounts, const struct place *place,
		  int fd, struct incr_error *error);

#endif /* SETUP_BENEATH_H */
