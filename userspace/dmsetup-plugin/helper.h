/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This program as mount(8) and umount(8) call it: /sbin/mount.incremental and
 * /sbin/umount.incremental are links to it.
 */
#ifndef SETUP_HELPER_H
#define SETUP_HELPER_H

#include "dmsetup-plugin/arguments.h"

/**
 * helper_command_line - turn a helper's command line into ours
 * @argc, @argv: the program's; replaced if it was called as a helper. What they
 *	lead to lives as long as the program. Parts that may hold secrets are
 *	overwritten in the old one.
 * @knows: tells whether "mount" has an option of that name
 *
 * A mistake ends the program with a sentence and status 1, as mount(8) has it.
 * Return: the helper's name; NULL: it was not called as one.
 */
const char *helper_command_line(int *argc, char ***argv,
				enum option_argument (*knows)(const char *name));

/* An exit status of ours as mount(8) has them. */
int helper_status(int status);

#endif /* SETUP_HELPER_H */
