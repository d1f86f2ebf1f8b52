// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers of reads, and reading extents: as many at a time as fit into a
 * buffer (a "batch"), neighbours in the file in one bio (a "run").
 *
 * Opening the view allocates all of it, so a read allocates nothing.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "backing.h"
#include "batch.h"

/* Flags of the reader's bio that the bios of its runs carry, too. */
#define KEEP_FLAGS	(REQ_META | REQ_PRIO | REQ_SYNC | REQ_IDLE)

/**
 * dm_inc_buffer_take - a buffer for a read
 * @view: the read's view
 * @io: gets it
 * @wait: if none is free @io's work is queued once it has got one
 *
 * Return: the buffer, NULL if none is free.
 */
struct inc_buffer *dm_inc_buffer_take(struct inc_view *view, struct inc_io *io,
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
 * @buffer: goes to the read that has waited longest for one, else to the pool
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
		buffer->io = io;
		io->buffer = buffer;
	} else {
		list_add(&buffer->list, &view->free_buffers);
	}
	spin_unlock(&view->buffers_lock);
	if (io)
		queue_work(view->wq, &io->work);
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

static struct bio *start_run(struct inc_buffer *buffer, u64 from)
{
	struct inc_io *io = buffer->io;
	struct bio *bio = buffer->bios[buffer->nr_runs++];

	dm_inc_backing_bio_init(io->view->store, bio, buffer->vecs + buffer->nr_vecs,
				ARRAY_SIZE(buffer->vecs) - buffer->nr_vecs,
				REQ_OP_READ | (io->bio->bi_opf & KEEP_FLAGS), from);
	/* On behalf of the reader, whichever task submits it. */
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

/**
 * dm_inc_batch_plan - choose the blocks of a read's next batch
 * @buffer: the read's; its extents are set
 * @start: first block, counted in the read
 *
 * buffer->end is set to the block after the batch's last one. It may need no
 * bio: then buffer->nr_runs is 0.
 */
void dm_inc_batch_plan(struct inc_buffer *buffer, u32 start)
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
		if (i > start && dm_inc_same_cluster(buffer, i)) {
			buffer->source[i] = buffer->source[i - 1];
			continue;
		}
		if (!add_to_batch(buffer, from, to, &at))
			break;
		buffer->source[i] = at + (u32)(extent->offset - from);
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
	struct bio *bios[RUNS_MAX];
	struct blk_plug plug;

	memcpy(bios, buffer->bios, sizeof(bios));
	atomic_set(&buffer->pending, nr_runs);
	blk_start_plug(&plug);
	for (n = 0; n < nr_runs; n++)
		submit_bio_noacct(bios[n]);
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
		bio_uninit(buffer->bios[n]);
	invalidate_kernel_vmap_range(buffer->input, buffer->used);
	return blk_status_to_errno(buffer->status);
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
	kvfree(buffer);
}

static struct inc_buffer *alloc_buffer(void)
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
	if (buffer->input)
		return buffer;
bad:
	free_buffer(buffer);
	return NULL;
}

/**
 * dm_inc_buffers_alloc - allocate the buffers of a view's reads
 * @view: being opened
 *
 * Return: 0 or -ENOMEM; on failure, too, dm_inc_buffers_free() frees what there is.
 */
int dm_inc_buffers_alloc(struct inc_view *view)
{
	unsigned int i;

	view->nr_buffers = clamp(2 * num_online_cpus(), 4u, 16u);
	for (i = 0; i < view->nr_buffers; i++) {
		struct inc_buffer *buffer;

		buffer = alloc_buffer();
		if (!buffer)
			return -ENOMEM;
		list_add(&buffer->list, &view->free_buffers);
	}
	return 0;
}

/**
 * dm_inc_buffers_free - free what dm_inc_buffers_alloc() allocated
 * @view: no read is in flight
 */
void dm_inc_buffers_free(struct inc_view *view)
{
	struct inc_buffer *buffer, *next;

	list_for_each_entry_safe(buffer, next, &view->free_buffers, list)
		free_buffer(buffer);
}
