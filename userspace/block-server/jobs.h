/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads of the image's device. One of what is present is done at once, by the thread that
 * has received it; one that has to fetch is left to a thread that may wait.
 */
#ifndef BLOCK_JOBS_H
#define BLOCK_JOBS_H

#include <stdbool.h>
#include "libincremental/incremental.h"

/**
 * struct job - a read
 * @offset, @length: bytes of the device
 * @buffer: for as many
 * @result: 0 or -errno, when it is done
 * @done: called then by another thread, unless jobs_run() has done it
 */
struct job {
	struct job *next;
	u64 offset;
	u32 length;
	void *buffer;
	int result;
	void (*done)(struct job *job);
};

struct jobs;

/* @image is the caller's, and stays open until jobs_end(). Return: 0 or -errno. */
int jobs_start(struct jobs **jobs, struct incr_image *image, struct incr_error *error);

/* Return: true if it is done; else job->done() is called later. */
bool jobs_run(struct jobs *jobs, struct job *job);

/* When no job is under way any more. */
void jobs_end(struct jobs *jobs);

#endif /* BLOCK_JOBS_H */
