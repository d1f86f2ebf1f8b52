// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills: a loader's bytes become chunks of the image file.
 *
 * The first fill of a chunk wins, but the next fill overwrites a suspect chunk
 * (suspect.c). One fill writes a chunk at a time: fills of overlapping ranges run
 * one after the other. A present chunk does not change until it is cleared, which
 * takes the same claim; so a fill clears suspect chunks before it writes them
 * (clear.c). So readers need no lock against fills.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "backing.h"
#include "claim.h"
#include "clear.h"
#include "fill.h"
#include "missing.h"
#include "presence.h"
#include "segments.h"
#include "suspect.h"
#include "trace.h"
#include "wait.h"

/* Bytes copied in, then written, at a time; a multiple of every chunk size. */
#define FILL_BYTES	(256u << 10)
#define FILL_PAGES	(FILL_BYTES >> PAGE_SHIFT)

/* Fills of a store that have memory at a time: 4 MiB, however many write(). */
#define FILLS_MAX	16

/**
 * dm_inc_fill_init - prepare a store for fills
 * @store: being created
 */
void dm_inc_fill_init(struct inc_store *store)
{
	sema_init(&store->fill_turns, FILLS_MAX);
}

/**
 * struct inc_fill - a piece of a write() under way
 * @claim: its chunks
 * @pages: the bytes
 * @tail: the end of a write, read back
 * @vecs: for the bio
 */
struct inc_fill {
	struct inc_claim	claim;
	struct page		*pages[FILL_PAGES];
	struct page		*tail;
	struct bio_vec		vecs[FILL_PAGES];
};

/* Write chunks @first to @last of @fill to the backing device. */
static int write_chunks(struct inc_store *store, struct inc_fill *fill,
			u64 first, u64 last)
{
	u32 at = (first - fill->claim.first) << store->chunk_shift;
	u32 left = (last - first + 1) << store->chunk_shift;
	struct bio bio;
	int r;

	dm_inc_backing_bio_init(store, &bio, fill->vecs, FILL_PAGES, REQ_OP_WRITE,
				first << store->chunk_shift);
	while (left) {
		u32 length = min_t(u32, left, PAGE_SIZE - offset_in_page(at));

		__bio_add_page(&bio, fill->pages[at >> PAGE_SHIFT], length,
			       offset_in_page(at));
		at += length;
		left -= length;
	}
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

/*
 * Has all of a write arrived? When the file system below a loop device runs full
 * in the middle of a write, the loop driver may take the short write that results
 * for a whole one (lo_complete_rq()). Such a write lacks its end, so reading back
 * the last block tells.
 */
static int check_tail(struct inc_store *store, struct inc_fill *fill, u64 last)
{
	u32 at = ((last - fill->claim.first + 1) << store->chunk_shift) -
		 INC_BLOCK_SIZE;
	u64 offset = ((last + 1) << store->chunk_shift) - INC_BLOCK_SIZE;
	struct bio bio;
	int r;

	dm_inc_backing_bio_init(store, &bio, fill->vecs, 1, REQ_OP_READ | REQ_SYNC,
				offset);
	__bio_add_page(&bio, fill->tail, INC_BLOCK_SIZE, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	if (r)
		return r;
	return memcmp(page_address(fill->tail),
		      page_address(fill->pages[at >> PAGE_SHIFT]) +
		      offset_in_page(at), INC_BLOCK_SIZE) ? -ENOSPC : 0;
}

/* Write the absent chunks of @fill's range, which it has claimed. */
static int fill_absent(struct inc_store *store, struct inc_fill *fill)
{
	u64 from = fill->claim.first, first, last;
	int r = 0;

	while (from <= fill->claim.last &&
	       dm_inc_presence_next_absent(store, from, fill->claim.last, &first,
					   &last)) {
		r = write_chunks(store, fill, first, last) ?:
		    check_tail(store, fill, last);
		if (r)
			break;
		trace_incremental_fill(store->bdev_dev,
				       first << store->chunk_shift,
				       (last - first + 1) <<
				       store->chunk_shift);
		atomic64_add(last - first + 1, &store->nr_filled);
		dm_inc_wait_present(store, first, last, true);
		from = last + 1;
	}
	return r;
}

/*
 * Without page faults. False, and nothing is taken, if some of the bytes are not
 * in memory; the caller faults them in, and tries again.
 */
static bool copy_in(struct inc_fill *fill, u32 length, struct iov_iter *from)
{
	u32 done, bytes, copied;

	for (done = 0; done < length; done += bytes) {
		bytes = min_t(u32, length - done, PAGE_SIZE);
		pagefault_disable();
		copied = copy_from_iter(page_address(fill->pages[done >> PAGE_SHIFT]),
					bytes, from);
		pagefault_enable();
		if (copied == bytes)
			continue;
		iov_iter_revert(from, done + copied);
		return false;
	}
	return true;
}

static int write_piece(struct inc_store *store, struct inc_fill *fill,
		       u64 offset, u32 length)
{
	bool suspect;
	int r;

	fill->claim.first = offset >> store->chunk_shift;
	fill->claim.last = (offset + length - 1) >> store->chunk_shift;
	if (dm_inc_missing_none(store, fill->claim.first, fill->claim.last))
		return 0;
	r = dm_inc_claim_wait_killable(store, &fill->claim);
	if (r)
		return r;
	suspect = dm_inc_suspect_any(store, fill->claim.first, fill->claim.last);
	if (suspect)
		dm_inc_clear_suspect(store, fill->claim.first, fill->claim.last);
	r = fill_absent(store, fill);
	if (r && suspect)
		dm_inc_clear_restore(store, fill->claim.first, fill->claim.last);
	dm_inc_claim_release(store, &fill->claim);
	return r;
}

static void free_fill(struct inc_fill *fill)
{
	unsigned int i;

	for (i = 0; i < FILL_PAGES; i++)
		if (fill->pages[i])
			__free_page(fill->pages[i]);
	if (fill->tail)
		__free_page(fill->tail);
	kfree(fill);
}

/* Charged to the loader. */
static struct inc_fill *alloc_fill(u32 length)
{
	struct inc_fill *fill = kzalloc(sizeof(*fill), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!fill)
		return NULL;
	fill->tail = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!fill->tail)
		goto bad;
	for (i = 0; i < DIV_ROUND_UP(length, PAGE_SIZE); i++) {
		fill->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!fill->pages[i])
			goto bad;
	}
	return fill;

bad:
	free_fill(fill);
	return NULL;
}

