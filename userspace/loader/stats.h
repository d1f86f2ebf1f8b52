/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of a loader's work. They may be raised from any thread.
 */
#ifndef LOADER_STATS_H
#define LOADER_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include "libincremental/incremental.h"

/**
 * struct stats - counters
 * @demand: ranges that a reader waited for
 * @hints: ranges that a reader may want soon
 * @refetched: ranges filled anew because their bytes were damaged
 * @fetches: ranges read from an origin, successfully
 * @bytes_fetched: their bytes
 * @bytes_filled: bytes given to the device
 * @retried: reads of an origin that failed and were tried again or elsewhere
 * @wrong: ranges that did not verify
 * @unavailable: ranges that no origin had
 * @failed: ranges that were given up for the time being
 * @startup_ranges, @startup_bytes: of the start-up list
 * @startup_ranges_done, @startup_bytes_done: those that are present
 */
struct stats {
	_Atomic u64 demand;
	_Atomic u64 hints;
	_Atomic u64 refetched;
	_Atomic u64 fetches;
	_Atomic u64 bytes_fetched;
	_Atomic u64 bytes_filled;
	_Atomic u64 retried;
	_Atomic u64 wrong;
	_Atomic u64 unavailable;
	_Atomic u64 failed;
	_Atomic u64 startup_ranges;
	_Atomic u64 startup_bytes;
	_Atomic u64 startup_ranges_done;
	_Atomic u64 startup_bytes_done;
};

/* One line to the log. */
void stats_log(const struct stats *stats);

#define STATS_MAX	768

/* One line of JSON, in @line of STATS_MAX bytes. */
void stats_format(const struct stats *stats, bool complete, double seconds,
		  char *line);

#endif /* LOADER_STATS_H */
