// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of the virtual device.
 *
 * A read goes through these steps. Each of the first two may find chunks
 * absent; the read then waits for them and starts again from step 1.
 *
 *	1. the map pages and tree pages of its blocks are present
 *	2. the map entries name extents, and those are present, as are the
 *	   dictionaries that they are expanded with
 *	3. the digests of its blocks are copied from verified tree pages
 *	4. the extents are read: neighbours in the file in one bio, several
 *	   bios at a time, as many as the read's buffer holds (a "batch")
 *	5. each cluster is expanded into a private buffer, each block hashed
 *	   there, then copied to the reader's pages: these may change under
 *	   us (O_DIRECT), and never get a byte that was not verified
 *
 * Where all metadata is cached, steps 1 to 4 happen in the reader's context
 * (inc_read_start()), without sleeping. Else a worker does them, which may
 * sleep for metadata and memory. Step 5 is always a worker's. Nobody sleeps for
 * data or for a loader: the read is put aside, and its work is queued when it
 * can go on.
 *
 * Steps 1 to 3 are the read's lookup, in a section of store->readers: see
 * clear.c. If something proves bad in step 2, 3 or 5, the read may start again
 * from step 1 as well: see heal.c.
 *
 * What a read needs beyond metadata is allocated beforehand (struct
 * inc_buffer). A read that finds no buffer free is put aside, too, until one
 * is returned; it needs no worker to wait in, and the reads that have the
 * buffers need nothing that it holds.
 */
#include <linux/blkdev.h>
#include <linux/lz4.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dm-incremental.h"
#include "trace.h"

/* Room for one stored cluster of 256 KiB at any alignment, and some. */
#define INPUT_BYTES	(272u << 10)
#define INPUT_PAGES	DIV_ROUND_UP(INPUT_BYTES, PAGE_SIZE)
#define RUNS_MAX	16	/* bios of one batch */

/* Of the reader's bio, what its own bios carry on. */
#define KEEP_FLAGS	(REQ_META | REQ_PRIO | REQ_SYNC | REQ_IDLE)

/* Readahead windows that wait for their map; see leave_hint(). */
#define WINDOWS_MAX	64

/**
 * struct inc_buffer - what a read has from step 1 to its end
 * @list: on view->free_buffers
 * @io: the read
 * @pages: where extents are read to
 * @vecs: for @bios; each is 4096 bytes or more
 * @bios: one for each run
 * @nr_runs: of @bios in use
 * @nr_vecs: of @vecs in use
 * @used: bytes of @input in use
 * @run_start: where in the file the last run starts
 * @run_end: and ends
 * @start: first block of the batch
 * @end: block after its last
 * @pending: bios in flight
 * @status: of a bio that failed
 * @input: @pages, mapped one after the other
 * @output: room for the largest cluster
 * @entries: of each block of the read, from the map
 * @extents: of each block, decoded from @entries
 * @source: of each block, where in @input its extent starts
 * @digests: of each block
 * @nr_dictionaries: number of @dictionaries
 * @dictionaries: held for the read
 * @dictionary: of each block that needs one, its number in @dictionaries
 * @damage: what the last try has found bad
 */
struct inc_buffer {
	struct list_head	list;
	struct inc_io		*io;
	struct page		*pages[INPUT_PAGES];
	struct bio_vec		vecs[INPUT_BYTES / INC_PAGE_SIZE];
	struct bio		*bios[RUNS_MAX];
	unsigned int		nr_runs;
	unsigned int		nr_vecs;
	u32			used;
	u64			run_start;
	u64			run_end;
	u32			start;
	u32			end;
	atomic_t		pending;
	blk_status_t		status;
	u8			*input;
	u8			*output;
	__le64			entries[INC_IO_BLOCKS];
	struct inc_extent	extents[INC_IO_BLOCKS];
	u32			source[INC_IO_BLOCKS];
	u8			digests[INC_IO_BLOCKS * INC_DIGEST_MAX];
	unsigned int		nr_dictionaries;
	struct inc_dictionary	*dictionaries[INC_IO_BLOCKS];
	u8			dictionary[INC_IO_BLOCKS];
	struct inc_damage	damage;
};

