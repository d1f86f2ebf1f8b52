// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers of reads, and reading extents: as many at a time as fit into a
 * buffer (a "batch"), neighbours in the file in one bio (a "run").
 *
 * Each view has a buffer of its own, its reserve, from when it is opened: so that
 * its reads go on whatever the memory is like, and whatever other devices wait
 * for, as one of these may be below this one. It is small, and enough for the
 * reads that are small. For others, and for more at a time, a worker allocates
 * buffers; it does not wait for that, since it has the reserve to fall back on.
 * When they are returned they become spare ones, for all views. Those of which no
 * read has had a use for SPARES_KEEP are freed.
 *
 * So a read in the reader's context allocates nothing: it takes a buffer that is
 * there, or leaves that to a worker.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "backing.h"
#include "batch.h"
#include "segments.h"

/* Flags of the reader's bio that the bios of its runs carry, too. */
#define KEEP_FLAGS	(REQ_META | REQ_PRIO | REQ_SYNC | REQ_IDLE)

/* Input of a reserve: two pages of each extent of the largest small read. */
#define SMALL_BLOCKS	4
#define RESERVE_BYTES	(2 * SMALL_BLOCKS * INC_PAGE_SIZE)

/*
 * Input for an extent that refers to others, and these: each may begin and end within
 * a page. RUNS_MAX bios do for them.
 */
#define REFERRING_BYTES	((INC_REFERENCES_REACH) + \
			 (INC_REFERENCES_MAX + 1) * INC_PAGE_SIZE)
static_assert(REFERRING_BYTES <= INPUT_BYTES);
static_assert(INC_REFERENCES_MAX < RUNS_MAX);

#define SPARES_MAX	16u
#define SPARES_KEEP	(5 * HZ)

static DEFINE_MUTEX(views_mutex);	/* nr_views, over the last one's end */
static unsigned int nr_views;

static DEFINE_SPINLOCK(spares_lock);	/* the rest */
static LIST_HEAD(spares);		/* used last first */
static unsigned int nr_spares;
static unsigned int nr_unused;		/* the fewest there were since the last tick */

static void free_spares(unsigned int count)
{
	struct inc_buffer *buffer, *next;
	LIST_HEAD(old);

	spin_lock(&spares_lock);
	for (count = min(count, nr_spares); count; count--, nr_spares--)
		list_move(spares.prev, &old);
	nr_unused = nr_spares;
	spin_unlock(&spares_lock);
	list_for_each_entry_safe(buffer, next, &old, list)
		vfree(buffer->input);
}

static void spares_tick(struct work_struct *work);
static DECLARE_DELAYED_WORK(spares_work, spares_tick);

static void spares_tick(struct work_struct *work)
{
	free_spares(READ_ONCE(nr_unused));
	if (READ_ONCE(nr_spares))
		schedule_delayed_work(&spares_work, SPARES_KEEP);
}

static struct inc_buffer *take_spare(void)
{
	struct inc_buffer *buffer;

	spin_lock(&spares_lock);
	buffer = list_first_entry_or_null(&spares, struct inc_buffer, list);
	if (buffer) {
		list_del(&buffer->list);
		nr_spares--;
		nr_unused = min(nr_unused, nr_spares);
	}
	spin_unlock(&spares_lock);
	return buffer;
}

static void put_spare(struct inc_buffer *buffer)
{
	bool keep;

	spin_lock(&spares_lock);
	keep = nr_spares < SPARES_MAX;
	if (keep) {
		list_add(&buffer->list, &spares);
		nr_spares++;
	}
	spin_unlock(&spares_lock);
	if (!keep)
		vfree(buffer->input);
	else if (!delayed_work_pending(&spares_work))
		schedule_delayed_work(&spares_work, SPARES_KEEP);
}

/*
 * One piece of memory: the input, and behind it the rest. With @refers it has room for what
 * extents refer to.
 */
static struct inc_buffer *alloc_buffer(u32 input_size, bool refers, gfp_t flags)
{
	size_t room = refers ? sizeof(struct inc_referred[INC_IO_BLOCKS]) : 0;
	struct inc_buffer *buffer;
	u32 pages = DIV_ROUND_UP(input_size, PAGE_SIZE), i;
	u8 *input;

	input = __vmalloc(pages * PAGE_SIZE + sizeof(*buffer) + room, flags);
	if (!input)
		return NULL;
	buffer = (struct inc_buffer *)(input + pages * PAGE_SIZE);
	memset(buffer, 0, sizeof(*buffer));
	buffer->input = input;
	buffer->input_size = input_size;
	if (refers)
		buffer->referred = (struct inc_referred *)(buffer + 1);
	for (i = 0; i < pages; i++)
		buffer->pages[i] = vmalloc_to_page(input + i * PAGE_SIZE);
	return buffer;
}

