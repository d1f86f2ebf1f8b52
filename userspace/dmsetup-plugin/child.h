/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that incrementalsetup starts.
 */
#ifndef SETUP_CHILD_H
#define SETUP_CHILD_H

#include <signal.h>
#include <sys/types.h>

/*
 * Start a program, found in $PATH if @path has no slash, as this program runs, but
 * with the signal mask @old. Return: 0 or -errno.
 */
int child_start(pid_t *child, const char *path, const char *const *args,
		const sigset_t *old);

#endif /* SETUP_CHILD_H */
