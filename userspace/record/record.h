/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording: which blocks of an image's devices are read, as a trace (see
 * docs/startup.md). The kernel tells of each bio; reads from the page cache are
 * none. It takes the right to trace.
 *
 * What the kernel reads ahead, no program need use. While a process records, readahead
 * fails (node_stop_readahead()) and does not count: then the reads are those that a
 * cold start waits for. Where it cannot fail, it counts.
 */
#ifndef RECORD_H
#define RECORD_H

#include <sys/types.h>
#include "libincremental/identity.h"

struct recorder;

/**
 * record_begin - start
 * @devices: numbers of @count block devices that are views of one image
 * @all: readahead counts, too
 * @of, @blocks: the trace's
 * @fd: the trace is written to it; the caller's
 * @name: of that file, for messages; not copied
 *
 * Return: 0 or -errno; nothing is left then.
 */
int record_begin(struct recorder **recorder, const dev_t *devices,
		 unsigned int count, bool all, const struct incr_identity *of,
		 u64 blocks, int fd, const char *name, struct incr_error *error);

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
