/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scrub: read what is present of an image from its disk and check all of it.
 */
#ifndef SETUP_SCRUB_H
#define SETUP_SCRUB_H

#include "dmsetup-plugin/setup.h"

/* The command; @args are what main() has counted. */
int command_scrub(const struct options *options, char **args,
		  struct incr_error *error);

#endif /* SETUP_SCRUB_H */
