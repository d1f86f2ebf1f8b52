// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proof that a root digest is that of a device of the size that is claimed.
 *
 * The signer of a root digest vouches for the blocks of a device, but neither for
 * their number nor for the number of the tree's levels, for pages of the tree and
 * blocks of data are hashed alike. An attacker who can change an image could claim
 *
 *	fewer levels: the pages of one level would be read as data;
 *	more levels: data blocks would be taken for pages of the tree. Where the
 *		author of some file in the device has put digests into it, these
 *		would be digests of blocks that were never signed;
 *	as many levels, but more or fewer blocks.
 *
 * So where it matters no read succeeds before two blocks were read, and verified
 * up to the root as any others:
 *
 * 1. Block 0, which must begin with INC_SIGNED_ZEROS zeros. Filesystems leave
 *    room for a boot loader there. With fewer levels than the signed tree has,
 *    block 0 would be one of its pages, and begin with a digest, which is not
 *    all zeros. With more levels, the signed device's block 0 would be a page on
 *    the way to block 0. It begins with zeros, if it was signed to be used here,
 *    and no known bytes have a digest of zeros. So the levels are as many.
 * 2. The last block. Zeros follow the last digest of a page in the signed tree,
 *    and verity.c accepts nothing else after the digest that it takes for the
 *    last one. With too many blocks, the way to the last one leads over a digest
 *    of zeros, with too few over a page that has further digests.
 *
 * The two are read when the first read comes, since they may be absent when the
 * table is loaded. Reads are held meanwhile; then they start, or fail as the
 * proof did, and the next read tries again. The read that the proof is waiting
 * for was started before or with every read held, so that none waits longer
 * than its read_timeout. It is dropped at suspend like any read that waits,
 * and those that are held end with it.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "proof.h"
#include "read.h"

/**
 * struct inc_proof - the proof of one view
 * @view: the view
 * @lock: protects @held, @running, @done
 * @held: reads that wait for it (struct inc_io.waiting)
 * @running: @work is queued or one of the two blocks is being read
 * @done: proved; never false again
 * @work: goes on when a block has been read
 * @block: number of the block being read, if @reading
 * @reading: a read was started, and has ended when @work runs
 * @io: of that read; reads below are of @work, one at a time
 * @bio: likewise
 * @vec: likewise
 * @page: receives the block
 */
struct inc_proof {
	struct inc_view		*view;
	spinlock_t		lock;		/* held, running, done */
	struct list_head	held;
	bool			running;
	bool			done;
	struct work_struct	work;
	u64			block;
	bool			reading;
	struct inc_io		io;
	struct bio		bio;
	struct bio_vec		vec;
	struct page		*page;
};

static void end_read(struct bio *bio)
{
	struct inc_proof *proof = bio->bi_private;

	queue_work(proof->view->wq, &proof->work);
}

/* Both reads have one deadline. */
static void read_block(struct inc_proof *proof, u64 block)
{
	struct inc_io *io = &proof->io;
	unsigned long deadline = io->deadline;
	bool started = proof->reading && io->started;

	bio_init(&proof->bio, NULL, &proof->vec, 1, REQ_OP_READ);
	__bio_add_page(&proof->bio, proof->page, INC_BLOCK_SIZE, 0);
	proof->bio.bi_end_io = end_read;
	proof->bio.bi_private = proof;
	dm_inc_read_init(io, proof->view, &proof->bio, block, 1);
	io->started = started;
	io->deadline = deadline;
	proof->block = block;
	proof->reading = true;
	dm_inc_read_start(io);
}

static blk_status_t check_block(const struct inc_proof *proof)
{
	struct inc_view *view = proof->view;

	if (proof->bio.bi_status || proof->block ||
	    !memchr_inv(page_address(proof->page), 0, INC_SIGNED_ZEROS))
		return proof->bio.bi_status;
	if (__ratelimit(&view->log_limit))
		DMERR("%s: block 0 does not begin with zeros, so the root digest does not vouch for the size of the device",
		      dm_table_device_name(view->ti->table));
	return BLK_STS_IOERR;
}

/*
 * Release the reads, whose bios have kept the view and the proof. After the last
 * one only the workqueue is left for sure, which waits for this worker.
 */
static void finish(struct inc_proof *proof, blk_status_t status)
{
	struct workqueue_struct *wq = proof->view->wq;
	struct inc_io *io, *next;
	LIST_HEAD(held);

	proof->reading = false;
	spin_lock(&proof->lock);
	WRITE_ONCE(proof->done, !status);
	proof->running = false;
	list_splice_init(&proof->held, &held);
	spin_unlock(&proof->lock);
	list_for_each_entry_safe(io, next, &held, waiting) {
		list_del(&io->waiting);
		io->status = status;
		queue_work(wq, &io->work);
	}
}

static void go_on(struct work_struct *work)
{
	struct inc_proof *proof = container_of(work, struct inc_proof, work);
	u64 last = proof->view->segment->device_blocks - 1;
	blk_status_t status;

	if (!proof->reading) {
		read_block(proof, 0);
		return;
	}
	bio_uninit(&proof->bio);
	status = check_block(proof);
	if (status || proof->block == last)
		finish(proof, status);
	else
		read_block(proof, last);
}

/**
 * dm_inc_proof_hold - hold a read that comes before the proof
 * @io: from dm_inc_read_init(), with a bio
 *
 * Context: process; does not sleep, may be called while bios are submitted.
 * Return: false if the read may start; true if it was taken, and will.
 */
bool dm_inc_proof_hold(struct inc_io *io)
{
	struct inc_view *view = io->view;
	struct inc_proof *proof = view->proof;
	bool start;

	/* A read that sees it set needs nothing else that was written before. */
	if (!proof || READ_ONCE(proof->done))
		return false;
	io->started = true;
	io->deadline = jiffies +
		       msecs_to_jiffies(READ_ONCE(view->read_timeout));
	spin_lock(&proof->lock);
	if (proof->done) {
		spin_unlock(&proof->lock);
		return false;
	}
	list_add_tail(&io->waiting, &proof->held);
	start = !proof->running;
	proof->running = true;
	spin_unlock(&proof->lock);
	if (start)
		queue_work(view->wq, &proof->work);
	return true;
}

/**
 * dm_inc_proof_alloc - make a view's reads wait for a proof, if one is required
 * @view: being opened; it is known whether its root is signed
 *
 * Return: 0 or -ENOMEM; dm_inc_proof_free() frees it.
 */
int dm_inc_proof_alloc(struct inc_view *view)
{
	struct inc_proof *proof;

	if (!view->prove_size && !view->signed_root)
		return 0;
	proof = kzalloc(sizeof(*proof), GFP_KERNEL);
	if (!proof)
		return -ENOMEM;
	view->proof = proof;
	proof->view = view;
	spin_lock_init(&proof->lock);
	INIT_LIST_HEAD(&proof->held);
	INIT_WORK(&proof->work, go_on);
	proof->page = alloc_page(GFP_KERNEL);
	return proof->page ? 0 : -ENOMEM;
}

/**
 * dm_inc_proof_free - free what dm_inc_proof_alloc() made
 * @view: no read is in flight, its workqueue is gone
 */
void dm_inc_proof_free(struct inc_view *view)
{
	struct inc_proof *proof = view->proof;

	if (!proof)
		return;
	if (proof->page)
		__free_page(proof->page);
	kfree(proof);
}
