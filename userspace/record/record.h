/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording: which blocks of an image's devices are read, as a trace (see
 * docs/startup.md). The kernel tells of each bio; reads from the page cache are
 * none. It takes the right to trace.
 */
#ifndef RECORD_H
#define RECORD_H

#include <sys/types.h>
#include "libincremental/identity.h"

struct recorder;

/**
 * record_begin - start
 * @devices: numbers of @count block devices that are views of one image
 * @of, @blocks: the trace's
 * @fd: the trace is written to it; the caller's
 * @name: of that file, for messages; not copied
 *
 * Return: 0 or -errno; nothing is left then.
 */
int record_begin(struct recorder **recorder, const dev_t *devices,
		 unsigned int count, const struct incr_identity *of, u64 blocks,
		 int fd, const char *name, struct incr_error *error);

/* Readable when there is something to be taken by record_take(). */
int record_fd(const struct recorder *recorder);

/* Take what was read since, and write it. Return: 0 or -errno. */
int record_take(struct recorder *recorder, struct incr_error *error);

/**
 * record_end - take the rest, write it, and remove all that was set up
 * @reads: set to the number of them
 *
 * It fails as well if the kernel had no room for some. Return: 0 or -errno.
 */
int record_end(struct recorder *recorder, u64 *reads, struct incr_error *error);

#endif /* RECORD_H */