static struct inc_buffer *take_buffer(struct inc_view *view, struct inc_io *io,
				      bool wait)
{
	struct inc_buffer *buffer;

	spin_lock(&view->buffers_lock);
	buffer = list_first_entry_or_null(&view->free_buffers,
					  struct inc_buffer, list);
	if (buffer) {
		list_del(&buffer->list);
		buffer->io = io;
		io->buffer = buffer;
	} else if (wait) {
		list_add_tail(&io->waiting, &view->starved);
	}
	spin_unlock(&view->buffers_lock);
	return buffer;
}

static void drop_dictionaries(struct inc_buffer *buffer)
{
	while (buffer->nr_dictionaries)
		inc_dictionary_put(buffer->dictionaries[--buffer->nr_dictionaries]);
}

/* To the read that has waited longest for one, else to the pool. */
static void return_buffer(struct inc_view *view, struct inc_buffer *buffer)
{
	struct inc_io *io;

	drop_dictionaries(buffer);
	buffer->io->buffer = NULL;
	spin_lock(&view->buffers_lock);
	io = list_first_entry_or_null(&view->starved, struct inc_io, waiting);
	if (io) {
		list_del(&io->waiting);
		buffer->io = io;
		io->buffer = buffer;
	} else {
		list_add(&buffer->list, &view->free_buffers);
	}
	spin_unlock(&view->buffers_lock);
	if (io)
		queue_work(view->wq, &io->work);
}

/* Do blocks @i - 1 and @i of the read belong to the same cluster? */
static bool same_cluster(const struct inc_buffer *buffer, u32 i)
{
	u64 block = buffer->io->block + i;

	/* All blocks of a cluster carry the same entry; a zero one is alone. */
	return i && buffer->entries[i] == buffer->entries[i - 1] &&
	       inc_cluster_start(&buffer->extents[i], block) != block;
}

static void find_absent_data(struct inc_view *view,
			     const struct inc_buffer *buffer,
			     struct inc_ranges *ranges)
{
	const struct inc_segment *seg, *last = NULL;
	u32 i;

	for (i = 0; i < buffer->io->blocks; i++) {
		if (buffer->extents[i].codec != INC_CODEC_LZ4_DICT)
			continue;
		seg = inc_store_segment(view->store, buffer->extents[i].offset);
		if (seg != last)
			inc_ranges_add(view->store, ranges,
				       seg->dictionary_offset,
				       seg->dictionary_size);
		last = seg;
	}
	for (i = 0; i < buffer->io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];

		if (extent->codec != INC_CODEC_ZERO &&
		    !same_cluster(buffer, i))
			inc_ranges_add(view->store, ranges, extent->offset,
				       extent->length);
	}
}

static bool may_not_wait(const struct inc_io *io)
{
	return !io->bio || (io->bio->bi_opf & REQ_RAHEAD &&
			    !io->view->fetch_readahead);
}

/*
 * A step of the read has ended with @r. If it found damage, the read starts
 * over (io->prepared is false and io->status not set) or is over.
 */
static void end_step(struct inc_io *io, int r)
{
	if (r != -EBADMSG) {
		io->status = errno_to_blk_status(r);
		return;
	}
	if (!io->bio) {
		io->status = BLK_STS_IOERR;	/* a read will look, if any */
		return;
	}
	if (!inc_heal(io, &io->buffer->damage, !may_not_wait(io)))
		return;
	io->prepared = false;
	io->iter = io->bio->bi_iter;
}

static void trace_miss(struct inc_view *view, const struct inc_io *io,
		       const struct inc_ranges *ranges, bool hint)
{
	u32 shift = view->store->chunk_shift;
	u64 first = ranges->range[0].first;

	trace_incremental_miss(view->store->bdev_dev, io->block, io->blocks,
			       first << shift,
			       (ranges->range[0].last - first + 1) << shift,
			       ranges->count, hint);
}

/*
 * A readahead that meets absent data fails at once, and leaves a hint for its
 * whole window. Which data that is takes the map: where the map is absent,
 * too, a copy of the read without a bio (a "window") waits for it in the
 * bio's place and leaves the hint when it has come.
 */
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
	inc_read_init(window, view, NULL, io->block, io->blocks);
	if (!inc_wait_for(view->store, window, ranges)) {
		kfree(window);
		goto no_window;
	}
	return true;

no_window:
	atomic_dec(&view->nr_windows);
	return false;
}

