/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's nbd, served from this process by pairs of sockets.
 */
#ifndef BLOCK_NBD_H
#define BLOCK_NBD_H

#include "block-server/server.h"

#define NBD_NAME	"nbd"

/*
 * Serve until a signal of @server->end comes, or the device is disconnected. Return: 0
 * or -errno; -ENODEV: the kernel has no nbd, or no device of it is free.
 */
int nbd_serve(const struct server *server, struct incr_error *error);

/* The thread that serves device @number: 0 if none does. */
int nbd_server(u32 number);

#endif /* BLOCK_NBD_H */
