// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks that stop being present: because they are damaged (heal.c), or because
 * a loader says so (INC_IOC_DISCARD). They may then be filled again, or punched
 * out of the file below.
 *
 * Readers take no lock. What they rely on is kept like this:
 *
 * A lookup, the steps of a read that go by presence and read metadata, is an
 * SRCU read-side section of store->readers. What it finds present keeps its
 * bytes to the section's end, and so does "complete", the shortcut: a clear
 *
 *	1. claims the chunks, so that no fill of them is under way or starts
 *	2. takes them off nr_present, then clears their bits
 *	3. notes itself in store->clears, and then its number in nr_clears
 *	4. waits for the sections that may have seen the bits set
 *	5. forgets the metadata pages there; nobody holds one, or reads one into
 *	   the cache: that is done in sections only, after a look at presence;
 *	   and the dictionaries, which are loaded in sections, too
 *	6. gives up the claim; before that it may give back the space (punch())
 *
 * So the cache never has a page of before a clear after it, and bytes change
 * after step 6 at the earliest. (Heads are read outside of sections, when a
 * view is opened; they are never cleared.)
 *
 * The data is read after the section, and dictionaries are kept past it. Their
 * bytes may be overwritten or outdated meanwhile, but none reaches the reader
 * without its digest: such a read finds damage. It then looks for a clear of
 * what it read with a number above the one that it noted (inc_clear_seq()) at
 * its section's start, and starts over if there is one. It finds it: had the
 * number been there at the start, the bits would have been seen cleared, by the
 * order of 2 and 3; and it is there before a fill can write, by 3 and 6.
 *
 * On disk: a cleared bit is written by the next commit like a set one. If a
 * crash comes first, the bit is still 1 and the chunk as damaged as it was, or
 * half refilled: the next read finds that again.
 */
#include <linux/dm-bufio.h>
#include <linux/sched/signal.h>

#include <linux/dm-incremental.h>
#include "dm-incremental.h"

/* Chunks that a discard clears in one go. */
#define DISCARD_CHUNKS	32768

/* Needs no ordering: @clear_mutex or @lock is held, which a clear holds, too. */
static u64 nr_clears(struct inc_store *store)
{
	return atomic64_read(&store->nr_clears);
}

/* Number of the oldest clear that is remembered, less 1. */
static u64 forgotten(struct inc_store *store)
{
	u64 n = nr_clears(store);

	return n > INC_CLEARS ? n - INC_CLEARS : 0;
}

/* The newest clear that has any of the chunks; NULL if none is remembered. */
static const struct inc_clear *newest_clear(struct inc_store *store, u64 first,
					    u64 last, u64 *number)
{
	u64 n, oldest = forgotten(store);

	for (n = nr_clears(store); n > oldest; n--) {
		const struct inc_clear *clear = &store->clears[n % INC_CLEARS];

		if (clear->first <= last && first <= clear->last) {
			*number = n;
			return clear;
		}
	}
	return NULL;
}

/**
 * inc_clear_damaged - is a chunk absent because it was damaged?
 * @store: the store; its @lock or @clear_mutex is held
 * @first: first chunk
 * @last: last chunk; all are absent
 *
 * Return: whether that is so of any of them, as far as is remembered. Of one
 * chunk its newest clear decides. Of several it may also be true for one that
 * was damaged at some time and cleared without need since.
 */
bool inc_clear_damaged(struct inc_store *store, u64 first, u64 last)
{
	u64 n, oldest = forgotten(store);

	for (n = nr_clears(store); n > oldest; n--) {
		const struct inc_clear *clear = &store->clears[n % INC_CLEARS];

		if (clear->first > last || first > clear->last)
			continue;
		if (clear->damaged)
			return true;
		/* What is older is asked of the others only. */
		if (clear->first <= first && last <= clear->last)
			return false;
		if (clear->first <= first)
			first = clear->last + 1;
		else if (last <= clear->last)
			last = clear->first - 1;
	}
	return false;
}

/**
 * inc_clear_since - have chunks been cleared since?
 * @store: the store; its @clear_mutex is held
 * @seq: from inc_clear_seq()
 * @first: first chunk
 * @last: last chunk
 *
 * Return: false if none of them has been; true also if that is not known.
 */
bool inc_clear_since(struct inc_store *store, u64 seq, u64 first, u64 last)
{
	u64 number;

	if (nr_clears(store) - seq > INC_CLEARS)
		return true;
	return newest_clear(store, first, last, &number) && number > seq;
}

static void note(struct inc_store *store, u64 first, u64 last, bool damaged)
{
	u64 number = nr_clears(store) + 1;
	struct inc_clear *clear = &store->clears[number % INC_CLEARS];

	clear->first = first;
	clear->last = last;
	clear->damaged = damaged;
	/* Pairs with inc_clear_seq(): who sees it sees the bits cleared, too. */
	atomic64_set_release(&store->nr_clears, number);
}

static void clear_cold(struct inc_store *store, u64 first, u64 last)
{
	u64 from = first, end;

	while (inc_presence_next_cold(store, from, last, &first, &end)) {
		inc_presence_clear(store, first, end);
		from = end + 1;
	}
}

/*
 * Steps 2 and 3. A want is made under @lock, too, after a look at the bits: if
 * it finds them cleared here, it finds the note that says why.
 */
static void clear_and_note(struct inc_store *store, u64 first, u64 last,
			   u32 flags)
{
	mutex_lock(&store->lock);
	if (flags & INC_DISCARD_COLD)
		clear_cold(store, first, last);
	else
		inc_presence_clear(store, first, last);
	note(store, first, last, flags & INC_DISCARD_REFETCH);
	mutex_unlock(&store->lock);
}