/* @ranges are absent. Returns true if the read waits: it is no longer ours. */
static bool miss(struct inc_io *io, const struct inc_ranges *ranges,
		 bool metadata)
{
	struct inc_view *view = io->view;
	bool hint = may_not_wait(io) && !(metadata && !io->bio);

	trace_miss(view, io, ranges, hint);
	/* Who waits may wait long: the buffer is for those that can go on. */
	return_buffer(view, io->buffer);
	if (!hint)
		return inc_wait_for(view->store, io, ranges);
	if (!metadata || !start_window(view, io, ranges))
		inc_wait_hint(view->store, ranges);
	io->status = BLK_STS_AGAIN;
	return false;
}

static int hold_dictionaries(struct inc_io *io, bool cached)
{
	struct inc_store *store = io->view->store;
	struct inc_buffer *buffer = io->buffer;
	const struct inc_segment *seg, *last = NULL;
	u32 i;

	for (i = 0; i < io->blocks; i++) {
		if (buffer->extents[i].codec != INC_CODEC_LZ4_DICT)
			continue;
		seg = inc_store_segment(store, buffer->extents[i].offset);
		if (seg != last) {
			struct inc_dictionary *dictionary;

			dictionary = inc_dictionary_get(store, seg, cached);
			if (IS_ERR(dictionary))
				return PTR_ERR(dictionary);
			buffer->dictionaries[buffer->nr_dictionaries++] =
				dictionary;
			last = seg;
		}
		buffer->dictionary[i] = buffer->nr_dictionaries - 1;
	}
	return 0;
}

/*
 * Steps 1 to 3; with @cached, with what is cached and without sleeping. Adds
 * what is absent to @ranges, metadata alone if any is. Return: 0, -EBADMSG with
 * buffer->damage filled in, or another errno; -EAGAIN is from @cached.
 */
static int look_up(struct inc_io *io, struct inc_ranges *ranges,
		   bool *metadata, bool cached)
{
	struct inc_buffer *buffer = io->buffer;
	struct inc_view *view = io->view;
	int r;

	buffer->damage.count = 0;
	drop_dictionaries(buffer);
	*metadata = true;
	/* What is present stays so in this section: so does "complete". */
	if (!inc_presence_complete(view->store)) {
		inc_view_absent(view, io->block, io->blocks, ranges);
		if (ranges->count)
			return 0;
	}
	r = inc_view_extents(view, io->block, io->blocks, buffer->entries,
			     buffer->extents, cached, &buffer->damage);
	if (r)
		return r;
	*metadata = false;
	if (!inc_presence_complete(view->store)) {
		find_absent_data(view, buffer, ranges);
		if (ranges->count)
			return 0;
	}
	if (!io->bio)
		return 0;
	return hold_dictionaries(io, cached) ?:
	       inc_verity_digests(view, io->block, io->blocks, buffer->digests,
				  cached, &buffer->damage);
}

/* Returns true if the read waits: it is no longer ours. */
static bool prepare(struct inc_io *io)
{
	struct inc_store *store = io->view->store;
	struct inc_ranges ranges = { 0 };
	bool metadata;
	int r, section;

	section = srcu_read_lock(&store->readers);
	io->seen = inc_clear_seq(store);
	r = look_up(io, &ranges, &metadata, false);
	srcu_read_unlock(&store->readers, section);
	if (ranges.count)
		return miss(io, &ranges, metadata);
	end_step(io, r);
	io->prepared = !r;
	return false;
}

/* In the reader's context. Returns false if a worker must look. */
static bool prepare_cached(struct inc_io *io)
{
	struct inc_store *store = io->view->store;
	struct inc_ranges ranges = { 0 };
	bool metadata;
	int r, section;

	section = srcu_read_lock(&store->readers);
	io->seen = inc_clear_seq(store);
	r = look_up(io, &ranges, &metadata, true);
	srcu_read_unlock(&store->readers, section);
	io->prepared = !r && !ranges.count;
	return io->prepared;
}

static void end_run(struct bio *bio)
{
	struct inc_buffer *buffer = bio->bi_private;
	struct inc_io *io = buffer->io;

	if (bio->bi_status)
		buffer->status = bio->bi_status;
	if (atomic_dec_and_test(&buffer->pending))
		queue_work(io->view->wq, &io->work);
}

static struct bio *start_run(struct inc_buffer *buffer, u64 from)
{
	struct inc_io *io = buffer->io;
	struct bio *bio = buffer->bios[buffer->nr_runs++];

