/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the loader that lie on the device it serves: reading them may wait for
 * the loader, which must not wait for itself.
 */
#ifndef LOADER_OWNFILES_H
#define LOADER_OWNFILES_H

#include "loader/options.h"
#include "loader/startup.h"

/**
 * ownfiles_check - look where the loader's files are
 * @device: path of the node that is served
 * @mirrors, @startup: open
 *
 * An origin that lies on the device is refused: it could never be read. Other
 * files are said. Call it before anything is confined.
 *
 * Return: 0 or -errno; -EDEADLK for such an origin.
 */
int ownfiles_check(const char *device, const struct options *options,
		   const struct mirrors *mirrors, const struct startup *startup,
		   struct incr_error *error);

#endif /* LOADER_OWNFILES_H */
