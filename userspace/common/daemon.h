/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go to the background, but not before it is known to work: the process that
 * was started ends when the daemon is ready, or with the status it ended with.
 */
#ifndef LOADER_DAEMON_H
#define LOADER_DAEMON_H

/*
 * Returns in the daemon only; its stderr is still that of the process that was
 * started. Return: 0 or -errno.
 */
int daemon_begin(void);

/* The daemon is ready: let the first process end; messages go to the log. */
void daemon_ready(void);

#endif /* LOADER_DAEMON_H */
