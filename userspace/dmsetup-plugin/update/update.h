/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * update and rollback: a device in use gets another generation.
 */
#ifndef SETUP_UPDATE_H
#define SETUP_UPDATE_H

#include "dmsetup-plugin/setup.h"

/* The commands; @args are what main() has counted. */
int command_update(const struct options *options, char **args,
		   struct incr_error *error);
int command_rollback(const struct options *options, char **args,
		     struct incr_error *error);

#endif /* SETUP_UPDATE_H */
