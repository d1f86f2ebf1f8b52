/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that incrementalsetup starts.
 */
#ifndef SETUP_CHILD_H
#define SETUP_CHILD_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Start a program, found in $PATH if @path has no slash, as this program runs, but
 * with the signal mask @old, and with @output as its standard output, if that is not
 * -1. Return: 0 or -errno.
 */
int child_start(pid_t *child, const char *path, const char *const *args,
		const sigset_t *old, int output);

/* The path of program @name: the one beside this program, else @name, for $PATH. */
void child_find(const char *name, char *path, size_t size);

/*
 * Wait for @child, and end it if a signal of @held comes meanwhile, which is pending then
 * (-EINTR).
 */
int child_wait(pid_t child, const sigset_t *held, int *status);

/* The exit status of a program of ours as the errno that would make it ours. */
int child_errno(int status);

/*
 * Block the signals that would end this program, but not ignored ones. @held are
 * those signals, @old is the mask without them.
 */
void hold_signals(sigset_t *held, sigset_t *old);

#endif /* SETUP_CHILD_H */
