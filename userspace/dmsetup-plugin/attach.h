/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line of incrementaltab(5) of a device, as a command line.
 */
#ifndef SETUP_ATTACH_H
#define SETUP_ATTACH_H

#include "dmsetup-plugin/arguments.h"
#include "dmsetup-plugin/setup.h"

/*
 * @arguments become "attach", with the options of the line of device @name in the
 * table @path; they live as long as the program. @knows: as for add_option().
 */
int attach_command_line(const char *path, const char *name,
			struct arguments *arguments,
			enum option_argument (*knows)(const char *name),
			struct incr_error *error);

#endif /* SETUP_ATTACH_H */
