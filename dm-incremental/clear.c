// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clearing chunks, which then are not present any more: for good, as a loader
 * asks for it (DM_INCREMENTAL_IOC_DISCARD), or while a fill overwrites suspect ones
 * (suspect.c). Discarded chunks may be filled again, or punched out of the file
 * below.
 *
 * Readers take no lock. A clear keeps two promises to them. A lookup, the steps
 * of a read that go by presence and read metadata, is an SRCU read-side section
 * of store->readers; chunks that it finds present keep their bytes to the
 * section's end, and so does "complete", the shortcut. For this a clear
 *
 *	1. claims the chunks, so that no fill of them is under way or starts
 *	2. adds them to nr_absent, then clears their bits
 *	3. takes a number, notes it for each chunk in store->changes, and then in
 *	   nr_changes (history.c)
 *	4. waits for the sections that may have seen the bits set
 *	5. forgets the metadata pages there, and the dictionaries. No reader holds
 *	   such a page or reads one into the cache, nor loads a dictionary: they
 *	   do so in sections only, after a look at presence
 *	6. releases the claim; before that a discard may give back the space
 *	   (punch()), and a fill writes the chunks and sets their bits again
 *
 * So the cache never has a page of before a clear after it, and bytes change
 * after step 5 at the earliest. (Heads are read outside of sections, when a
 * view is opened; they are never cleared.)
 *
 * The second promise: a read that finds damage learns whether a clear is to
 * blame. It reads data after the section, and keeps dictionaries past it; their
 * bytes may be overwritten or outdated meanwhile, but none reaches the reader
 * without its digest. So it compares the number that it noted at its section's
 * start (dm_inc_history_seq()) with those of the chunks that it read, and starts
 * over if one is higher. The number of a clear that it has met is higher: had it
 * been published by the start, the lookup would have seen the bits cleared, by
 * the order of 2 and 3, or set again by a fill that was over; and it is there
 * before a fill can write, by 3 and 6.
 *
 * store->changes is small: chunks share an entry, by their number's lowest
 * bits, which has the number of the last clear of any of them. A read that this
 * misleads just starts over, and finds the same again. Steps 2 and 3 are done
 * under store->lock, as is the look at the entries, so that numbers are in the
 * order in which bits are cleared.
 *
 * On disk: the next commit writes a bit that was cleared for good like a set
 * one. If a crash comes first, the bit is still 1 and the chunk as it was, or
 * half refilled: the next read finds that. The bit of a chunk that is being
 * overwritten stays 1 there, so its good bytes are not lost.
 */
#include <linux/dm-bufio.h>
#include <linux/sched/signal.h>

#include <linux/dm-incremental.h>
#include "backing.h"
#include "claim.h"
#include "clear.h"
#include "dictionary.h"
#include "history.h"
#include "missing.h"
#include "presence.h"
#include "suspect.h"
#include "wait.h"

/* Chunks that a discard clears in one go. */
#define DISCARD_CHUNKS	32768

/* Steps 2 and 3, for good. */
static void clear_run(struct inc_store *store, u64 first, u64 last)
{
	u64 chunk;

	for (chunk = first; chunk <= last; chunk++)
		dm_inc_suspect_end(store, chunk);
	dm_inc_presence_clear(store, first, last);
	dm_inc_history_note_cleared(store, first, last);
}

static void clear_cold(struct inc_store *store, u64 from, u64 last)
{
	u64 first, end;

	while (dm_inc_presence_next_cold(store, from, last, &first, &end)) {
		clear_run(store, first, end);
		from = end + 1;
	}
}

/* Steps 4 and 5. */
static void forget(struct inc_store *store, u64 first, u64 last)
{
	u32 shift = store->chunk_shift - INC_PAGE_SHIFT;

	synchronize_srcu_expedited(&store->readers);
	dm_bufio_forget_buffers(store->bufio, first << shift,
				(last - first + 1) << shift);
	dm_inc_dictionary_forget(store, first, last);
}

/* Steps 1 to 5 of a discard; with DM_INCREMENTAL_DISCARD_COLD, of some chunks of it. */
static void begin_clear(struct inc_store *store, struct inc_claim *claim,
			u32 flags)
{
	dm_inc_claim_wait(store, claim);
	mutex_lock(&store->lock);
	if (flags & DM_INCREMENTAL_DISCARD_COLD)
		clear_cold(store, claim->first, claim->last);
	else
		clear_run(store, claim->first, claim->last);
	mutex_unlock(&store->lock);
	forget(store, claim->first, claim->last);
}

