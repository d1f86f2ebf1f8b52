// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Progress lines; see progress.h.
 */
#include <time.h>
#include "common/message.h"
#include "common/parse.h"
#include "progress.h"

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, const char *doing, u64 total)
{
	progress->doing = doing;
	progress->total = total;
	progress->start_ms = now_ms();
	progress->next_ms = progress->start_ms + 1000;
}

void progress_show(struct progress *progress, u64 done)
{
	char rate[FORMAT_SIZE_MAX], size[FORMAT_SIZE_MAX];
	u64 now;

	if (!message_has_progress())
		return;
	now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + 200;
	message_progress("%s: %.1f %% of %s, %s/s", progress->doing,
			 progress->total ?
			 100.0 * (double)done / (double)progress->total : 100.0,
			 format_size(progress->total, size),
			 format_size(done * 1000 /
				     (now - progress->start_ms + 1), rate));
}

void progress_end(struct progress *progress)
{
	progress->total = 0;
	message_progress(NULL);
}