/*
 * Steps 1 to 5 for some ranges, with INC_DISCARD_COLD for some chunks of them;
 * @claims are still to be released. To note chunks that were not cleared only
 * makes reads of them start over for nothing.
 */
static void begin_clear(struct inc_store *store,
			const struct inc_ranges *ranges,
			struct inc_claim *claims, u32 flags)
{
	u32 shift = store->chunk_shift - INC_PAGE_SHIFT;
	unsigned int i;

	/* Fills have one claim at a time, other clears none: no deadlock. */
	for (i = 0; i < ranges->count; i++) {
		claims[i].first = ranges->range[i].first;
		claims[i].last = ranges->range[i].last;
		inc_claim_wait(store, &claims[i]);
		clear_and_note(store, claims[i].first, claims[i].last, flags);
	}
	synchronize_srcu_expedited(&store->readers);
	for (i = 0; i < ranges->count; i++) {
		dm_bufio_forget_buffers(store->bufio, claims[i].first << shift,
					(claims[i].last - claims[i].first + 1)
					<< shift);
		inc_dictionary_forget(store, claims[i].first, claims[i].last);
	}
}

/**
 * inc_clear - make chunks absent
 * @store: alive; its @clear_mutex is held
 * @ranges: disjoint; no chunk of a head or bitmap
 * @damaged: what is there is bad
 *
 * When this returns no lookup uses what is stored there, and no metadata page
 * of it is cached.
 *
 * Context: process, in no section of @readers; sleeps, waits for fills of these
 * chunks and for lookups.
 */
void inc_clear(struct inc_store *store, const struct inc_ranges *ranges,
	       bool damaged)
{
	struct inc_claim claims[INC_LINKS];
	unsigned int i;

	begin_clear(store, ranges, claims, damaged ? INC_DISCARD_REFETCH : 0);
	for (i = 0; i < ranges->count; i++)
		inc_claim_release(store, &claims[i]);
}

/**
 * inc_clear_undo - what a clear made absent, and nobody has filled, is back
 * @store: alive
 * @from: number of the first clear that is undone
 * @to: and of the last
 *
 * The bytes were not touched, or a fill of them has failed; either way a read
 * that uses them verifies them. What was cleared again since stays absent.
 *
 * Context: process; sleeps, waits for fills of these chunks.
 */
void inc_clear_undo(struct inc_store *store, u64 from, u64 to)
{
	u64 n, chunk, number;

	mutex_lock(&store->clear_mutex);
	for (n = from; n <= to && nr_clears(store) - n < INC_CLEARS; n++) {
		const struct inc_clear *clear = &store->clears[n % INC_CLEARS];
		struct inc_claim claim = { .first = clear->first,
					   .last = clear->last };

		inc_claim_wait(store, &claim);
		for (chunk = claim.first; chunk <= claim.last; chunk++)
			if (!inc_presence_test(store, chunk, chunk) &&
			    newest_clear(store, chunk, chunk, &number) == clear)
				inc_presence_set(store, chunk, chunk);
		inc_wait_filled(store, claim.first, claim.last);
		inc_claim_release(store, &claim);
	}
	mutex_unlock(&store->clear_mutex);
}

/*
 * The bytes are given back while nobody may fill them, and after it is durable
 * that they are absent: a crash must not leave bits that stand for zeros.
 */
static int punch(struct inc_store *store, const struct inc_claim *claim)
{
	u32 shift = store->chunk_shift - SECTOR_SHIFT;
	u64 from = claim->first, first, last;
	int r = inc_presence_commit(store);

	while (!r && from <= claim->last &&
	       inc_presence_next_absent(store, from, claim->last, &first,
					&last)) {
		r = blkdev_issue_discard(store->bdev, first << shift,
					 (last - first + 1) << shift, GFP_NOIO);
		from = last + 1;
	}
	return r;
}

/* One piece of a discard. */
static int discard_piece(struct inc_store *store, u64 first, u64 last,
			 u32 flags)
{
	struct inc_ranges ranges = { .count = 1, .range = { { first, last } } };
	bool damaged = flags & INC_DISCARD_REFETCH;
	struct inc_claim claim;
	int r = 0;

	if (!inc_store_enter(store))
		return -ENODEV;
	if (flags & INC_DISCARD_PUNCH &&
	    !bdev_max_discard_sectors(store->bdev)) {
		inc_store_leave(store);
		return -EOPNOTSUPP;	/* so did the first piece: none is done */
	}
	mutex_lock(&store->clear_mutex);
	if (flags & INC_DISCARD_COLD)
		r = inc_presence_watch(store, first, last);
	if (!r)
		begin_clear(store, &ranges, &claim, flags);
	mutex_unlock(&store->clear_mutex);
	if (!r) {
		if (flags & INC_DISCARD_PUNCH)
			r = punch(store, &claim);
		inc_claim_release(store, &claim);
	}
	/* Before it leaves: after the store's end nobody would free the hint. */
	if (damaged && !r)
		inc_wait_hint(store, &ranges);
	inc_store_leave(store);
	return r;
}

/**
 * inc_clear_discard - INC_IOC_DISCARD
 * @store: its memory is held; it may be dead, or end meanwhile (-ENODEV)
 * @first: first chunk
 * @last: last chunk
 * @flags: INC_DISCARD_*
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno.
 */
int inc_clear_discard(struct inc_store *store, u64 first, u64 last, u32 flags)
{
	u64 chunk, end;
	int r = 0;

	if (inc_presence_fixed(store, first, last))
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
