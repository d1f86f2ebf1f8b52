// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspect chunks: a read has found damage that rests on them (heal.c), or a
 * loader says that they are damaged (DM_INCREMENTAL_DISCARD_REFETCH). A loader is asked to
 * bring them anew, and a fill may overwrite them.
 *
 * Until then they are present: readers use them and verify the bytes they get, so
 * good bytes in such a chunk, or found through it, are read as ever. Nothing is
 * lost if no loader brings them, as nothing was given up.
 *
 * A second bit for each chunk, next to that of presence (presence.c):
 *
 *	present	suspect
 *	0	0	absent
 *	1	0	present
 *	1	1	suspect
 *	0	1	suspect, and being overwritten by a fill (clear.c)
 *
 * On disk there is no such bit: suspect chunks are present there, all the time,
 * and a commit writes them so (presence.c). A crash leaves a chunk as damaged, or
 * as good, as it was, or half overwritten; the next read finds out.
 *
 * Both bits are written under store->lock. This one is set only where the chunk
 * is present, and cleared by the end of a fill, as it sets the bit of presence,
 * and by a discard. These read it without the lock:
 *
 *	a fill		has claimed the chunk. The next fill overwrites a chunk
 *			that becomes suspect after its look.
 *	DM_INCREMENTAL_IOC_READ	goes wrong neither way: its caller verifies.
 *	DM_INCREMENTAL_IOC_MISSING	likewise: it may be outdated when it returns.
 *
 * Pages of bits come when one of them is needed and stay to the store's end, so
 * they cost as much memory as those of presence, at the most.
 */
#include <linux/slab.h>

#include "history.h"
#include "suspect.h"

#define BITS_SHIFT	(INC_PAGE_SHIFT + 3)
#define BITS_PER_PAGE	(1u << BITS_SHIFT)

static u32 bit_of(u64 chunk)
{
	return chunk & (BITS_PER_PAGE - 1);
}

/* The page that holds @chunk's bit; NULL if none there was ever set. */
static unsigned long *bits_of(struct inc_store *store, u64 chunk)
{
	return xa_load(&store->suspects, chunk >> BITS_SHIFT);
}

/**
 * dm_inc_suspect_seek - the next chunk that is suspect
 * @store: the store
 * @chunk: where to start
 * @end: where to stop
 *
 * Return: its number, or @end if there is none.
 */
u64 dm_inc_suspect_seek(struct inc_store *store, u64 chunk, u64 end)
{
	if (xa_empty(&store->suspects))
		return end;
	while (chunk < end) {
		const unsigned long *bits = bits_of(store, chunk);
		u64 page = chunk - bit_of(chunk);
		u32 size = min_t(u64, end - page, BITS_PER_PAGE), bit;

		bit = bits ? find_next_bit(bits, size, bit_of(chunk)) : size;
		if (bit < size)
			return page + bit;
		chunk = page + size;
	}
	return end;
}

/**
 * dm_inc_suspect_any - is any of these chunks suspect?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 */
bool dm_inc_suspect_any(struct inc_store *store, u64 first, u64 last)
{
	return dm_inc_suspect_seek(store, first, last + 1) <= last;
}

static unsigned long *make_bits(struct inc_store *store, u64 chunk)
{
	unsigned long *bits = kzalloc(INC_PAGE_SIZE, GFP_NOIO);

	/* A reader that finds the page finds it zeroed: xa_store() publishes it. */
	if (bits && xa_err(xa_store(&store->suspects, chunk >> BITS_SHIFT, bits,
				    GFP_NOIO))) {
		kfree(bits);
		bits = NULL;
	}
	return bits;
}

/**
 * dm_inc_suspect_begin - mark a chunk as suspect
 * @store: its @lock is held
 * @chunk: it is present
 *
 * Context: process; sleeps for memory. Return: 0 or -ENOMEM.
 */
int dm_inc_suspect_begin(struct inc_store *store, u64 chunk)
{
	unsigned long *bits = bits_of(store, chunk) ?: make_bits(store, chunk);

	if (!bits)
		return -ENOMEM;
	set_bit(bit_of(chunk), bits);
	return 0;
}

/**
 * dm_inc_suspect_end - unmark a chunk
 * @store: its @lock is held
 * @chunk: it is present, having been filled, or absent
 *
 * Return: true if it was suspect.
 */
bool dm_inc_suspect_end(struct inc_store *store, u64 chunk)
{
	unsigned long *bits = bits_of(store, chunk);

	return bits && test_and_clear_bit(bit_of(chunk), bits);
}

/**
 * dm_inc_suspect_over - unmark chunks that have been overwritten
 * @store: its @lock is held
 * @first: first chunk
 * @last: last chunk; all are present, and claimed
 *
 * Notes that they have come anew: reads that were started before do not ask for
 * them again if they find them corrupt (heal.c).
 */
void dm_inc_suspect_over(struct inc_store *store, u64 first, u64 last)
{
	if (!dm_inc_suspect_any(store, first, last))
		return;
	for (; first <= last; first++)
		if (dm_inc_suspect_end(store, first))
			dm_inc_history_note_anew(store, first);
	dm_inc_history_publish(store);
}

/**
 * dm_inc_suspect_free - free the bits
 * @store: being destroyed, or created without success
 */
void dm_inc_suspect_free(struct inc_store *store)
{
	unsigned long index;
	void *bits;

	xa_for_each(&store->suspects, index, bits)
		kfree(bits);
	xa_destroy(&store->suspects);
}
