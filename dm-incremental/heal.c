// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damage: what a bad block rests on is cleared, fetched again, and the read
 * starts over. Its reader sees a delay.
 *
 *	bad			cleared
 *	data			the chunks of its extent, of its map page, and of
 *				the dictionary that it is expanded with
 *	map entry		the chunk of its map page
 *	tree page		its chunk
 *
 * Data rests on the map page, too: an entry that names another extent and data
 * that is damaged look the same. The tree page that a digest came from has been
 * verified, so it cannot be at fault.
 *
 * A read has each chunk fetched again once. If what came is bad, too, it fails.
 * That also goes for reads that waited meanwhile, so that readers of a block
 * which is bad at the origin do not ask for it one after the other. Who finds
 * bytes bad that others have had cleared since it looked them up has read what
 * is being overwritten, and just starts over. RETRIES_MAX bounds all of it.
 *
 * What a read has cleared and nobody has filled is given back when the read is
 * over, or goes on to clear other chunks: where no origin can be reached just
 * the damaged blocks cannot be read, not all that share a chunk or map page
 * with them.
 *
 * Readahead clears nothing, for it does not wait. It fails, and who wants the
 * page comes back with a read of its own.
 */
#include <linux/kernel.h>

#include "dm-incremental.h"
#include "trace.h"

/*
 * The most that honest reads need: each of 64 extents, of which inc_damage has
 * room for some at a time, a few map and tree pages, and others' clears.
 */
#define RETRIES_MAX	48

/**
 * inc_damage_add - note something bad that a read has found
 * @damage: what it has found so far; if there is no room, this one is found
 *	again by the next try
 * @bad: copied
 */
void inc_damage_add(struct inc_damage *damage, const struct inc_bad *bad)
{
	unsigned int i;

	/* A page, or an extent that several blocks share, is told once. */
	for (i = 0; i < damage->count; i++)
		if (damage->bad[i].offset == bad->offset)
			return;
	if (damage->count < INC_BAD_MAX)
		damage->bad[damage->count++] = *bad;
}

/* A chunk joins the ranges, which stay disjoint, if there is room. */
static void add_chunk(struct inc_ranges *ranges, u64 chunk)
{
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		if (ranges->range[i].first <= chunk &&
		    chunk <= ranges->range[i].last)
			return;
	for (i = 0; i < ranges->count; i++) {
		if (ranges->range[i].last + 1 == chunk) {
			ranges->range[i].last = chunk;
			return;
		}
	}
	if (ranges->count < INC_LINKS) {
		ranges->range[i].first = chunk;
		ranges->range[i].last = chunk;
		ranges->count++;
	}
}

/*
 * Add what of these bytes can be cleared, and has not been fetched again
 * for this read. Returns true if any of it was cleared since it was looked up.
 */
static bool inspect(struct inc_io *io, u64 offset, u64 length,
		    struct inc_ranges *ranges)
{
	struct inc_store *store = io->view->store;
	u64 chunk = offset >> store->chunk_shift;
	u64 last = (offset + length - 1) >> store->chunk_shift;

	if (inc_clear_since(store, io->seen, chunk, last))
		return true;
	for (; chunk <= last; chunk++)
		if (inc_presence_test(store, chunk, chunk) &&
		    !inc_presence_fixed(store, chunk, chunk) &&
		    !(inc_clear_since(store, io->born, chunk, chunk) &&
		      inc_clear_damaged(store, chunk, chunk)))
			add_chunk(ranges, chunk);
	return false;
}

static bool inspect_bad(struct inc_io *io, const struct inc_bad *bad,
			struct inc_ranges *ranges)
{
	struct inc_view *view = io->view;
	bool changed;
	u64 page;

	changed = inspect(io, bad->offset, bad->length, ranges);
	if (bad->mapped) {
		page = inc_view_map_page(view, inc_map_page(bad->block));
		changed |= inspect(io, page << INC_PAGE_SHIFT, INC_PAGE_SIZE,
				   ranges);
	}
	if (bad->dictionary)
		changed |= inspect(io, bad->dictionary->dictionary_offset,
				   bad->dictionary->dictionary_size, ranges);
	return changed;
}

static bool can_heal(const struct inc_view *view)
{
	return view->on_corruption == INC_REFETCH && !view->store->read_only &&
	       atomic_read(&view->store->nr_fillers);
}

static void clear(struct inc_io *io, const struct inc_ranges *ranges)
{
	struct inc_store *store = io->view->store;
	u32 shift = store->chunk_shift;
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		trace_incremental_refetch(store->bdev_dev, io->block, io->blocks,
					  ranges->range[i].first << shift,
					  (ranges->range[i].last -
					   ranges->range[i].first + 1) << shift);
	io->undo_from = inc_clear_seq(store) + 1;
	inc_clear(store, ranges, true);
	io->undo_to = inc_clear_seq(store);
}

/**
 * inc_heal - a read has found damage
 * @io: the read
 * @damage: at least one
 * @may_wait: false for readahead
 *
 * Reports it, unless the bytes have changed under the read.
 *
 * Context: process; sleeps, in no section of store->readers. Return: true if
 * the read is to start over from its lookup. Else it is over: @io->status says
 * how.
 */
bool inc_heal(struct inc_io *io, const struct inc_damage *damage, bool may_wait)
{
	struct inc_view *view = io->view;
	struct inc_store *store = view->store;
	struct inc_ranges ranges = { 0 };
	bool changed = false, heal;
	unsigned int i;

	inc_heal_end(io);
	mutex_lock(&store->clear_mutex);
	for (i = 0; i < damage->count; i++)
		changed |= inspect_bad(io, &damage->bad[i], &ranges);
	if (io->retries == RETRIES_MAX)
		changed = false;
	heal = !changed && ranges.count && can_heal(view) &&
	       io->retries < RETRIES_MAX;
	if (heal && may_wait)
		clear(io, &ranges);
	mutex_unlock(&store->clear_mutex);

	if (changed) {
		io->retries++;
		return true;
	}
	if (heal && !may_wait) {
		io->status = BLK_STS_AGAIN;
		return false;
	}
	for (i = 0; i < damage->count; i++)
		inc_view_bad(view, &damage->bad[i], heal);
	if (view->on_corruption == INC_PANIC)
		panic("dm-incremental device has detected corruption");
	if (!heal) {
		io->status = BLK_STS_IOERR;
		return false;
	}
	io->retries++;
	io->healing += damage->count;
	return true;
}

/**
 * inc_heal_end - a read is over, or will clear again
 * @io: the read; @io->status is set
 *
 * Context: process; sleeps if it has cleared something.
 */
void inc_heal_end(struct inc_io *io)
{
	struct inc_store *store = io->view->store;

	if (!io->undo_to)
		return;
	inc_clear_undo(store, io->undo_from, io->undo_to);
	io->undo_to = 0;
}
