// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of the virtual device.
 *
 * A read goes through these steps. Each of the first two may find chunks
 * absent; the read then waits for them and starts again from step 1.
 *
 *	1. the map pages and tree pages of its blocks are present
 *	2. the map entries name extents, and those are present, as are the
 *	   dictionaries that they are expanded with, and then what they refer to
 *	   (refer.c)
 *	3. the digests of its blocks are copied from verified tree pages
 *	4. the extents are read: neighbours in the file in one bio, several
 *	   bios at a time, as many as the read's buffer holds (a "batch")
 *	5. each cluster is expanded into private memory (expand.c), its blocks
 *	   are hashed there, two at a time if that is faster, then copied to the
 *	   reader's pages: these may change under us (O_DIRECT), and never get a
 *	   byte that was not verified. Stored blocks are read to the reader's pages,
 *	   and hashed there, if no one can see these until the read has ended
 *	   (find_place() in batch.c)
 *
 * Step 4 and the buffers are in batch.c, step 5 in deliver.c.
 *
 * Where all metadata is cached, steps 1 to 4 happen in the reader's context
 * (dm_inc_read_start()), which waits there for no I/O and no memory. It may sleep
 * for a lock of dm-bufio's (backing.c), which is held over neither. A read that
 * finds chunks absent is put aside there, too (dm_inc_wait_try()). Else a worker
 * does all of it, which may wait for metadata and memory. Step 5 is always a worker's.
 * No task waits for data or for a loader: the read is put aside, and its work is
 * queued when it can go on.
 *
 * Steps 1 to 3 are the read's lookup, in a section of store->readers: see
 * clear.c. If step 2, 3 or 5 finds damage, the read may start again from step 1
 * as well: see heal.c.
 *
 * A read's memory, beyond metadata, is a buffer (struct inc_buffer) and, while a
 * worker delivers, an area (expand.c). A read that gets no buffer is put aside, too,
 * until one is returned; it needs no worker to wait in, and the reads that have the
 * buffers need nothing that it holds.
 */
#include <linux/slab.h>

#include "batch.h"
#include "deliver.h"
#include "dictionary.h"
#include "heal.h"
#include "history.h"
#include "presence.h"
#include "read.h"
#include "refer.h"
#include "segments.h"
#include "trace.h"
#include "verity.h"
#include "view.h"
#include "wait.h"

/* Readahead windows that wait for their map; see start_window(). */
#define WINDOWS_MAX	64

static void find_absent_data(struct inc_view *view,
			     const struct inc_buffer *buffer,
			     struct inc_ranges *ranges)
{
	const struct inc_segment *seg, *last = NULL;
	u32 i;

	for (i = 0; i < buffer->io->blocks; i++) {
		if (buffer->extents[i].codec != INC_CODEC_LZ4_DICT)
			continue;
		seg = dm_inc_segment_at(view->store, buffer->extents[i].offset);
		if (seg != last)
			dm_inc_ranges_add(view->store, ranges,
					  seg->dictionary_offset,
					  seg->dictionary_size);
		last = seg;
	}
	for (i = 0; i < buffer->io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];

		if (extent->codec != INC_CODEC_ZERO &&
		    !dm_inc_same_cluster(buffer, i))
			dm_inc_ranges_add(view->store, ranges, extent->offset,
					  extent->length);
	}
}

/* Eviction takes chunks that no read has used. */
static void use_extent(struct inc_view *view, const struct inc_extent *extent)
{
	u32 shift = view->store->chunk_shift;

	dm_inc_presence_use(view->store, extent->offset >> shift,
			    (extent->offset + extent->length - 1) >> shift);
}

static void use_data(struct inc_view *view, const struct inc_buffer *buffer)
{
	u32 i, j;

	for (i = 0; i < buffer->io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];

		if (extent->codec != INC_CODEC_ZERO && !dm_inc_same_cluster(buffer, i))
			use_extent(view, extent);
	}
	for (i = 0; i < buffer->nr_referred; i++)
		for (j = 0; j < buffer->referred[i].list.count; j++)
			use_extent(view, &buffer->referred[i].list.extents[j]);
}

/*
 * Readahead may fail only if the table allows it: some filesystems hand its
 * result to readers that joined it (docs/design.md).
 */
static bool may_not_wait(const struct inc_io *io)
{
	return !io->bio || (io->view->hint_readahead &&
			    io->bio->bi_opf & REQ_RAHEAD);
}

/*
 * A step of the read has ended with @r. If it found damage, the read starts
 * over (io->prepared is false and io->status not set), is over, or waits: then
 * this returns true, and it is no longer ours. Without memory it waits, too, and
 * starts over.
 */