	inc_store_bio_init(io->view->store, bio, buffer->vecs + buffer->nr_vecs,
			   ARRAY_SIZE(buffer->vecs) - buffer->nr_vecs,
			   REQ_OP_READ | (io->bio->bi_opf & KEEP_FLAGS), from);
	/* On behalf of the reader, whoever submits it. */
	bio->bi_ioprio = io->bio->bi_ioprio;
	bio_clone_blkg_association(bio, io->bio);
	bio->bi_end_io = end_run;
	bio->bi_private = buffer;
	buffer->run_start = from;
	buffer->run_end = from;
	return bio;
}

/*
 * Make room for the file pages [from, to) in the batch, in its last run if
 * they touch it. Sets @at to where @from's bytes will be in the input. False:
 * the batch is full.
 */
static bool add_to_batch(struct inc_buffer *buffer, u64 from, u64 to, u32 *at)
{
	u32 room = INPUT_BYTES - buffer->used;
	struct bio *bio;

	if (buffer->nr_runs && from >= buffer->run_start &&
	    from <= buffer->run_end) {
		if (to > buffer->run_end && to - buffer->run_end > room)
			return false;
		bio = buffer->bios[buffer->nr_runs - 1];
	} else {
		if (buffer->nr_runs == RUNS_MAX || to - from > room)
			return false;
		bio = start_run(buffer, from);
	}

	*at = buffer->used - (u32)(buffer->run_end - from);
	while (buffer->run_end < to) {
		u32 offset = buffer->used & (PAGE_SIZE - 1);
		u32 bytes = min_t(u64, to - buffer->run_end,
				  PAGE_SIZE - offset);

		__bio_add_page(bio, buffer->pages[buffer->used / PAGE_SIZE],
			       bytes, offset);
		buffer->nr_vecs++;
		buffer->used += bytes;
		buffer->run_end += bytes;
	}
	return true;
}

/* The batch that starts with block @start of the read; it may need no bio. */
static void plan_batch(struct inc_buffer *buffer, u32 start)
{
	u32 i, at = 0;

	buffer->nr_runs = 0;
	buffer->nr_vecs = 0;
	buffer->used = 0;
	buffer->status = BLK_STS_OK;
	buffer->start = start;
	for (i = start; i < buffer->io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];
		u64 from = round_down(extent->offset, INC_PAGE_SIZE);
		u64 to = round_up(extent->offset + extent->length,
				  INC_PAGE_SIZE);

		if (extent->codec == INC_CODEC_ZERO)
			continue;
		if (i > start && same_cluster(buffer, i)) {
			buffer->source[i] = buffer->source[i - 1];
			continue;
		}
		if (!add_to_batch(buffer, from, to, &at))
			break;
		buffer->source[i] = at + (u32)(extent->offset - from);
	}
	buffer->end = i;
}

/*
 * Step 4. The work is queued when the bios have ended, maybe before this
 * returns: the read must not be touched any more.
 */
static void submit_batch(struct inc_buffer *buffer)
{
	unsigned int n, nr_runs = buffer->nr_runs;
	struct bio *bios[RUNS_MAX];
	struct blk_plug plug;

	memcpy(bios, buffer->bios, sizeof(bios));
	atomic_set(&buffer->pending, nr_runs);
	blk_start_plug(&plug);
	for (n = 0; n < nr_runs; n++)
		submit_bio_noacct(bios[n]);
	blk_finish_plug(&plug);
}

static int end_batch(struct inc_buffer *buffer)
{
	unsigned int n;

	for (n = 0; n < buffer->nr_runs; n++)
		bio_uninit(buffer->bios[n]);
	invalidate_kernel_vmap_range(buffer->input, buffer->used);
	return blk_status_to_errno(buffer->status);
}

/*
 * Copy @length bytes to what is left of the reader's bio; NULL copies zeros.
 */
static void copy_out(struct inc_io *io, const u8 *data, u32 length)
{
	while (length) {
		struct bio_vec vec = bio_iter_iovec(io->bio, io->iter);
		u32 bytes = min(vec.bv_len, length);

		if (data) {
			memcpy_to_page(vec.bv_page, vec.bv_offset, data, bytes);
			data += bytes;
		} else {
			memzero_page(vec.bv_page, vec.bv_offset, bytes);
		}
		bio_advance_iter_single(io->bio, &io->iter, bytes);
		length -= bytes;
	}
}

