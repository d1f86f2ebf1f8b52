// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Readers that go on; see runs.h.
 */
#include <stddef.h>
#include "loader/runs.h"

/* The run whose end is at @start, or not much before it. */
static struct run *find_end(struct runs *runs, u64 start)
{
	struct run *run;

	for (run = runs->run; run < runs->run + RUNS; run++)
		if (run->used && run->end <= start && start - run->end <= RUN_SLACK)
			return run;
	return NULL;
}

/* The run that has asked for the bytes at @start, which have not come yet. */
static struct run *find_inside(struct runs *runs, u64 start)
{
	struct run *run;

	for (run = runs->run; run < runs->run + RUNS; run++)
		if (run->begin <= start && start < run->end)
			return run;
	return NULL;
}

static struct run *oldest(struct runs *runs)
{
	struct run *run, *found = runs->run;

	for (run = runs->run; run < runs->run + RUNS; run++)
		if (run->used < found->used)
			found = run;
	return found;
}

/* @run goes on, with a wait that ends at @end. Return: the end of what to fetch. */
static u64 go_on(struct run *run, u64 start, u64 end, u64 reach)
{
	run->ahead = run->ahead ? 2 * run->ahead : RUN_FIRST;
	if (run->ahead > RUN_MAX)
		run->ahead = RUN_MAX;
	if (reach < end + run->ahead)
		reach = end + run->ahead;
	if (reach < run->end)
		reach = run->end;
	run->begin = start;
	run->end = reach;
	return reach;
}

/*
 * A reader is at @start, and wants all up to @end. Return: the run that it goes on with, or
 * NULL; *@reach is set to the end of what to fetch, if that is more.
 */
static struct run *follow(struct runs *runs, u64 start, u64 end, u64 *reach)
{
	struct run *run = find_end(runs, start);

	if (run) {
		*reach = go_on(run, start, end, *reach);
	} else {
		run = find_inside(runs, start);
		/* Half of it is used: the link is to stay busy. */
		if (run && run->ahead && run->end - start <= run->ahead / 2)
			*reach = go_on(run, start, end, *reach);
	}
	if (run)
		run->used = ++runs->clock;
	return run;
}

u64 runs_wait(struct runs *runs, u64 start, u64 end, u64 reach)
{
	struct run *run;

	if (reach < end)
		reach = end;
	if (!follow(runs, start, end, &reach)) {
		run = oldest(runs);
		*run = (struct run){
			.begin = start,
			.end = reach,
			.used = ++runs->clock,
		};
	}
	return reach;
}

u64 runs_hint(struct runs *runs, u64 start, u64 end)
{
	u64 reach = end;

	follow(runs, start, end, &reach);
	return reach;
}
