/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs for workers, and the lists of them.
 */
#ifndef LOADER_JOB_H
#define LOADER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include "loader/pace.h"

enum priority {
	PRIORITY_DEMAND, PRIORITY_STARTUP, PRIORITY_HINT, PRIORITY_BACKGROUND,
};
#define PRIORITIES	4

struct job_list {
	struct job *first;
	struct job *last;
	size_t count;
};

struct job_heap {
	struct job **job;
	size_t count;
	size_t room;
};

/**
 * struct job - a range for a worker
 * @list: the list that it is in, by @next and @previous; NULL: it was put aside
 * @refetch: the bytes there were damaged: better use another origin
 * @part: of a job whose bytes were wrong somewhere, which has been said
 * @kept: its bytes were right, but could not be filled: they are in the cache
 * @more: of a demand that is running for the first time: bytes behind it that were a
 *	hint, to be fetched with it
 * @useless: how often no origin had a reply of use, while one has the image
 * @ahead: of a start-up list, before all that verifies it has come: only its bytes are fetched now
 * @proof: such a job, of what verifies others
 * @running: a worker has it
 * @anew: while it was running it was asked for, not for the first time
 * @anew_refetch: and because of damage
 * @round: how often it was put aside
 * @wanted_at: when the kernel last asked for it, CLOCK_MONOTONIC nanoseconds
 * @due: put aside until then, likewise
 * @holds: while it is running: jobs that overlap it
 * @fetched: bytes that its worker got from an origin
 * @delay: nanoseconds until the first of them came, at the least; 0: not known
 * @rate: bytes per second that came from its origin lately; 0: not known
 * @pace: of a piece of the rest that is running
 *
 * A worker may read the first ten fields of its job at any time: they do not
 * change while it is running.
 */
struct job {
	u64 offset;
	u64 length;
	enum priority priority;
	bool refetch;
	bool part;
	bool kept;
	u64 more;
	unsigned int round;
	unsigned int useless;
	bool ahead;
	bool proof;
	bool running;
	bool anew;
	bool anew_refetch;
	u64 wanted_at;
	u64 due;
	struct job_list holds;
	u64 fetched;
	u64 delay;
	u64 rate;
	struct pace_job pace;
	struct job_list *list;
	struct job *next;
	struct job *previous;
};

static inline u64 job_end(const struct job *job)
{
	return job->offset + job->length;
}

/* The end of what a worker fetches for it. */
static inline u64 job_reach(const struct job *job)
{
	return job_end(job) + job->more;
}

#endif /* LOADER_JOB_H */
