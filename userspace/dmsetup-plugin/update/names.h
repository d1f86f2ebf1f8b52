/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name in /dev/mapper goes from one device to another.
 */
#ifndef SETUP_NAMES_H
#define SETUP_NAMES_H

#include "dmsetup-plugin/setup.h"

/**
 * names_pass - device @next gets the name @name
 * @name: as the kernel has it
 * @aside: what the device that has the name now is called from then on; NULL: none
 *	has it
 * @next: a device that has been made by family_add()
 *
 * The kernel renames one device after the other, so in between it knows none of that
 * name. But /dev/mapper/@name leads to one of the two at each moment, and so does the
 * link in /dev/disk/by-id: with udev the new device has claimed these since it was
 * made (58-dm-incremental.rules); without, nodes are replaced here.
 *
 * Return: 0; or an error, and the names are as before.
 */
int names_pass(const char *name, const char *aside, const char *next,
	       struct incr_error *error);

/* Without udev: the node @name leads to the device @major, @minor from now on. */
void names_put_right(const char *name, u32 major, u32 minor);

#endif /* SETUP_NAMES_H */
