// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a loader has done so far; see stats.h.
 */
#include <stdio.h>
#include "common/message.h"
#include "common/parse.h"
#include "loader/stats.h"

static unsigned long long get(const _Atomic u64 *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void stats_log(const struct stats *stats)
{
	char fetched[FORMAT_SIZE_MAX], filled[FORMAT_SIZE_MAX];

	message_info("fetched %s in %llu ranges, filled %s; %llu ranges demanded, %llu hinted, %llu refetched, %llu fetches retried, %llu ranges wrong, %llu unavailable, %llu given up",
		     format_size(get(&stats->bytes_fetched), fetched),
		     get(&stats->fetches),
		     format_size(get(&stats->bytes_filled), filled),
		     get(&stats->demand), get(&stats->hints),
		     get(&stats->refetched), get(&stats->retried), get(&stats->wrong),
		     get(&stats->unavailable), get(&stats->failed));
}

void stats_format(const struct stats *stats, bool complete, double seconds,
		  char *line)
{
	snprintf(line, STATS_MAX,
		 "{\"bytes_fetched\": %llu, \"fetches\": %llu, \"bytes_filled\": %llu, \"demand\": %llu, \"hints\": %llu, \"refetched\": %llu, \"retried\": %llu, \"wrong\": %llu, \"unavailable\": %llu, \"given_up\": %llu, \"startup\": {\"ranges\": %llu, \"ranges_done\": %llu, \"bytes\": %llu, \"bytes_done\": %llu}, \"complete\": %s, \"seconds\": %.3f}\n",
		 get(&stats->bytes_fetched), get(&stats->fetches),
		 get(&stats->bytes_filled), get(&stats->demand),
		 get(&stats->hints), get(&stats->refetched),
		 get(&stats->retried),
		 get(&stats->wrong), get(&stats->unavailable),
		 get(&stats->failed), get(&stats->startup_ranges),
		 get(&stats->startup_ranges_done),
		 get(&stats->startup_bytes),
		 get(&stats->startup_bytes_done), complete ? "true" : "false", seconds);
}
