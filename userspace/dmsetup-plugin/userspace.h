/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices without the module: incrementalblk serves a block device, and a linear target
 * gives it the name in /dev/mapper.
 */
#ifndef SETUP_USERSPACE_H
#define SETUP_USERSPACE_H

#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/setup.h"

/* Return: 0 or -errno; nothing is left on failure. */
int userspace_open(const struct options *options, const struct image_file *file,
		   const struct image_facts *facts, const char *name,
		   struct incr_error *error);

/* Is @name such a device? */
bool userspace_has(const char *name);

/* Remove it, and have its server end. */
int userspace_close(const char *name, struct incr_error *error);

int userspace_status(const char *name, bool json, struct incr_error *error);

#endif /* SETUP_USERSPACE_H */
