/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a transport needs to serve an image's device.
 */
#ifndef BLOCK_SERVER_H
#define BLOCK_SERVER_H

#include <signal.h>
#include <stdatomic.h>
#include "libincremental/incremental.h"

/* Of a block device: no number yet. */
#define NO_DEVICE	UINT32_MAX

struct jobs;

/**
 * struct server - an open image on its way to the kernel
 * @jobs: those who read it
 * @size: of the device, in bytes
 * @stop: set when serving ends, so that no read waits for an origin any more
 * @end: signals that end serving; they are blocked in every thread
 * @ready: the device "/dev/NAME" of that number can be read; called once, from any thread
 */
struct server {
	struct jobs *jobs;
	u64 size;
	atomic_bool *stop;
	sigset_t end;
	void (*ready)(const char *name, u32 number);
};

#endif /* BLOCK_SERVER_H */
