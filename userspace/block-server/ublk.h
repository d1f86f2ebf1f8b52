/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ublk's control: devices are made, started, stopped, taken over and deleted.
 */
#ifndef BLOCK_UBLK_H
#define BLOCK_UBLK_H

#include "block-server/server.h"

/*
 * Commands as newer kernels encode them, which the headers of older ones lack.
 */
#define UBLK_COMMAND(direction, number, type)	_IOC(direction, 'u', number, sizeof(type))

#define UBLK_NAME	"ublkb"

/**
 * struct ublk - a device, or none yet
 * @control: of /dev/ublk-control
 * @number: of the device
 * @queues, @depth: as the kernel has them
 * @buffer: bytes of the longest read
 */
struct ublk {
	int control;
	u32 number;
	u16 queues;
	u16 depth;
	u32 buffer;
};

/*
 * Open the control device, and load its module if it is not there. Return: 0; -ENODEV:
 * the kernel has no ublk, or none that this knows; -errno.
 */
int ublk_open(struct ublk *ublk, struct incr_error *error);
void ublk_close(struct ublk *ublk);

/*
 * Make a device, which has no server yet, or take over @ublk->number, whose server has
 * died: that waits until the kernel has seen it.
 */
int ublk_add(struct ublk *ublk, u64 size, struct incr_error *error);
int ublk_take_over(struct ublk *ublk, struct incr_error *error);

/* All queues have fetched: let reads come. @anew: after ublk_take_over() */
int ublk_start(struct ublk *ublk, bool anew, struct incr_error *error);

/* Reads fail from now on; those that wait for a server as well. */
int ublk_stop(struct ublk *ublk, struct incr_error *error);

/* When nobody has its /dev/ublkcN open. The device is gone when nobody has it open, either. */
int ublk_delete(struct ublk *ublk, struct incr_error *error);

/* Stop and delete a device that no server has. */
int ublk_remove(u32 number, struct incr_error *error);

/* The process that serves it, or that was the last to; -errno. */
int ublk_server(struct ublk *ublk, struct incr_error *error);

/*
 * ublk-queue.c: serve until a signal of @server->end comes, then delete the device. @number: one to
 * take over, or NO_DEVICE. Return: 0 or -errno; -ENODEV: as ublk_open().
 */
int ublk_serve(const struct server *server, u32 number, struct incr_error *error);

#endif /* BLOCK_UBLK_H */
