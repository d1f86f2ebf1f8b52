/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scrub: read the present bytes of an image from its disk and check them.
 */
#ifndef SETUP_SCRUB_H
#define SETUP_SCRUB_H

#include "dmsetup-plugin/setup.h"

/* The command; @args are what main() has counted. */
int command_scrub(const struct options *options, char **args,
		  struct incr_error *error);

#endif /* SETUP_SCRUB_H */