/* With view->buffers_lock. */
static struct inc_buffer *take_reserve(struct inc_view *view)
{
	struct inc_buffer *buffer = view->reserve;

	view->reserve = NULL;
	return buffer;
}

static void give(struct inc_buffer *buffer, struct inc_io *io)
{
	buffer->io = io;
	io->buffer = buffer;
}

/*
 * A buffer of those that are there. NULL if there is none, or just the reserve for
 * a read that it is small for; then *may_alloc says if the view may have another.
 */
static struct inc_buffer *take_ready(struct inc_view *view, struct inc_io *io,
				     bool *may_alloc)
{
	struct inc_buffer *buffer = NULL;

	*may_alloc = view->nr_taken < view->nr_buffers;
	if (!*may_alloc)
		return NULL;
	/* Without a bio it reads metadata alone. */
	if (io->blocks <= SMALL_BLOCKS || !io->bio)
		buffer = take_reserve(view);
	if (!buffer)
		buffer = take_spare();
	return buffer;
}

/**
 * dm_inc_buffer_take - a buffer for a read, without a wait
 * @view: the read's view
 * @io: gets it
 *
 * Context: any, but no interrupt. Return: the buffer, or NULL if a worker must look
 * for one.
 */
struct inc_buffer *dm_inc_buffer_take(struct inc_view *view, struct inc_io *io)
{
	struct inc_buffer *buffer;
	bool ignored;

	spin_lock(&view->buffers_lock);
	buffer = take_ready(view, io, &ignored);
	if (buffer) {
		view->nr_taken++;
		give(buffer, io);
	}
	spin_unlock(&view->buffers_lock);
	return buffer;
}

/**
 * dm_inc_buffer_get - a buffer for a read, or its turn to have one
 * @view: the read's view
 * @io: gets it; if there is none @io's work is queued once it has got one
 *
 * Context: a worker. Return: the buffer, or NULL if the read waits: it is no longer
 * the caller's.
 */
struct inc_buffer *dm_inc_buffer_get(struct inc_view *view, struct inc_io *io)
{
	struct inc_buffer *buffer;
	bool may_alloc;

	spin_lock(&view->buffers_lock);
	buffer = take_ready(view, io, &may_alloc);
	if (!buffer && may_alloc) {
		view->nr_taken++;
		spin_unlock(&view->buffers_lock);
		buffer = alloc_buffer(INPUT_BYTES, true,
				      GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
		spin_lock(&view->buffers_lock);
		view->nr_taken--;
		if (!buffer)
			buffer = take_reserve(view);
	}
	/*
	 * A read that waits here gets one: those that the view may have, or the
	 * reserve, are with reads of the view, each of which returns its own.
	 */
	if (buffer) {
		view->nr_taken++;
		give(buffer, io);
	} else {
		list_add_tail(&io->waiting, &view->starved);
	}
	spin_unlock(&view->buffers_lock);
	return buffer;
}

/**
 * dm_inc_buffer_drop_dictionaries - put the dictionaries that a read holds
 * @buffer: the read's
 */
void dm_inc_buffer_drop_dictionaries(struct inc_buffer *buffer)
{
	while (buffer->nr_dictionaries)
		dm_inc_dictionary_put(buffer->dictionaries[--buffer->nr_dictionaries]);
}

/**
 * dm_inc_buffer_return - a read needs its buffer no more
 * @view: the read's view
 * @buffer: goes to the read that has waited longest for one, else to where it came
 *	from
 *
 * Context: a worker; may sleep.
 */
void dm_inc_buffer_return(struct inc_view *view, struct inc_buffer *buffer)
{
	struct inc_io *io;

	dm_inc_buffer_drop_dictionaries(buffer);
	buffer->io->buffer = NULL;
	spin_lock(&view->buffers_lock);
	io = list_first_entry_or_null(&view->starved, struct inc_io, waiting);
	if (io) {
		list_del(&io->waiting);
		give(buffer, io);
		buffer = NULL;
	} else {
		view->nr_taken--;
		if (buffer->reserve) {
			view->reserve = buffer;
			buffer = NULL;
		}
	}
	spin_unlock(&view->buffers_lock);
	if (io)
		queue_work(view->wq, &io->work);
	if (buffer)
		put_spare(buffer);
}

/* There can be no array of bios: they end in one of unknown size. */
static struct bio *run_bio(struct inc_buffer *buffer, unsigned int run)
{
	return (struct bio *)buffer->bios[run];
}

/* The read, and with it all that this uses, stays until its work has run. */
static void end_run(struct bio *bio)
{
	struct inc_buffer *buffer = bio->bi_private;
	struct inc_io *io = buffer->io;

	if (bio->bi_status)
		buffer->status = bio->bi_status;
	if (atomic_dec_and_test(&buffer->pending))
		queue_work(io->view->wq, &io->work);
}

static struct bio *start_run(struct inc_buffer *buffer, u64 from, u32 at)
{
	struct inc_io *io = buffer->io;
	struct bio *bio = run_bio(buffer, buffer->nr_runs++);

