/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An instance of tracefs of our own, so that nobody else's tracing is disturbed:
 * it sees the bios that are submitted to some block devices.
 */
#ifndef RECORD_INSTANCE_H
#define RECORD_INSTANCE_H

#include <limits.h>
#include <sys/types.h>
#include "libincremental/incremental.h"

/**
 * struct instance - an instance
 * @path: its directory; "": there is none
 * @pipe: its trace_pipe, non-blocking
 */
struct instance {
	char path[PATH_MAX];
	int pipe;
};

/**
 * instance_open - make an instance and start it
 * @devices: numbers of @count block devices
 *
 * Instances that processes left behind which are gone are removed. Its clock is
 * CLOCK_MONOTONIC. Return: 0 or -errno: nothing is left then.
 */
int instance_open(struct instance *instance, const dev_t *devices,
		  unsigned int count, struct incr_error *error);

/* No further events; those that there are can still be read. */
void instance_stop(const struct instance *instance);

/* Remove it. */
void instance_close(struct instance *instance);

#endif /* RECORD_INSTANCE_H */
