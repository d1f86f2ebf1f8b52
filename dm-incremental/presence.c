// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which chunks of the image file are present.
 *
 * In memory: one bitmap for the whole image. On disk: one bitmap in each
 * segment (format.h). A bit goes from 0 to 1 only after the write of its chunk
 * has completed, so a reader that finds it set may submit a read of the chunk
 * without a lock: the device has the data, and the smp_mb() in
 * inc_presence_set() orders the completion before the bit. Bits go back to 0
 * by the rules of clear.c, which tells what a reader may conclude for how long.
 * Both changes are made by who has claimed the chunk (fill.c).
 *
 * Commit: a crash may lose bits that were set, never invent them. The bits to be written are
 * copied first; every chunk they stand for had been written by then. Then the
 * device is flushed, so those chunks are durable; then the copy is written
 * and flushed. Bits changed meanwhile mark their page dirty again and wait for
 * the next commit. A crash may bring back bits that were cleared since the last
 * one; clear.c says why that does no harm.
 */
#include <linux/mm.h>

#include "dm-incremental.h"

#define BITS_PER_BITMAP_PAGE	(INC_PAGE_SIZE * 8)

/* Pages of a segment's bitmap that hold bits; its tail may be padding. */
static u64 bitmap_pages(const struct inc_segment *seg)
{
	return DIV_ROUND_UP_ULL(seg->size >> seg->chunk_shift,
				BITS_PER_BITMAP_PAGE);
}

/* A page of an on-disk bitmap: where it is, and the image's chunks it holds. */
struct bitmap_page {
	u64	offset;		/* bytes in the image */
	u64	first;		/* chunk of the image */
	u32	count;
};

/* Bitmap page @number, counted over all segments. */
static struct bitmap_page find_page(struct inc_store *store, u64 number)
{
	const struct inc_segment *seg = store->segments;
	struct bitmap_page page;
	u64 chunks;

	while (number >= bitmap_pages(seg))
		number -= bitmap_pages(seg++);

	chunks = seg->size >> seg->chunk_shift;
	page.offset = seg->bitmap_offset + (number << INC_PAGE_SHIFT);
	page.first = (seg->offset >> seg->chunk_shift) +
		     number * BITS_PER_BITMAP_PAGE;
	page.count = min_t(u64, chunks - number * BITS_PER_BITMAP_PAGE,
			   BITS_PER_BITMAP_PAGE);
	return page;
}

/* The bitmap page, counted over all segments, that holds @chunk's bit. */
static u64 page_of_chunk(struct inc_store *store, u64 chunk)
{
	const struct inc_segment *seg = store->segments;
	u64 base = 0;

	while (chunk >= seg->end >> seg->chunk_shift)
		base += bitmap_pages(seg++);
	return base + div_u64(chunk - (seg->offset >> seg->chunk_shift),
			      BITS_PER_BITMAP_PAGE);
}

