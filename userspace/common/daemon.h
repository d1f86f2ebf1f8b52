/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go to the background, but not before it is known to work: the process that
 * was started ends when the daemon is ready, or with the status it ended with.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

/*
 * Returns in the daemon only; its stderr is still that of the process that was
 * started. Return: 0 or -errno.
 */
int daemon_begin(void);

/* Messages go to the log from now on, and standard input and output nowhere. */
void daemon_quiet(void);

/* The daemon is ready: let the first process end; it is quiet from now on. */
void daemon_ready(void);

#endif /* COMMON_DAEMON_H */
