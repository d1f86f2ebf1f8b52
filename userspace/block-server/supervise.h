/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that does nothing but start a server, and another one when that is killed.
 */
#ifndef BLOCK_SUPERVISE_H
#define BLOCK_SUPERVISE_H

#include <stdbool.h>
#include "libincremental/incremental.h"

/*
 * Run serve() in processes of their own until it returns in one, or a signal that ends us
 * comes, which the process gets. @number: what it takes over, or NO_DEVICE. It
 * has SIGHUP, SIGINT and SIGTERM blocked, and calls supervise_ready() when reads come.
 * @daemon: daemon_begin() has been called. Return: the status that the last one ended with.
 */
int supervise(int (*serve)(u32 number), u32 number, bool daemon);

/* In serve(): @number is that of a device that another process could take over, or NO_DEVICE. */
void supervise_ready(u32 number);

#endif /* BLOCK_SUPERVISE_H */
