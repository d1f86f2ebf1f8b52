/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers that go on where they were, seen by where they wait.
 *
 * A run is a place up to which the loader was asked for bytes. A reader that comes to wait
 * right behind it has used what was fetched, so it is believed to go on: the run becomes
 * longer, by twice as much each time. Readers that jump begin new runs, which cost nothing
 * but the memory of a few. The kernel's readahead makes a run longer in the same way: it is
 * bounded, to 128 KiB of a file mostly, which is less than a distant server can send in a
 * round trip.
 *
 * No locks: the main thread alone has them.
 */
#ifndef LOADER_RUNS_H
#define LOADER_RUNS_H

#include "format.h"

/* Readers whose places are remembered. */
#define RUNS		32u
/* Bytes that a run may skip. */
#define RUN_SLACK	(8u << 10)
/* Bytes that are fetched ahead: when a run goes on for the first time, and at most. */
#define RUN_FIRST	(64u << 10)
#define RUN_MAX		(512u << 10)

/**
 * struct run - a reader's
 * @begin, @end: of what was asked for when it last went on
 * @ahead: bytes fetched ahead the last time; 0: it has not gone on yet
 * @used: when, by @clock of all
 */
struct run {
	u64 begin;
	u64 end;
	u64 ahead;
	u64 used;
};

struct runs {
	struct run run[RUNS];
	u64 clock;
};

/**
 * runs_wait - a reader waits
 * @start, @end: for these bytes
 * @reach: all before it is asked for with them
 *
 * Return: the end of what to fetch with them; @reach if this reader does not go on.
 */
u64 runs_wait(struct runs *runs, u64 start, u64 end, u64 reach);

/*
 * The kernel reads ahead: of a reader that goes on, or around one that has jumped. Return: the
 * end of what to fetch with it; @end if no run goes on.
 */
u64 runs_hint(struct runs *runs, u64 start, u64 end);

#endif /* LOADER_RUNS_H */
