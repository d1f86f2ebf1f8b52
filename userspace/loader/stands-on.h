/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LOADER_STANDS_ON_H
#define LOADER_STANDS_ON_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Does the file (or block device) @path depend on the block device @backing, by
 * the mount it is on, layers of an overlay, loop devices and devices that stand on
 * others? If that cannot be found out, the answer is no.
 */
bool stands_on(const char *path, dev_t backing);

#endif /* LOADER_STANDS_ON_H */