/* The store may end between two pieces, but not in one. */
static int copy_and_write(struct inc_store *store, struct inc_fill *fill,
			  u64 offset, u32 length, struct iov_iter *from)
{
	int r;

	if (!copy_in(fill, length, from))
		return 0;
	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	r = write_piece(store, fill, offset, length);
	dm_inc_backing_leave(store);
	return r ?: length;
}

/*
 * Return: @length; 0 if some of the bytes have gone again before they could be
 * copied; a negative errno.
 */
static int fill_piece(struct inc_store *store, u64 offset, u32 length,
		      struct iov_iter *from)
{
	struct inc_fill *fill;
	int r = -ENOMEM;

	/* This may take for ever, so hold nothing meanwhile: no turn, no memory. */
	if (fault_in_iov_iter_readable(from, length))
		return -EFAULT;
	if (down_killable(&store->fill_turns))
		return -EINTR;
	fill = alloc_fill(length);
	if (fill) {
		r = copy_and_write(store, fill, offset, length, from);
		free_fill(fill);
	}
	up(&store->fill_turns);
	return r;
}

/**
 * dm_inc_fill - write bytes of the image that have arrived
 * @store: its memory is held; it may be dead, or end meanwhile (-ENODEV)
 * @offset: bytes in the image
 * @from: the bytes; advanced by the number taken
 *
 * The rules are those of write() in <linux/dm-incremental.h>.
 *
 * Context: process; sleeps, does I/O. Return: bytes taken, or a negative errno
 * if none were.
 */
ssize_t dm_inc_fill(struct inc_store *store, u64 offset, struct iov_iter *from)
{
	u32 chunk_size = 1u << store->chunk_shift;
	u64 size = dm_inc_store_size(store);
	u32 most = FILL_BYTES;
	ssize_t taken = 0;
	size_t length;
	int r = 0;

	if (!iov_iter_count(from))
		return 0;
	if (offset & (chunk_size - 1))
		return -EINVAL;
	if (offset >= size)
		return -EFBIG;
	length = min_t(u64, iov_iter_count(from), size - offset) &
		 ~(size_t)(chunk_size - 1);
	if (!length)
		return -EINVAL;
	if (store->read_only)
		return dm_inc_presence_complete(store) ? length : -EROFS;

	while (length) {
		r = fill_piece(store, offset + taken,
			       min_t(size_t, length, most), from);
		if (r < 0)
			break;
		if (!r)		/* Fewer bytes stay in memory more easily. */
			most = max(most / 2, chunk_size);
		taken += r;
		length -= r;
		if (fatal_signal_pending(current)) {
			r = -EINTR;
			break;
		}
		cond_resched();
	}
	return taken ?: r;
}
