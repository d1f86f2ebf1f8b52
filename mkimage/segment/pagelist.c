// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of metadata pages; see pagelist.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "segment/pagelist.h"

/*
 * A reference to a page stored earlier costs two runs of 16 bytes in the head,
 * which is read whole at every open; a copy costs 4096 bytes of metadata,
 * which are read on demand. Runs are therefore worth it, but limited: the
 * longer the directory has become, the more copies a reference must save.
 * Each step lets runs->step runs through, at half as many copies saved or more,
 * times 4 with each step. A tree has fewer than 2^26 pages, a map 2^23: with
 * PAGELIST_STEP, seven steps are never used up, and INC_RUNS_MAX is eight; with
 * any step, thirteen are not.
 */
static_assert(8 * PAGELIST_STEP <= INC_RUNS_MAX);
/* The eighth is for what pagelist_gather() adds. */
static_assert(2 * PAGELIST_LEADING_MAX <= PAGELIST_STEP);

static int out_of_memory(void)
{
	message_error("out of memory for the metadata");
	return -ENOMEM;
}

int pagelist_init(struct pagelist *list, const char *dir)
{
	memset(list, 0, sizeof(*list));
	list->spool = spool_new(dir);
	return list->spool ? 0 : -1;
}

void pagelist_free(struct pagelist *list)
{
	spool_free(list->spool);
	free(list->runs);
	free(list->order);
	free(list->lead);
	digestmap_free(&list->known);
}

/* Write the pending page out. */
static int store(struct pagelist *list, u64 *stored)
{
	int ret = spool_append(list->spool, list->pending_page, INC_PAGE_SIZE);

	if (ret)
		return ret;
	*stored = list->stored++;
	return digestmap_add(&list->known, list->pending_digest, *stored + 1) ?
	       out_of_memory() : 0;
}

static bool continues(const struct pagelist *list,
		      const struct pagelist_run *next)
{
	const struct pagelist_run *last;

	if (!list->run_count)
		return false;
	last = &list->runs[list->run_count - 1];
	/* Something may lie between the pages that lead and the others. */
	return !last->repeat && !next->repeat && last->old == next->old &&
	       last->at + last->pages == next->at &&
	       (next->old || !list->order || next->at != list->leading);
}

/* Add a run's pages at the end. */
static int add_run(struct pagelist *list, const struct pagelist_run *next,
		   struct pagelist_runs *runs)
{
	struct pagelist_run *run;

	if (continues(list, next)) {
		list->runs[list->run_count - 1].pages += next->pages;
		list->pages += next->pages;
		return 0;
	}
	if (list->run_count == list->run_room) {
		u32 room = list->run_room ? 2 * list->run_room : 16;
		void *more = realloc(list->runs, room * sizeof(*list->runs));

		if (!more)
			return out_of_memory();
		list->runs = more;
		list->run_room = room;
	}
	run = &list->runs[list->run_count++];
	*run = *next;
	run->first = list->pages;
	list->pages += run->pages;
	runs->count++;
	runs->old += run->old;
	return 0;
}

/* The next pages of the list are @copies of the stored page. */
static int refer(struct pagelist *list, u64 stored, u64 copies,
		 struct pagelist_runs *runs)
{
	const struct pagelist_run run = {
		.pages = copies,
		.at = stored,
		.repeat = copies > 1,
	};

	return add_run(list, &run, runs);
}

/* How many copies are worth a run. */
static u64 worth_of(const struct pagelist_runs *runs)
{
	return 1ull << 2 * ((runs->count - runs->old) / runs->step);
}

u64 pagelist_looks(const struct pagelist *list,
		   const struct pagelist_runs *runs)
{
	u64 worth = worth_of(runs);

	return list->looks + (list->pending < worth ? list->pending : worth);
}

