/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices that stand on others, as sysfs tells.
 */
#ifndef COMMON_BLOCKDEV_H
#define COMMON_BLOCKDEV_H

#include <stdbool.h>
#include <sys/types.h>

/* Devices that stand on each other; more make no sense. */
#define BLOCKDEV_DEPTH_MAX	8

/**
 * blockdev_beneath - look at the files and devices directly below a block device
 * @device: a partition counts as its whole device
 * @is_it: called with the path of a loop device's file, or with NULL and the
 *	number of a device; true ends the search
 * @context: for @is_it
 *
 * Return: the last answer of @is_it. A device that sysfs does not show is left out.
 */
bool blockdev_beneath(dev_t device,
		      bool (*is_it)(void *context, const char *file,
				    dev_t device),
		      void *context);

/* The number in a file of sysfs, "8:1". */
bool blockdev_number(const char *path, dev_t *device);

#endif /* COMMON_BLOCKDEV_H */