	dm_inc_backing_bio_init(io->view->store, bio, buffer->vecs + buffer->nr_vecs,
				ARRAY_SIZE(buffer->vecs) - buffer->nr_vecs,
				REQ_OP_READ | (io->bio->bi_opf & KEEP_FLAGS), from);
	/* On behalf of the reader, whichever task submits it. */
	bio->bi_ioprio = io->bio->bi_ioprio;
	bio_clone_blkg_association(bio, io->bio);
	bio->bi_end_io = end_run;
	bio->bi_private = buffer;
	buffer->run_start[buffer->nr_runs - 1] = from;
	buffer->run_end[buffer->nr_runs - 1] = from;
	buffer->run_at[buffer->nr_runs - 1] = at;
	return bio;
}

/*
 * Make room for the file pages [from, to) in the batch: none if a run has them, in
 * its last run if they touch it. Sets @at to where @from's bytes will be in the
 * input. False: the batch is full.
 */
static bool add_to_batch(struct inc_buffer *buffer, u64 from, u64 to, u32 *at)
{
	u32 room = min_t(u32, buffer->input_size - buffer->used,
			 (ARRAY_SIZE(buffer->vecs) - buffer->nr_vecs) * INC_PAGE_SIZE);
	struct bio *bio;
	unsigned int n;

	for (n = 0; n < buffer->nr_runs; n++) {
		if (buffer->run_at[n] == NO_INPUT ||
		    from < buffer->run_start[n] || to > buffer->run_end[n])
			continue;
		*at = buffer->run_at[n] + (u32)(from - buffer->run_start[n]);
		return true;
	}
	n = buffer->nr_runs - 1;
	if (buffer->nr_runs && buffer->run_at[n] != NO_INPUT &&
	    from >= buffer->run_start[n] && from <= buffer->run_end[n]) {
		if (to - buffer->run_end[n] > room)
			return false;
		bio = run_bio(buffer, n);
	} else {
		if (buffer->nr_runs == RUNS_MAX || to - from > room)
			return false;
		bio = start_run(buffer, from, buffer->used);
		n = buffer->nr_runs - 1;
	}

	*at = buffer->run_at[n] + (u32)(from - buffer->run_start[n]);
	while (buffer->run_end[n] < to) {
		u32 offset = buffer->used & (PAGE_SIZE - 1);
		u32 bytes = min_t(u64, to - buffer->run_end[n],
				  PAGE_SIZE - offset);

		__bio_add_page(bio, buffer->pages[buffer->used / PAGE_SIZE],
			       bytes, offset);
		buffer->nr_vecs++;
		buffer->used += bytes;
		buffer->run_end[n] += bytes;
	}
	return true;
}

/* Add an extent to the batch. Sets where in the input it will be. */
static bool add_extent(struct inc_buffer *buffer, const struct inc_extent *extent,
		       u32 *source)
{
	u64 from = round_down(extent->offset, INC_PAGE_SIZE);
	u64 to = round_up(extent->offset + extent->length, INC_PAGE_SIZE);
	u32 at = 0;

	if (!add_to_batch(buffer, from, to, &at))
		return false;
	*source = at + (u32)(extent->offset - from);
	return true;
}

/*
 * Add what an extent refers to. If it does not fit, a part is read that nothing needs;
 * an empty batch has room for any extent and its references.
 */
static bool add_references(struct inc_buffer *buffer, struct inc_referred *referred)
{
	u32 i;

	for (i = 0; i < referred->list.count; i++)
		if (!add_extent(buffer, &referred->list.extents[i],
				&referred->source[i]))
			return false;
	return true;
}

/*
 * Where the reader wants the block at @iter, if the file can be read to there before the
 * block was verified; else NULL. The reader's bio has REQ_RAHEAD.
 *
 * No one may see these bytes, and no one may change them, until the reader's bio ends,
 * which it does when all of them have been verified. That holds for pages that the page
 * cache reads ahead to:
 *
 *	- Filesystems and the page cache set REQ_RAHEAD. No read into the memory of a
 *	  program has it: neither O_DIRECT, nor io_uring, nor a loop device that reads
 *	  so. (dm, and other devices above this one, only hand it on.)
 *	- A locked folio that is not up to date and has a mapping is the page cache's,
 *	  and is being filled: reads, faults and splice wait for its lock, and then take
 *	  it if it is up to date. The task that locked it keeps the lock until the bio
 *	  ends, and makes it up to date only if that succeeds. A buffer head or iomap
 *	  may make a part of a folio up to date by itself; that takes the bio of this
 *	  part.
 *	- No page table has it; so no program can have pinned it by an address, as it
 *	  would for O_DIRECT.
 *	- The device is read-only. So only the bio's owner could write to the page, and
 *	  it waits for the bio.
 *
 * erofs reads compressed files to such pages mostly: of the files, or of its cache of
 * compressed clusters. Its other pages have no mapping. These, and all that do not look
 * like the above, get a copy.
 *
 * The flags are read without a lock. Those of the page cache's folio do not change until
 * the bio ends. Those of another one could; but the first rule alone keeps programs'
 * memory out, and a mapping is not followed.
 */
static u8 *find_place(const struct inc_io *io, struct bvec_iter iter)
{
	struct bio_vec vec = bio_iter_iovec(io->bio, iter);
	struct folio *folio = page_folio(vec.bv_page);

	if (PageHighMem(vec.bv_page) || vec.bv_len < INC_BLOCK_SIZE ||
	    vec.bv_offset % INC_BLOCK_SIZE)
		return NULL;
	if (!folio_test_locked(folio) || folio_test_uptodate(folio) ||
	    !folio_mapping(folio) || folio_mapped(folio))
		return NULL;
	return (u8 *)page_address(vec.bv_page) + vec.bv_offset;
}

/*
 * Find the places of the blocks [@first, @end) of the read, which are of one cluster.
 * False if they must be read to the input.
 */
static bool find_places(struct inc_buffer *buffer, u32 first, u32 end,
			struct bvec_iter iter)
{
	const struct inc_extent *extent = &buffer->extents[first];
	const struct inc_io *io = buffer->io;
	u64 last = io->block + end - 1;
	u32 i;