static bool end_step(struct inc_io *io, int r)
{
	bool lacks_memory = r == -ENOMEM && !may_not_wait(io);

	if (r != -EBADMSG && !lacks_memory) {
		io->status = errno_to_blk_status(r);
		return false;
	}
	if (!io->bio) {
		io->status = BLK_STS_IOERR;	/* a later read heals it */
		return false;
	}
	io->prepared = false;
	io->iter = io->bio->bi_iter;
	if (lacks_memory) {
		dm_inc_buffer_return(io->view, io->buffer);
		return dm_inc_wait_for_memory(io->view->store, io);
	}
	return dm_inc_heal(io, &io->buffer->damage, !may_not_wait(io));
}

static void trace_miss(struct inc_view *view, u64 block, u32 blocks,
		       const struct inc_ranges *ranges, bool hint)
{
	u32 shift = view->store->chunk_shift;
	u64 first = ranges->range[0].first;

	trace_incremental_miss(view->store->bdev_dev, block, blocks,
			       first << shift,
			       (ranges->range[0].last - first + 1) << shift,
			       ranges->count, hint);
}

/*
 * With "absent_readahead hint" a readahead that meets absent data fails at once,
 * and leaves a hint for its whole window. The map says which data that is: where
 * the map is absent, too, a copy of the read without a bio (a "window") waits for
 * it in the bio's place and leaves the hint when it has come.
 *
 * dm waits for bios before a view is suspended or goes, but knows nothing of
 * windows: dm_inc_read_wait_windows() waits for those. A window is counted while a
 * bio of the view is in flight, the one it stands for; so after the last bio
 * has ended they only get fewer.
 */
static void end_window(struct inc_view *view)
{
	/*
	 * This runs in a worker of the view, for which dm_inc_view_close() waits
	 * after dm_inc_read_wait_windows(): so the view outlives the wake-up.
	 */
	if (atomic_dec_and_test(&view->nr_windows))
		wake_up(&view->windows_wait);
}

static bool start_window(struct inc_view *view, const struct inc_io *io,
			 const struct inc_ranges *ranges)
{
	struct inc_io *window;

	if (atomic_inc_return(&view->nr_windows) > WINDOWS_MAX)
		goto no_window;
	window = kzalloc(sizeof(*window), GFP_NOIO | __GFP_NORETRY |
					  __GFP_NOWARN);
	if (!window)
		goto no_window;
	dm_inc_read_init(window, view, NULL, io->block, io->blocks);
	window->reader = io->reader;
	if (!dm_inc_wait_for(view->store, window, ranges, false)) {
		kfree(window);
		goto no_window;
	}
	return true;

no_window:
	end_window(view);
	return false;
}

/* @ranges are absent. Returns true if the read waits: it is no longer ours. */
static bool miss(struct inc_io *io, const struct inc_ranges *ranges,
		 bool metadata)
{
	struct inc_view *view = io->view;
	bool hint = may_not_wait(io) && !(metadata && !io->bio);

	trace_miss(view, io->block, io->blocks, ranges, hint);
	/* A waiting read may wait long; give its buffer to one that can proceed. */
	dm_inc_buffer_return(view, io->buffer);
	if (!hint)
		return dm_inc_wait_for(view->store, io, ranges, false);
	if (!metadata || !start_window(view, io, ranges))
		dm_inc_wait_hint(view->store, ranges, false);
	io->status = BLK_STS_AGAIN;
	return false;
}

/*
 * The read holds the dictionary of a segment. Sets its number; *last is the segment
 * that was asked for before, or NULL.
 */
static int hold_dictionary(struct inc_io *io, u64 offset, bool cached,
			   const struct inc_segment **last, u8 *number)
{
	struct inc_store *store = io->view->store;
	struct inc_buffer *buffer = io->buffer;
	const struct inc_segment *seg = dm_inc_segment_at(store, offset);
	struct inc_dictionary *dictionary;

	if (seg != *last) {
		/* mkimage makes no image that could need so many. */
		if (buffer->nr_dictionaries == ARRAY_SIZE(buffer->dictionaries))
			return -E2BIG;
		dictionary = dm_inc_dictionary_get(store, seg, cached);
		if (IS_ERR(dictionary))
			return PTR_ERR(dictionary);
		buffer->dictionaries[buffer->nr_dictionaries++] = dictionary;
		*last = seg;
	}
	*number = buffer->nr_dictionaries - 1;
	return 0;
}

