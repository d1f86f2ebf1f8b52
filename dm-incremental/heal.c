// SPDX-License-Identifier: GPL-2.0-only
/*
 * Healing damage: the chunks that a corrupt block rests on become suspect
 * (suspect.c), and loaders are asked for them; when they have come anew the read
 * starts over. Its reader sees a delay. Other readers do not, as suspect chunks
 * can still be read.
 *
 *	corrupt			asked for
 *	data			the chunks of its extent; if these have come and
 *				are corrupt, that of its map page, and those of
 *				dictionaries that it, or what it refers to, is
 *				expanded with. What an extent refers to is asked
 *				for with it: its bytes say what that is
 *	map entry		the chunk of its map page
 *	tree page		its chunk
 *
 * Data rests on the map page, too: an entry that names another extent and
 * corrupt data look the same. Mostly the data is at fault, so it comes first, and
 * the page, which many blocks need, only if it must be. If the page named another
 * extent, that is the next to be asked for. The tree page that a digest came
 * from has been verified, so it cannot be at fault.
 *
 * A read asks for no chunk that has come anew since the read was started, at any
 * read's request (dm_inc_history_anew()). If all that it rests on has come anew and
 * is corrupt still, it fails. So readers of a block which is corrupt at the
 * origin fail together, and do not ask for it one after the other. A read of
 * corrupt bytes that were cleared since it looked them up has met a fill that
 * overwrites them, and just starts over. RETRIES_MAX bounds all of it.
 *
 * Readahead that may not wait marks nothing. It fails, and a reader of the page
 * comes back with a read of its own.
 */
#include <linux/kernel.h>

#include "batch.h"
#include "heal.h"
#include "history.h"
#include "missing.h"
#include "presence.h"
#include "segments.h"
#include "trace.h"
#include "view.h"
#include "wait.h"

/*
 * The most that honest reads need: for each of 64 extents, of which inc_damage
 * has room for some at a time, for those that their map pages named instead, for
 * a few map and tree pages, and for others' fills.
 */
#define RETRIES_MAX	48

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

/* Have any of these bytes been cleared since the read has looked them up? */
static bool bytes_changed(const struct inc_io *io, u64 offset, u64 length)
{
	struct inc_store *store = io->view->store;

	return dm_inc_history_cleared(store, io->seen, offset >> store->chunk_shift,
				   (offset + length - 1) >> store->chunk_shift);
}

static u64 map_page_of(const struct inc_io *io, const struct inc_bad *bad)
{
	return dm_inc_view_map_page(io->view, inc_map_page(bad->block)) <<
	       INC_PAGE_SHIFT;
}

/* The segment whose dictionary reference @i needs, or NULL. */
static const struct inc_segment *dictionary_of(const struct inc_io *io,
					       const struct inc_bad *bad, u32 i)
{
	const struct inc_extent *extent = &bad->references->extents[i];

	return extent->codec == INC_CODEC_LZ4_DICT ?
	       dm_inc_segment_at(io->view->store, extent->offset) : NULL;
}

static bool dictionary_changed(const struct inc_io *io, const struct inc_segment *seg)
{
	return seg && bytes_changed(io, seg->dictionary_offset, seg->dictionary_size);
}

static bool references_changed(const struct inc_io *io, const struct inc_bad *bad)
{
	u32 i;

	for (i = 0; bad->references && i < bad->references->count; i++)
		if (bytes_changed(io, bad->references->extents[i].offset,
				  bad->references->extents[i].length) ||
		    dictionary_changed(io, dictionary_of(io, bad, i)))
			return true;
	return false;
}

static bool has_changed(const struct inc_io *io,
			const struct inc_damage *damage)
{
	unsigned int i;

	for (i = 0; i < damage->count; i++) {
		const struct inc_bad *bad = &damage->bad[i];

		if (bytes_changed(io, bad->offset, bad->length) ||
		    (bad->mapped &&
		     bytes_changed(io, map_page_of(io, bad), INC_PAGE_SIZE)) ||
		    references_changed(io, bad) ||
		    dictionary_changed(io, bad->dictionary))
			return true;
	}
	return false;
}

/* Add the chunks of these bytes that have not come anew for this read, if any. */
static bool ask_for(const struct inc_io *io, u64 offset, u64 length,
		    struct inc_ranges *ranges)
{
	struct inc_store *store = io->view->store;
	u64 chunk = offset >> store->chunk_shift;
	u64 last = (offset + length - 1) >> store->chunk_shift;
	bool any = false;