/*
 * Expand the cluster of block @i up to its byte @end. Returns the cluster's
 * bytes, or NULL if they are malformed.
 */
static const u8 *expand(struct inc_buffer *buffer, u32 i, u32 end)
{
	const struct inc_extent *extent = &buffer->extents[i];
	const u8 *source = buffer->input + buffer->source[i];
	u32 bytes = inc_cluster_bytes(extent);
	int r;

	/* The map is hostile: nothing past the cluster, whatever it says. */
	if (end > bytes)
		return NULL;
	if (extent->codec == INC_CODEC_STORED)
		return source;
	if (extent->codec == INC_CODEC_LZ4_DICT) {
		const struct inc_dictionary *dictionary =
			buffer->dictionaries[buffer->dictionary[i]];

		r = LZ4_decompress_safe_usingDict(source, buffer->output,
						  extent->length, bytes,
						  dictionary->data,
						  dictionary->size);
	} else if (end < bytes) {
		r = LZ4_decompress_safe_partial(source, buffer->output,
						extent->length, end, bytes);
	} else {
		r = LZ4_decompress_safe(source, buffer->output, extent->length,
					bytes);
	}
	return r >= 0 && (u32)r >= end ? buffer->output : NULL;
}

static void note_bad_data(struct inc_io *io, u32 i)
{
	const struct inc_extent *extent = &io->buffer->extents[i];
	struct inc_bad bad = { .what = "data", .block = io->block + i,
			       .offset = extent->offset,
			       .length = extent->length, .mapped = true };

	if (extent->codec == INC_CODEC_LZ4_DICT)
		bad.dictionary = inc_store_segment(io->view->store,
						   extent->offset);
	inc_damage_add(&io->buffer->damage, &bad);
}

/*
 * Step 5 for the blocks of the batch, whose extents are in the input. All of
 * them are looked at, so that what is bad can be fetched again at a time.
 */
static int deliver(struct inc_io *io)
{
	struct inc_buffer *buffer = io->buffer;
	struct inc_view *view = io->view;
	struct inc_verity *verity = &view->verity;
	u32 start = buffer->start, end = buffer->end;
	const u8 *cluster = NULL;
	u32 i, j;
	int r;

	for (i = start; i < end; i++) {
		const struct inc_extent *extent = &buffer->extents[i];
		const u8 *digest = buffer->digests +
				   (i << view->segment->tree.digest_shift);
		u64 block = io->block + i;
		u32 at;

		if (extent->codec == INC_CODEC_ZERO) {
			if (memcmp(digest, verity->zero_digest,
				   verity->digest_size))
				inc_view_bad_entry(view, block,
						   &buffer->damage);
			copy_out(io, NULL, INC_BLOCK_SIZE);
			continue;
		}
		at = (u32)(block - inc_cluster_start(extent, block)) <<
		     INC_BLOCK_SHIFT;
		if (i == start || !same_cluster(buffer, i)) {
			for (j = i + 1; j < end && same_cluster(buffer, j);)
				j++;
			cluster = expand(buffer, i,
					 at + ((j - i) << INC_BLOCK_SHIFT));
		}
		r = cluster ? inc_verity_block(verity, cluster + at, digest) :
			      -EBADMSG;
		if (r && r != -EBADMSG)
			return r;
		if (r)
			note_bad_data(io, i);
		copy_out(io, r ? NULL : cluster + at, INC_BLOCK_SIZE);
	}
	return buffer->damage.count ? -EBADMSG : 0;
}

static void end_io(struct inc_io *io)
{
	struct bio *bio = io->bio;

	if (io->buffer)
		return_buffer(io->view, io->buffer);
	inc_heal_end(io);
	if (!io->status)
		atomic64_add(io->healing, &io->view->store->nr_healed);
	if (bio) {
		bio->bi_status = io->status;
		bio_endio(bio);
		return;
	}
	atomic_dec(&io->view->nr_windows);
	kfree(io);
}

