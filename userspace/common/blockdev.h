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
 * blockdev_beneath - look at what a block device stands on, directly
 * @device: a partition is where all of its device is
 * @is_it: called with the path of a loop device's file, or with NULL and the
 *	number of a device; true ends the search
 * @context: for @is_it
 *
 * Return: what @is_it said last. What sysfs does not tell is left out.
 */
bool blockdev_beneath(dev_t device,
		      bool (*is_it)(void *context, const char *file,
				    dev_t device),
		      void *context);

/* The number in a file of sysfs, "8:1". */
bool blockdev_number(const char *path, dev_t *device);

#endif /* COMMON_BLOCKDEV_H */
