// SPDX-License-Identifier: GPL-2.0-only
/*
 * Missing chunks, which a fill would write: absent (presence.c) or suspect
 * (suspect.c).
 */
#include "missing.h"
#include "presence.h"
#include "suspect.h"

/**
 * dm_inc_missing_none - are all of these chunks present, and none suspect?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 */
bool dm_inc_missing_none(struct inc_store *store, u64 first, u64 last)
{
	return dm_inc_presence_test(store, first, last) &&
	       !dm_inc_suspect_any(store, first, last);
}

/**
 * dm_inc_missing_next - the next run of chunks that are absent or suspect
 * @store: the store
 * @from: where to start
 * @last: where to stop
 * @first_found: set to the first chunk of the run
 * @last_found: set to its last chunk
 *
 * Return: false if none from @from to @last is either.
 */
bool dm_inc_missing_next(struct inc_store *store, u64 from, u64 last,
			 u64 *first_found, u64 *last_found)
{
	u64 absent, end;

	if (!dm_inc_presence_next_absent(store, from, last, &absent, &end))
		absent = last + 1;
	from = min(absent, dm_inc_suspect_seek(store, from, last + 1));
	if (from > last)
		return false;
	*first_found = from;
	while (from <= last) {
		if (!dm_inc_presence_test(store, from, from) &&
		    dm_inc_presence_next_absent(store, from, last, &from, &end))
			from = end + 1;
		else if (dm_inc_suspect_any(store, from, from))
			from++;
		else
			break;
	}
	*last_found = max(from - 1, *first_found);
	return true;
}

/**
 * dm_inc_missing_mark - mark chunks that may be damaged as suspect
 * @store: its @lock is held
 * @first: first chunk
 * @last: last chunk; none is of a head or bitmap. Absent ones stay absent
 *
 * Context: process; sleeps for memory. Return: 0, or -ENOMEM: then some of them
 * may be suspect, which does no harm.
 */
int dm_inc_missing_mark(struct inc_store *store, u64 first, u64 last)
{
	int r = 0;

	for (; !r && first <= last; first++)
		if (dm_inc_presence_test(store, first, first))
			r = dm_inc_suspect_begin(store, first);
	return r;
}