static int flush(struct pagelist *list, struct pagelist_runs *runs)
{
	u64 worth = worth_of(runs);
	u64 copies = list->pending;
	const struct digestmap_place *place;
	u64 stored;
	int ret = 0;

	list->looks = pagelist_looks(list, runs);
	list->pending = 0;
	place = digestmap_find(&list->known, list->pending_digest);
	if (copies && copies >= worth) {
		if (place)
			stored = place->value - 1;
		else
			ret = store(list, &stored);
		return ret ? ret : refer(list, stored, copies, runs);
	}
	while (!ret && copies--) {
		ret = store(list, &stored);
		if (!ret)
			ret = refer(list, stored, 1, runs);
	}
	return ret;
}

int pagelist_add(struct pagelist *list, const void *page, const u8 *digest,
		 u64 copies, struct pagelist_runs *runs)
{
	int ret = 0;

	if (list->pending && !memcmp(list->pending_digest, digest,
				     sizeof(list->pending_digest))) {
		list->pending += copies;
		return 0;
	}
	if (list->pending)
		ret = flush(list, runs);
	memcpy(list->pending_page, page, INC_PAGE_SIZE);
	memcpy(list->pending_digest, digest, sizeof(list->pending_digest));
	list->pending = copies;
	return ret;
}

int pagelist_refer(struct pagelist *list, u64 file_page, u64 pages,
		   bool repeat, struct pagelist_runs *runs)
{
	const struct pagelist_run run = {
		.pages = pages,
		.at = file_page,
		.repeat = repeat && pages > 1,
		.old = true,
	};
	int ret = pagelist_finish(list, runs);

	return ret ? ret : add_run(list, &run, runs);
}

int pagelist_finish(struct pagelist *list, struct pagelist_runs *runs)
{
	return list->pending ? flush(list, runs) : 0;
}

/* ---- pages that come first ---- */

int pagelist_lead(struct pagelist *list, u64 number, struct pagelist_runs *runs)
{
	const struct pagelist_run *run;
	u32 low = 0, high = list->run_count;
	u64 at;

	if (!list->lead)
		list->lead = calloc(list->stored + 1, 1);
	if (!list->lead)
		return out_of_memory();
	/* The run before @low is the last that starts at or before @number. */
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (list->runs[middle].first <= number)
			low = middle + 1;
		else
			high = middle;
	}
	run = &list->runs[low - 1];
	at = run->at + (run->repeat ? 0 : number - run->first);
	if (run->old || list->lead[at] || runs->leading == PAGELIST_LEADING_MAX)
		return 0;
	list->lead[at] = 1;
	list->leading++;
	runs->leading++;
	return 0;
}

/* The run's pages, at their new places: several runs, where these are apart. */
static int move_run(struct pagelist *list, const struct pagelist_run *run,
		    const u64 *place, struct pagelist_runs *runs)
{
	struct pagelist_run part = *run;
	u64 i;
	int ret = 0;

	if (run->old)
		return add_run(list, run, runs);
	if (run->repeat) {
		part.at = place[run->at];
		return add_run(list, &part, runs);
	}
	part.pages = 1;
	for (i = 0; !ret && i < run->pages; i++) {
		part.at = place[run->at + i];
		ret = add_run(list, &part, runs);
	}
	return ret;
}

int pagelist_gather(struct pagelist *list, struct pagelist_runs *runs)
{
	struct pagelist_run *old = list->runs;
	u64 *place, leading = 0, other = list->leading, i;
	u32 count = list->run_count;
	int ret = 0;

	if (!list->leading)
		return 0;
	place = calloc(list->stored, sizeof(*place));
	list->order = calloc(list->stored, sizeof(*list->order));
	if (!place || !list->order) {
		free(place);
		return out_of_memory();
	}
	for (i = 0; i < list->stored; i++) {
		place[i] = list->lead[i] ? leading++ : other++;
		list->order[place[i]] = i;
	}
	list->runs = NULL;
	list->run_count = list->run_room = 0;
	list->pages = 0;
	runs->count -= count;
	for (i = 0; !ret && i < count; i++) {
		runs->old -= old[i].old;
		ret = move_run(list, &old[i], place, runs);
	}
	free(old);
	free(place);
	return ret;
}
