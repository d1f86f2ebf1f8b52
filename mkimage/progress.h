/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress reports.
 */
#ifndef MKIMAGE_PROGRESS_H
#define MKIMAGE_PROGRESS_H

#include "format.h"

/* A progress line at most five times a second, from the second second on. */
struct progress {
	const char *doing;
	u64 total;		/* bytes */
	u64 start_ms;
	u64 next_ms;
};

void progress_start(struct progress *progress, const char *doing, u64 total);
void progress_show(struct progress *progress, u64 done);
void progress_end(struct progress *progress);

#endif /* MKIMAGE_PROGRESS_H */