/* Go on with block @start of the read. Returns true while bios are in flight. */
static bool run_batches(struct inc_io *io, u32 start)
{
	struct inc_buffer *buffer = io->buffer;

	for (; start < io->blocks && io->prepared && !io->status;
	     start = buffer->end) {
		plan_batch(buffer, start);
		if (buffer->nr_runs) {
			submit_batch(buffer);
			return true;
		}
		/* Nothing but zeros. */
		end_step(io, deliver(io));
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
	if (!io->buffer && !take_buffer(io->view, io, true))
		return;
	if (io->prepared) {
		end_step(io, end_batch(io->buffer) ?: deliver(io));
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
 * inc_read_init - prepare a read
 * @io: filled in; inc_read_start() starts it
 * @view: what is read
 * @bio: receives @blocks blocks and is ended; NULL for a read that just leaves
 *	a hint, whose @io was allocated with kmalloc() and is freed
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 */
void inc_read_init(struct inc_io *io, struct inc_view *view, struct bio *bio,
		   u64 block, u32 blocks)
{
	unsigned int i;

	INIT_WORK(&io->work, run_io);
	io->view = view;
	io->bio = bio;
	io->block = block;
	io->blocks = blocks;
	if (bio)
		io->iter = bio->bi_iter;
	io->status = BLK_STS_OK;
	io->buffer = NULL;
	io->prepared = false;
	io->started = false;
	io->born = inc_clear_seq(view->store);
	io->undo_to = 0;
	io->healing = 0;
	io->retries = 0;
	io->nr_links = 0;
	for (i = 0; i < INC_LINKS; i++)
		io->links[i].want = NULL;
}

/**
 * inc_read_start - start a read
 * @io: from inc_read_init(), with a bio; belongs to the read from now on
 *
 * Context: process; does not sleep, may be called while bios are submitted.
 */
void inc_read_start(struct inc_io *io)
{
	struct inc_view *view = io->view;

	if (take_buffer(view, io, false)) {
		if (prepare_cached(io)) {
			plan_batch(io->buffer, 0);
			if (io->buffer->nr_runs) {
				submit_batch(io->buffer);
				return;
			}
		}
		/* A worker starts again, with the buffer. */
		io->prepared = false;
	}
	queue_work(view->wq, &io->work);
}

static void free_buffer(struct inc_buffer *buffer)
{
	unsigned int i;

	vunmap(buffer->input);
	for (i = 0; i < INPUT_PAGES; i++)
		if (buffer->pages[i])
			__free_page(buffer->pages[i]);
	for (i = 0; i < RUNS_MAX; i++)
		kfree(buffer->bios[i]);
	kvfree(buffer->output);
	kvfree(buffer);
}

static struct inc_buffer *alloc_buffer(u32 cluster_shift)
{
	struct inc_buffer *buffer = kvzalloc(sizeof(*buffer), GFP_KERNEL);
	unsigned int i;

	if (!buffer)
		return NULL;
	for (i = 0; i < INPUT_PAGES; i++) {
		buffer->pages[i] = alloc_page(GFP_KERNEL);
		if (!buffer->pages[i])
			goto bad;
	}
	for (i = 0; i < RUNS_MAX; i++) {
		buffer->bios[i] = bio_kmalloc(0, GFP_KERNEL);
		if (!buffer->bios[i])
			goto bad;
	}
	buffer->input = vmap(buffer->pages, INPUT_PAGES, VM_MAP, PAGE_KERNEL);
	buffer->output = kvmalloc(INC_BLOCK_SIZE << cluster_shift, GFP_KERNEL);
	if (buffer->input && buffer->output)
		return buffer;
bad:
	free_buffer(buffer);
	return NULL;
}

/**
 * inc_read_alloc - allocate what reads of a view need
 * @view: being opened; its segment is set
 *
 * Return: 0 or -ENOMEM; on failure, too, inc_read_free() frees what there is.
 */
int inc_read_alloc(struct inc_view *view)
{
	unsigned int i;

	view->nr_buffers = clamp(2 * num_online_cpus(), 4u, 16u);
	for (i = 0; i < view->nr_buffers; i++) {
		struct inc_buffer *buffer;

		buffer = alloc_buffer(view->segment->cluster_shift);
		if (!buffer)
			return -ENOMEM;
		list_add(&buffer->list, &view->free_buffers);
	}
	return 0;
}

/**
 * inc_read_free - free what inc_read_alloc() allocated
 * @view: no read is in flight
 */
void inc_read_free(struct inc_view *view)
{
	struct inc_buffer *buffer, *next;

	list_for_each_entry_safe(buffer, next, &view->free_buffers, list)
		free_buffer(buffer);
}