/**
 * dm_inc_clear_suspect - hide suspect chunks from readers, to overwrite them
 * @store: alive
 * @first: first chunk
 * @last: last chunk; the caller's fill claims them all
 *
 * Steps 2 to 5. Until dm_inc_wait_present() or dm_inc_clear_restore() readers find the
 * suspect chunks of the range absent; the others stay as they are.
 *
 * Context: process, in no section of @readers; sleeps, waits for lookups.
 */
void dm_inc_clear_suspect(struct inc_store *store, u64 first, u64 last)
{
	u64 chunk;

	mutex_lock(&store->lock);
	for (chunk = first; chunk <= last; chunk++) {
		if (!dm_inc_suspect_any(store, chunk, chunk))
			continue;
		dm_inc_presence_clear(store, chunk, chunk);
		dm_inc_history_note_cleared(store, chunk, chunk);
	}
	mutex_unlock(&store->lock);
	forget(store, first, last);
}

/**
 * dm_inc_clear_restore - show suspect chunks to readers again, not overwritten
 * @store: alive
 * @first: first chunk
 * @last: last chunk; as for dm_inc_clear_suspect()
 *
 * They are still suspect; reads verify their bytes, which may have changed.
 *
 * Context: process; sleeps.
 */
void dm_inc_clear_restore(struct inc_store *store, u64 first, u64 last)
{
	for (; first <= last; first++)
		if (dm_inc_suspect_any(store, first, first))
			dm_inc_wait_present(store, first, first, false);
}

/*
 * Give the bytes back under the claim, so that no fill can come in between, and
 * after a commit: a crash must not leave bits that stand for zeros.
 */
static int punch(struct inc_store *store, const struct inc_claim *claim)
{
	u32 shift = store->chunk_shift - SECTOR_SHIFT;
	u64 from = claim->first, first, last;
	int r = dm_inc_presence_commit(store);

	while (!r && from <= claim->last &&
	       dm_inc_presence_next_absent(store, from, claim->last, &first,
					   &last)) {
		r = blkdev_issue_discard(store->bdev, first << shift,
					 (last - first + 1) << shift, GFP_NOIO);
		from = last + 1;
	}
	return r;
}

/* DM_INCREMENTAL_DISCARD_REFETCH: clear nothing, but ask loaders for it. */
static int suspect_piece(struct inc_store *store, u64 first, u64 last)
{
	struct inc_ranges ranges = { .count = 1, .range = { { first, last } } };
	int r;

	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	mutex_lock(&store->lock);
	r = dm_inc_missing_mark(store, first, last);
	mutex_unlock(&store->lock);
	/* Before it leaves: nothing would free a hint after the store's end. */
	if (!r)
		dm_inc_wait_hint(store, &ranges, true);
	dm_inc_backing_leave(store);
	return r;
}

/* One piece of a discard. */
static int discard_piece(struct inc_store *store, u64 first, u64 last,
			 u32 flags)
{
	struct inc_claim claim = { .first = first, .last = last };
	int r = 0;

	if (flags & DM_INCREMENTAL_DISCARD_REFETCH)
		return suspect_piece(store, first, last);
	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	if (flags & DM_INCREMENTAL_DISCARD_PUNCH &&
	    !bdev_max_discard_sectors(store->bdev)) {
		dm_inc_backing_leave(store);
		return -EOPNOTSUPP;	/* so did the first piece: none is done */
	}
	mutex_lock(&store->clear_mutex);
	if (flags & DM_INCREMENTAL_DISCARD_COLD)
		r = dm_inc_presence_watch(store, first, last);
	if (!r)
		begin_clear(store, &claim, flags);
	mutex_unlock(&store->clear_mutex);
	if (!r) {
		if (flags & DM_INCREMENTAL_DISCARD_PUNCH)
			r = punch(store, &claim);
		dm_inc_claim_release(store, &claim);
	}
	dm_inc_backing_leave(store);
	return r;
}

/**
 * dm_inc_clear_discard - DM_INCREMENTAL_IOC_DISCARD
 * @store: its memory is held; it may be dead, or end meanwhile (-ENODEV)
 * @first: first chunk
 * @last: last chunk
 * @flags: DM_INCREMENTAL_DISCARD_*
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno.
 */
int dm_inc_clear_discard(struct inc_store *store, u64 first, u64 last, u32 flags)
{
	u64 chunk, end;
	int r = 0;

	if (dm_inc_presence_fixed(store, first, last))
		return -EINVAL;
	/* Damaged chunks stay until they come anew: nothing is given back. */
	if (flags & DM_INCREMENTAL_DISCARD_REFETCH && flags != DM_INCREMENTAL_DISCARD_REFETCH)
		return -EINVAL;
	if (store->read_only)
		return -EROFS;
	for (chunk = first; !r && chunk <= last; chunk = end + 1) {
		end = min(last, chunk + DISCARD_CHUNKS - 1);
		r = discard_piece(store, chunk, end, flags);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return r;
}