/* Read or write the commit page at @offset of the image file. */
static int rw_commit_page(struct inc_store *store, blk_opf_t opf, u64 offset)
{
	struct bio_vec vec;
	struct bio bio;
	int r;

	inc_store_bio_init(store, &bio, &vec, 1, opf, offset);
	__bio_add_page(&bio, store->commit_page, INC_PAGE_SIZE, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

static int load_page(struct inc_store *store, u64 number)
{
	struct bitmap_page page = find_page(store, number);
	const u8 *bits = page_address(store->commit_page);
	u32 i;
	int r;

	r = rw_commit_page(store, REQ_OP_READ | REQ_META, page.offset);
	if (r)
		return r;
	for (i = 0; i < page.count; i++) {
		if (!(i & 7) && !bits[i >> 3])
			i += 7;		/* most are 0 for long stretches */
		else if (bits[i >> 3] & (1 << (i & 7)))
			__set_bit(page.first + i, store->present);
	}
	return 0;
}

/**
 * inc_presence_load - read the bitmaps of all segments
 * @store: being created; segments, chunks and bufio are set
 *
 * The bitmaps take a bit per chunk of a backing device that is at least that
 * large, 32 MiB at the most.
 *
 * Context: process; sleeps. Return: 0 or a negative errno; on failure
 * inc_presence_free() frees what there is.
 */
int inc_presence_load(struct inc_store *store)
{
	u64 i;
	u32 s;
	int r = 0;

	for (s = 0; s < store->nr_segments; s++)
		store->bitmap_pages += bitmap_pages(&store->segments[s]);

	store->present = kvcalloc(BITS_TO_LONGS(store->chunks),
				  sizeof(unsigned long), GFP_KERNEL);
	store->dirty = kvcalloc(BITS_TO_LONGS(store->bitmap_pages),
				sizeof(unsigned long), GFP_KERNEL);
	store->commit_page = alloc_page(GFP_KERNEL);
	if (!store->present || !store->dirty || !store->commit_page)
		return -ENOMEM;
	for (i = 0; !r && i < store->bitmap_pages; i++)
		r = load_page(store, i);
	if (r)
		return r;

	/* Heads and bitmaps are here whatever the bitmaps say. */
	for (s = 0; s < store->nr_segments; s++) {
		const struct inc_segment *seg = &store->segments[s];

		u64 chunk = seg->offset >> seg->chunk_shift;

		for (; chunk < seg->meta_offset >> seg->chunk_shift; chunk++)
			if (!__test_and_set_bit(chunk, store->present))
				__set_bit(page_of_chunk(store, chunk),
					  store->dirty);
	}
	atomic64_set(&store->nr_present,
		     bitmap_weight(store->present, store->chunks));
	return 0;
}

/**
 * inc_presence_free - free the bitmaps
 * @store: being destroyed, or whose inc_presence_load() failed
 */
void inc_presence_free(struct inc_store *store)
{
	kvfree(store->present);
	kvfree(store->dirty);
	if (store->commit_page)
		__free_page(store->commit_page);
}

/**
 * inc_presence_set - chunks have been written
 * @store: the store
 * @first: first chunk
 * @last: last chunk; the caller's fill claims them all (fill.c)
 *
 * Marks their bitmap pages dirty, so that the next commit writes them, and
 * starts the commit timer; when the image is complete, commits at once and
 * sends a dm event.
 *
 * Context: process.
 */
void inc_presence_set(struct inc_store *store, u64 first, u64 last)
{
	unsigned long delay =
		msecs_to_jiffies(READ_ONCE(store->commit_interval));
	u64 chunk, page, count = 0;

	/* The data's write completed before its bit can be seen. */
	smp_mb();
	for (chunk = first; chunk <= last; chunk++)
		if (!test_and_set_bit(chunk, store->present))
			count++;
	for (page = page_of_chunk(store, first);
	     page <= page_of_chunk(store, last); page++)
		set_bit(page, store->dirty);

	if (count && atomic64_add_return(count, &store->nr_present) ==
		     store->chunks) {
		schedule_work(&store->event_work);
		mod_delayed_work(system_unbound_wq, &store->commit_work, 0);
		return;
	}
	queue_delayed_work(system_unbound_wq, &store->commit_work, delay);
}

/**
 * inc_presence_clear - chunks are not there any more
 * @store: the store
 * @first: first chunk
 * @last: last chunk; the caller claims them all, and goes by clear.c's rules
 *
 * Marks their bitmap pages dirty and starts the commit timer.
 *
 * Context: process.
 */
void inc_presence_clear(struct inc_store *store, u64 first, u64 last)
{
	unsigned long delay =
		msecs_to_jiffies(READ_ONCE(store->commit_interval));
	u64 chunk, page, count = 0;

	for (chunk = first; chunk <= last; chunk++)
		count += test_bit(chunk, store->present);
	atomic64_sub(count, &store->nr_present);
	/* Never more than there are bits, so "complete" means all of them. */
	smp_mb();
	for (chunk = first; chunk <= last; chunk++)
		clear_bit(chunk, store->present);
	/* Pairs with snapshot(): the bits first, their page's dirty bit after. */
	smp_mb();
	for (page = page_of_chunk(store, first);
	     page <= page_of_chunk(store, last); page++)
		set_bit(page, store->dirty);
	queue_delayed_work(system_unbound_wq, &store->commit_work, delay);
}

/**
 * inc_presence_fixed - is any of these chunks always present?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 *
 * Return: whether one of them belongs to a segment's head or presence bitmap.
 */
bool inc_presence_fixed(struct inc_store *store, u64 first, u64 last)
{
	u32 s;

	for (s = 0; s < store->nr_segments; s++) {
		const struct inc_segment *seg = &store->segments[s];

		if (first < seg->meta_offset >> seg->chunk_shift &&
		    last >= seg->offset >> seg->chunk_shift)
			return true;
	}
	return false;
}

/**
 * inc_presence_test - are all chunks of a range present?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 */
bool inc_presence_test(struct inc_store *store, u64 first, u64 last)
{
	u64 chunk;

	for (chunk = first; chunk <= last; chunk++)
		if (!test_bit(chunk, store->present))
			return false;
	return true;
}

/**
 * inc_presence_next_absent - the next run of absent chunks
 * @store: the store
 * @from: where to start
 * @last: where to stop
 * @first_absent: set to the first chunk of the run
 * @last_absent: set to its last chunk
 *
 * Return: false if all of @from to @last is present.
 */
bool inc_presence_next_absent(struct inc_store *store, u64 from, u64 last,
			      u64 *first_absent, u64 *last_absent)
{
	*first_absent = find_next_zero_bit(store->present, last + 1, from);
	if (*first_absent > last)
		return false;
	*last_absent = find_next_bit(store->present, last + 1,
				     *first_absent) - 1;
	return true;
}

/**
 * inc_presence_seek - the next chunk that is present, or that is absent
 * @store: the store
 * @chunk: where to start
 * @present: which of both
 *
 * Return: its number, or store->chunks if there is none.
 */
u64 inc_presence_seek(struct inc_store *store, u64 chunk, bool present)
{
	return present ? find_next_bit(store->present, store->chunks, chunk) :
			 find_next_zero_bit(store->present, store->chunks,
					    chunk);
}

/*
 * Copy the bits of bitmap page @number into the commit page. A bit that is not
 * yet changed now has its page's dirty bit set again later: inc_presence_set()
 * and _clear() change the bit first and set the dirty bit after, fully ordered.
 */
static u64 snapshot(struct inc_store *store, u64 number)
{
	struct bitmap_page page = find_page(store, number);
	u8 *bits = page_address(store->commit_page);
	u32 i;

	memset(bits, 0, INC_PAGE_SIZE);
	for (i = 0; i < page.count; i++)
		if (test_bit(page.first + i, store->present))
			bits[i >> 3] |= 1 << (i & 7);
	return page.offset;
}

static int commit_page(struct inc_store *store, u64 number)
{
	u64 offset;
	int r;

	offset = snapshot(store, number);
	r = blkdev_issue_flush(store->bdev) ?:
	    rw_commit_page(store, REQ_OP_WRITE | REQ_META, offset);
	if (r)
		set_bit(number, store->dirty);
	return r;
}

/**
 * inc_presence_commit - make presence durable
 * @store: alive: the caller is a view, or between inc_store_enter() and _leave()
 *
 * Every chunk that was present on entry stays present over a crash, or is
 * cleared meanwhile; every chunk that was absent stays so, or is filled.
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno; what
 * failed stays dirty for the next commit.
 */
int inc_presence_commit(struct inc_store *store)
{
	bool wrote = false;
	u64 number;
	int r = 0;

	if (store->read_only)
		return 0;

	mutex_lock(&store->commit_mutex);
	for_each_set_bit(number, store->dirty, store->bitmap_pages) {
		/* Pairs with inc_presence_set(), _clear(): dirty after this. */
		if (!test_and_clear_bit(number, store->dirty))
			continue;
		r = commit_page(store, number);
		if (r)
			break;
		wrote = true;
	}
	if (!r && wrote) {
		r = blkdev_issue_flush(store->bdev);
		for (number = 0; r && number < store->bitmap_pages; number++)
			set_bit(number, store->dirty);
	}
	mutex_unlock(&store->commit_mutex);
	return r;
}

/**
 * inc_presence_commit_work - the timer of store->commit_work
 * @work: embedded in the store
 */
void inc_presence_commit_work(struct work_struct *work)
{
	struct inc_store *store = container_of(to_delayed_work(work),
					       struct inc_store, commit_work);
	int r = inc_presence_commit(store);

	if (!r)
		return;
	DMERR_LIMIT("%s: cannot commit presence: %d", dev_name(&store->dev), r);
	queue_delayed_work(system_unbound_wq, &store->commit_work,
			   msecs_to_jiffies(READ_ONCE(store->commit_interval)));
}
