/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a served device down from outside.
 */
#ifndef BLOCK_STOP_H
#define BLOCK_STOP_H

#include "libincremental/incremental.h"

/* "/dev/ublkb0" or "ublkb0" -> 0; -EINVAL: it is no such name. */
int device_number(const char *device, const char *kind, u32 *number);

/*
 * Have the server of @device end, and wait until the device is gone; one that has lost its
 * server is taken down here. -EBUSY: it is in use.
 */
int stop_device(const char *device, struct incr_error *error);

#endif /* BLOCK_STOP_H */
