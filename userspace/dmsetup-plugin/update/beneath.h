/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SETUP_BENEATH_H
#define SETUP_BENEATH_H

#include "dmsetup-plugin/update/place.h"

/**
 * mount_beneath - mount a filesystem between a mount and what it is on
 * @mounts: read just now
 * @place: of one of @mounts; nothing is mounted on it
 * @fd: the new one, as from fsmount()
 *
 * What the path shows does not change; when that mount goes it shows the new one.
 */
int mount_beneath(const struct mounts *mounts, const struct place *place,
		  int fd, struct incr_error *error);

#endif /* SETUP_BENEATH_H */