	for (; chunk <= last; chunk++) {
		if (dm_inc_presence_fixed(store, chunk, chunk) ||
		    dm_inc_history_anew(store, io->born, chunk))
			continue;
		add_chunk(ranges, chunk);
		any = true;
	}
	return any;
}

static void ask_for_dictionary(const struct inc_io *io, const struct inc_segment *seg,
			       struct inc_ranges *ranges)
{
	if (seg)
		ask_for(io, seg->dictionary_offset, seg->dictionary_size, ranges);
}

static void ask_for_bad(const struct inc_io *io, const struct inc_bad *bad,
			struct inc_ranges *ranges)
{
	bool any = ask_for(io, bad->offset, bad->length, ranges);
	u32 i;

	for (i = 0; bad->references && i < bad->references->count; i++)
		any |= ask_for(io, bad->references->extents[i].offset,
			       bad->references->extents[i].length, ranges);
	if (any)
		return;
	if (bad->mapped)
		ask_for(io, map_page_of(io, bad), INC_PAGE_SIZE, ranges);
	ask_for_dictionary(io, bad->dictionary, ranges);
	for (i = 0; bad->references && i < bad->references->count; i++)
		ask_for_dictionary(io, dictionary_of(io, bad, i), ranges);
}

static bool can_heal(const struct inc_view *view)
{
	return view->on_corruption == INC_REFETCH && !view->store->read_only &&
	       atomic_read(&view->store->nr_fillers);
}

static bool mark(struct inc_store *store, const struct inc_ranges *ranges)
{
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < ranges->count; i++)
		r = dm_inc_missing_mark(store, ranges->range[i].first,
					ranges->range[i].last);
	return !r;
}

static void trace(const struct inc_io *io, const struct inc_ranges *ranges)
{
	struct inc_store *store = io->view->store;
	u32 shift = store->chunk_shift;
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		trace_incremental_refetch(store->bdev_dev, io->block, io->blocks,
					  ranges->range[i].first << shift,
					  (ranges->range[i].last -
					   ranges->range[i].first + 1) << shift);
}

/**
 * dm_inc_heal - ask for the chunks of damage that a read has found
 * @io: the read; with its buffer
 * @damage: at least one; may be in that buffer
 * @may_wait: false for readahead
 *
 * Reports the damage, unless the bytes have changed under the read.
 *
 * Context: process; sleeps, in no section of store->readers. Return: true if
 * the read waits, and must not be touched any more; its buffer is given back.
 * False: it must start over from its lookup, with the buffer, or it is over,
 * and @io->status says how.
 */
bool dm_inc_heal(struct inc_io *io, const struct inc_damage *damage, bool may_wait)
{
	struct inc_view *view = io->view;
	struct inc_store *store = view->store;
	bool tries = io->retries < RETRIES_MAX;
	struct inc_ranges ranges = { 0 };
	bool changed, heal, marked = true;
	unsigned int i;

	mutex_lock(&store->lock);
	changed = tries && has_changed(io, damage);
	/* Chunks that have not changed are as they were looked up: present. */
	for (i = 0; !changed && i < damage->count; i++)
		ask_for_bad(io, &damage->bad[i], &ranges);
	heal = tries && ranges.count && can_heal(view);
	if (heal && may_wait)
		marked = mark(store, &ranges);
	mutex_unlock(&store->lock);

	if (changed) {
		io->retries++;
		return false;
	}
	if (!marked) {
		dm_inc_buffer_return(view, io->buffer);
		return dm_inc_wait_for_memory(store, io);
	}
	if (heal && !may_wait) {
		io->status = BLK_STS_AGAIN;
		return false;
	}
	for (i = 0; i < damage->count; i++)
		dm_inc_view_bad(view, &damage->bad[i], heal);
	if (view->on_corruption == INC_PANIC)
		panic("dm-incremental device has detected corruption");
	if (!heal) {
		io->status = BLK_STS_IOERR;
		return false;
	}
	io->retries++;
	io->healing += damage->count;
	trace(io, &ranges);
	/* A waiting read may wait long; give its buffer to one that can proceed. */
	dm_inc_buffer_return(view, io->buffer);
	return dm_inc_wait_for(store, io, &ranges, true);
}