	if (!(io->bio->bi_opf & REQ_RAHEAD) || extent->codec != INC_CODEC_STORED ||
	    extent->offset % INC_PAGE_SIZE)
		return false;
	/* The map is hostile: read nothing past the cluster. */
	if (last - inc_cluster_start(extent, last) >= extent->length >> INC_BLOCK_SHIFT)
		return false;
	for (i = first; i < end; i++) {
		buffer->place[i] = find_place(io, iter);
		if (!buffer->place[i])
			return false;
		bio_advance_iter(io->bio, &iter, INC_BLOCK_SIZE);
	}
	return true;
}

/*
 * Add blocks [@first, @end) of the read, which have places. A run that is read to places
 * has no input, as several extents may use the same bytes of that. False: the batch is
 * full.
 */
static bool add_in_place(struct inc_buffer *buffer, u32 first, u32 end)
{
	const struct inc_extent *extent = &buffer->extents[first];
	u64 block = buffer->io->block + first;
	u64 from = extent->offset +
		   ((block - inc_cluster_start(extent, block)) << INC_BLOCK_SHIFT);
	unsigned int n = buffer->nr_runs - 1;
	struct bio *bio;

	if (end - first > ARRAY_SIZE(buffer->vecs) - buffer->nr_vecs)
		return false;
	if (buffer->nr_runs && buffer->run_at[n] == NO_INPUT &&
	    from == buffer->run_end[n]) {
		bio = run_bio(buffer, n);
	} else {
		if (buffer->nr_runs == RUNS_MAX)
			return false;
		bio = start_run(buffer, from, NO_INPUT);
		n = buffer->nr_runs - 1;
	}
	for (; first < end; first++) {
		u8 *place = buffer->place[first];

		__bio_add_page(bio, virt_to_page(place), INC_BLOCK_SIZE,
			       offset_in_page(place));
		buffer->nr_vecs++;
		buffer->run_end[n] += INC_BLOCK_SIZE;
	}
	buffer->io->in_place = true;
	return true;
}

/* Add an extent to the input, and what it refers to. False: the batch is full. */
static bool add_to_input(struct inc_buffer *buffer, u32 i)
{
	return add_extent(buffer, &buffer->extents[i], &buffer->source[i]) &&
	       (buffer->extents[i].codec != INC_CODEC_LZ4_REFERENCES ||
		add_references(buffer, &buffer->referred[buffer->refers[i]]));
}

/**
 * dm_inc_batch_none - an empty batch, before the first block
 * @buffer: a read's; its work goes on as if that had been read
 */
void dm_inc_batch_none(struct inc_buffer *buffer)
{
	buffer->nr_runs = 0;
	buffer->nr_vecs = 0;
	buffer->used = 0;
	buffer->status = BLK_STS_OK;
	buffer->start = 0;
	buffer->end = 0;
}

/**
 * dm_inc_batch_plan - choose the blocks of a read's next batch
 * @buffer: the read's; its extents are set
 * @start: first block, counted in the read; io->iter is there
 *
 * buffer->end is set to the block after the batch's last one. It may need no
 * bio: then buffer->nr_runs is 0.
 */
void dm_inc_batch_plan(struct inc_buffer *buffer, u32 start)
{
	struct inc_io *io = buffer->io;
	struct bvec_iter iter = io->iter;
	u32 i, j, end;

	dm_inc_batch_none(buffer);
	buffer->start = start;
	for (i = start; i < io->blocks; i = end) {
		for (end = i + 1; end < io->blocks && dm_inc_same_cluster(buffer, end);)
			end++;
		if (buffer->extents[i].codec == INC_CODEC_ZERO) {
			buffer->place[i] = NULL;
		} else if (find_places(buffer, i, end, iter)) {
			if (!add_in_place(buffer, i, end))
				break;
		} else {
			if (!add_to_input(buffer, i))
				break;
			for (j = i; j < end; j++) {
				buffer->source[j] = buffer->source[i];
				buffer->place[j] = NULL;
			}
		}
		bio_advance_iter(io->bio, &iter, (end - i) << INC_BLOCK_SHIFT);
	}
	buffer->end = i;
}

/**
 * dm_inc_batch_submit - read the extents of a batch
 * @buffer: planned, with at least one run
 *
 * The read's work is queued when the bios have ended, maybe before this
 * returns: the read must not be touched any more.
 */
void dm_inc_batch_submit(struct inc_buffer *buffer)
{
	unsigned int n, nr_runs = buffer->nr_runs;
	struct blk_plug plug;

	atomic_set(&buffer->pending, nr_runs);
	blk_start_plug(&plug);
	for (n = 0; n < nr_runs; n++)
		submit_bio_noacct(run_bio(buffer, n));
	blk_finish_plug(&plug);
}

/**
 * dm_inc_batch_end - finish a batch whose bios have ended
 * @buffer: its input is valid if none has failed
 *
 * Return: 0 or a negative errno.
 */
int dm_inc_batch_end(struct inc_buffer *buffer)
{
	unsigned int n;

	for (n = 0; n < buffer->nr_runs; n++)
		bio_uninit(run_bio(buffer, n));
	invalidate_kernel_vmap_range(buffer->input, buffer->used);
	return blk_status_to_errno(buffer->status);
}

/* May an extent of the view refer to others? */
static bool may_refer(const struct inc_view *view)
{
	u32 i;

	for (i = 0; i <= view->generation; i++)
		if (dm_inc_segment(view->store, i)->references)
			return true;
	return false;
}

/**
 * dm_inc_buffers_alloc - see that a view's reads can have buffers
 * @view: being opened; its segment is set
 *
 * Context: process; sleeps. Return: 0 or -ENOMEM; on failure, too,
 * dm_inc_buffers_free() frees what there is.
 */
int dm_inc_buffers_alloc(struct inc_view *view)
{
	u32 cluster = INC_BLOCK_SIZE << view->segment->cluster_shift;
	bool refers = may_refer(view);
	u32 least = refers ? REFERRING_BYTES : RESERVE_BYTES;

	view->nr_buffers = clamp(2 * num_online_cpus(), 4u, 16u);
	/* A stored cluster may start in the middle of a page. */
	view->reserve = alloc_buffer(max(cluster + INC_PAGE_SIZE, least), refers,
				     GFP_KERNEL);
	if (!view->reserve)
		return -ENOMEM;
	view->reserve->reserve = true;
	mutex_lock(&views_mutex);
	nr_views++;
	mutex_unlock(&views_mutex);
	return 0;
}

/**
 * dm_inc_buffers_free - undo dm_inc_buffers_alloc()
 * @view: no read is in flight
 *
 * Context: process; sleeps.
 */
void dm_inc_buffers_free(struct inc_view *view)
{
	if (!view->reserve)
		return;
	vfree(view->reserve->input);
	mutex_lock(&views_mutex);
	if (!--nr_views) {
		/* Only reads start it. */
		cancel_delayed_work_sync(&spares_work);
		free_spares(SPARES_MAX);
	}
	mutex_unlock(&views_mutex);
}