static int hold_dictionaries(struct inc_io *io, bool cached)
{
	const struct inc_segment *last = NULL;
	struct inc_buffer *buffer = io->buffer;
	int r = 0;
	u32 i, j;

	for (i = 0; !r && i < io->blocks; i++)
		if (buffer->extents[i].codec == INC_CODEC_LZ4_DICT)
			r = hold_dictionary(io, buffer->extents[i].offset, cached,
					    &last, &buffer->dictionary[i]);
	for (i = 0; !r && i < buffer->nr_referred; i++) {
		struct inc_referred *referred = &buffer->referred[i];

		for (j = 0; !r && j < referred->list.count; j++) {
			const struct inc_extent *extent = &referred->list.extents[j];

			referred->dictionary[j] = 0;
			if (extent->codec == INC_CODEC_LZ4_DICT)
				r = hold_dictionary(io, extent->offset, cached,
						    &last,
						    &referred->dictionary[j]);
		}
	}
	return r;
}

/*
 * Steps 1 to 3; with @cached from the caches alone, as dm_inc_read_start() must.
 * Adds absent chunks to @ranges, of metadata alone if any of it is absent.
 * Return: 0, -EBADMSG with buffer->damage filled in, or another errno; -EAGAIN
 * is from @cached.
 */
static int look_up_steps(struct inc_io *io, struct inc_ranges *ranges,
			 bool *metadata, bool cached)
{
	struct inc_buffer *buffer = io->buffer;
	struct inc_view *view = io->view;
	int r;

	buffer->damage.count = 0;
	buffer->nr_referred = 0;
	dm_inc_buffer_drop_dictionaries(buffer);
	*metadata = true;
	/* Present chunks stay so in this section, and so does "complete". */
	if (!dm_inc_presence_complete(view->store)) {
		dm_inc_view_absent(view, io->block, io->blocks, ranges);
		if (ranges->count)
			return 0;
	}
	r = dm_inc_view_extents(view, io->block, io->blocks, buffer->entries,
				buffer->extents, cached, &buffer->damage);
	if (r)
		return r;
	*metadata = false;
	if (!dm_inc_presence_complete(view->store)) {
		find_absent_data(view, buffer, ranges);
		if (ranges->count)
			return 0;
	}
	r = dm_inc_refer_find(io, cached);
	if (r)
		return r;
	if (!dm_inc_presence_complete(view->store)) {
		dm_inc_refer_absent(view->store, buffer, ranges);
		if (ranges->count)
			return 0;
	}
	if (!io->bio)
		return 0;
	/* Mostly no program has asked for it; then it costs a read nothing. */
	if (READ_ONCE(view->store->used))
		use_data(view, buffer);
	return hold_dictionaries(io, cached) ?:
	       dm_inc_verity_digests(view, io->block, io->blocks, buffer->digests,
				     cached, &buffer->damage);
}

/* The same, as a lookup that learns of later clears: see clear.c. */
static int look_up(struct inc_io *io, struct inc_ranges *ranges,
		   bool *metadata, bool cached)
{
	struct inc_store *store = io->view->store;
	int r, section;

	ranges->count = 0;
	section = srcu_read_lock(&store->readers);
	io->seen = dm_inc_history_seq(store);
	r = look_up_steps(io, ranges, metadata, cached);
	srcu_read_unlock(&store->readers, section);
	return r;
}

/* Returns true if the read waits: it is no longer ours. */
static bool prepare(struct inc_io *io)
{
	struct inc_ranges ranges;
	bool metadata;
	int r;

	r = look_up(io, &ranges, &metadata, false);
	if (ranges.count)
		return miss(io, &ranges, metadata);
	if (end_step(io, r))
		return true;
	io->prepared = !r;
	return false;
}

/*
 * In the reader's context. Returns true if the read waits: it is no longer ours.
 * Unless io->prepared is true, a worker must look otherwise.
 */
static bool prepare_cached(struct inc_io *io)
{
	struct inc_view *view = io->view;
	struct inc_ranges ranges;
	u32 blocks = io->blocks;
	u64 block = io->block;
	bool metadata;
	int r;

	r = look_up(io, &ranges, &metadata, true);
	io->prepared = !r && !ranges.count;
	if (!ranges.count || may_not_wait(io))
		return false;
	dm_inc_buffer_return(view, io->buffer);
	if (!dm_inc_wait_try(view->store, io, &ranges))
		return false;
	trace_miss(view, block, blocks, &ranges, false);
	return true;
}

/*
 * With its bio, or as the last window, the read releases the view, its buffers
 * and its store, which it has kept. It must not touch these after that. (The read
 * that dm_inc_buffer_return() queues is another one, which keeps them by itself.)
 */
static void end_io(struct inc_io *io)
{
	struct inc_view *view = io->view;
	struct bio *bio = io->bio;

	if (io->buffer)
		dm_inc_buffer_return(view, io->buffer);
	if (!io->status)
		atomic64_add(io->healing, &view->store->nr_healed);
	if (bio) {
		/* The pages are not up to date; but nothing unverified stays in them. */
		if (io->status && io->in_place)
			zero_fill_bio(bio);
		bio->bi_status = io->status;
		bio_endio(bio);
		return;
	}
	kfree(io);
	end_window(view);
}

/*
 * Go on with block @start of the read. Returns true while bios are in flight, or
 * if the read waits.
 */
static bool run_batches(struct inc_io *io, u32 start)
{
	struct inc_buffer *buffer = io->buffer;

	if (!start && dm_inc_deliver_kept(io))
		return false;
	while (start < io->blocks) {
		dm_inc_batch_plan(buffer, start);
		if (buffer->nr_runs) {
			dm_inc_batch_submit(buffer);
			return true;
		}
		/* Nothing but zeros. */
		if (end_step(io, dm_inc_deliver(io)))
			return true;
		if (!io->prepared || io->status)
			break;
		start = buffer->end;
	}
	return false;
}

/* On the view's workqueue: from where the read was put aside. */
static void run_io(struct work_struct *work)
{
	struct inc_io *io = container_of(work, struct inc_io, work);
	u32 start = 0;

	if (io->status)
		goto out;	/* its wait has ended without success */
	if (!io->buffer && !dm_inc_buffer_get(io->view, io))
		return;
	if (io->prepared) {
		if (end_step(io, dm_inc_batch_end(io->buffer) ?: dm_inc_deliver(io)))
			return;
		/* Else it starts over, or is over, maybe without the buffer. */
		if (io->prepared)
			start = io->buffer->end;
	}
	for (;;) {
		if (!io->prepared && !io->status) {
			start = 0;
			if (prepare(io))
				return;
		}
		if (io->status || !io->bio)
			break;
		if (!io->prepared)
			continue;	/* damage: once more */
		if (run_batches(io, start))
			return;
		if (io->prepared)
			break;
	}
out:
	end_io(io);
}

/**
 * dm_inc_read_init - prepare a read
 * @io: filled in; dm_inc_read_start() starts it
 * @view: the view to read
 * @bio: receives @blocks blocks and is ended; NULL for a read that just leaves
 *	a hint, whose @io was allocated with kmalloc() and is freed
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 */
void dm_inc_read_init(struct inc_io *io, struct inc_view *view, struct bio *bio,
		      u64 block, u32 blocks)
{
	unsigned int i;

	INIT_WORK(&io->work, run_io);
	io->view = view;
	io->bio = bio;
	io->block = block;
	io->blocks = blocks;
	io->reader.pid = current->tgid;
	io->reader.tid = current->pid;
	io->reader.uid = current_uid();
	if (bio)
		io->iter = bio->bi_iter;
	io->status = BLK_STS_OK;
	io->buffer = NULL;
	io->prepared = false;
	io->in_place = false;
	io->started = false;
	io->born = dm_inc_history_seq(view->store);
	io->healing = 0;
	io->retries = 0;
	io->nr_links = 0;
	for (i = 0; i < INC_LINKS; i++)
		io->links[i].want = NULL;
}

/**
 * dm_inc_read_start - start a read
 * @io: from dm_inc_read_init(), with a bio; belongs to the read from now on
 *
 * Context: process; may be called while bios are submitted: it waits for no I/O,
 * no memory and no loader, at the most for a lock of dm-bufio's.
 */
void dm_inc_read_start(struct inc_io *io)
{
	struct inc_view *view = io->view;

	if (dm_inc_buffer_take(view, io)) {
		if (prepare_cached(io))
			return;
		if (io->prepared && dm_inc_deliver_is_kept(io)) {
			dm_inc_batch_none(io->buffer);
			queue_work(view->wq, &io->work);
			return;
		}
		if (io->prepared) {
			dm_inc_batch_plan(io->buffer, 0);
			if (io->buffer->nr_runs) {
				dm_inc_batch_submit(io->buffer);
				return;
			}
		}
		/* A worker starts again, with the buffer if there is one. */
		io->prepared = false;
	}
	queue_work(view->wq, &io->work);
}

/**
 * dm_inc_read_wait_windows - wait until no readahead window is left
 * @view: none of its bios is in flight, and dm_inc_wait_drop_view() has been called,
 *	so that no window waits for a loader; or it was never used
 *
 * Context: process; sleeps, as long as windows read metadata.
 */
void dm_inc_read_wait_windows(struct inc_view *view)
{
	wait_event(view->windows_wait, !atomic_read(&view->nr_windows));
}
