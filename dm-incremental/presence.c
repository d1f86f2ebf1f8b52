// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which chunks of the image file are present.
 *
 * In memory: a bit per chunk of the whole image, in pages of 4096 bytes that
 * never move; when the image grows, pages are added (grow.c). On disk: one
 * bitmap in each segment (format.h). A bit goes from 0 to 1 only after the write
 * of its chunk has completed, so a reader that finds it set may submit a read of
 * the chunk without a lock: the device has the data, and the smp_mb() in
 * dm_inc_presence_set() orders the completion before the bit. Bits go back to 0
 * by the rules of clear.c, which tells what a reader may conclude for how long.
 * Both changes take a claim of the chunk (claim.c).
 *
 * nr_absent is never less than the number of bits that are 0, so readers take 0
 * for "all of it is there" (dm_inc_presence_complete()), and look no further. A
 * reader that has seen it 0 before the image grew needs none of the new chunks:
 * its generation is an older one.
 *
 * Commit: a crash may lose bits that were set, never invent them. The bits to be
 * written are copied first; every chunk they stand for had been written by then.
 * Then the device is flushed, so those chunks are durable; then the copy is
 * written and flushed. Bits changed meanwhile mark their page dirty again and
 * wait for the next commit. A crash may bring back bits that were cleared since
 * the last one; clear.c says why that does no harm. The bit of a suspect chunk is
 * 1, also while a fill overwrites it (suspect.c).
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "presence.h"
#include "segments.h"
#include "suspect.h"

/* In a page, of memory as of a bitmap on disk. */
#define BITS_SHIFT	(INC_PAGE_SHIFT + 3)
#define BITS_PER_PAGE	(1u << BITS_SHIFT)

/* Pages on disk: each segment may have one that is not full. */
#define BITMAP_PAGES_MAX	(INC_BITS_PAGES_MAX + INC_SEGMENTS_MAX)

/* ms between commits that fail */
#define COMMIT_BACKOFF_MIN	100u
#define COMMIT_BACKOFF_MAX	60000u

/* The page of memory that holds @chunk's bit, which is number bit_of() there. */
static unsigned long *bits_of(const struct inc_store *store, u64 chunk)
{
	u64 page = chunk >> BITS_SHIFT;

	return store->present[page / INC_TABLE_POINTERS]
			     [page % INC_TABLE_POINTERS];
}

/* Where the first bitmap page of segment @number is noted. */
static u32 *first_page_of(const struct inc_store *store, u32 number)
{
	return store->first_page[number / INC_TABLE_NUMBERS] +
	       number % INC_TABLE_NUMBERS;
}

static u32 bit_of(u64 chunk)
{
	return chunk & (BITS_PER_PAGE - 1);
}

/* The first chunk of [from, end) that is present, or absent; @end if none is. */
static u64 find_chunk(const struct inc_store *store, u64 from, u64 end,
		      bool present)
{
	while (from < end) {
		u64 page = from - bit_of(from);
		u32 size = min_t(u64, end - page, BITS_PER_PAGE), bit;

		bit = present ? find_next_bit(bits_of(store, from), size,
					      bit_of(from)) :
				find_next_zero_bit(bits_of(store, from), size,
						   bit_of(from));
		if (bit < size)
			return page + bit;
		from = page + size;
	}
	return end;
}

/* Pages of a segment's bitmap that hold bits; its tail may be padding. */
static u32 bitmap_pages(const struct inc_segment *seg)
{
	return DIV_ROUND_UP_ULL(seg->size >> seg->chunk_shift, BITS_PER_PAGE);
}

/* The first bitmap page of segment @number, counted over all segments. */
static u32 first_page(const struct inc_store *store, u32 number)
{
	return number ? *first_page_of(store, number - 1) +
			bitmap_pages(dm_inc_segment(store, number - 1)) : 0;
}

/* A page of an on-disk bitmap: where it is, and the image's chunks it holds. */
struct bitmap_page {
	u64	offset;		/* bytes in the image */
	u64	first;		/* chunk of the image */
	u32	count;
};

/* Page @number of the bitmap of @seg. */
static struct bitmap_page locate_page(const struct inc_segment *seg, u32 number)
{
	u64 before = (u64)number << BITS_SHIFT;

	return (struct bitmap_page){
		.offset = seg->bitmap_offset + ((u64)number << INC_PAGE_SHIFT),
		.first = (seg->offset >> seg->chunk_shift) + before,
		.count = min_t(u64, (seg->size >> seg->chunk_shift) - before,
			       BITS_PER_PAGE),
	};
}

/* Bitmap page @number, counted over all segments, which are @nr_segments. */
static struct bitmap_page find_page(const struct inc_store *store,
				    u32 nr_segments, u32 number)
{
	u32 low = 0, high = nr_segments;

	/* Invariant: first_page[low] <= number < first_page[high]. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (*first_page_of(store, middle) <= number)
			low = middle;
		else
			high = middle;
	}
	return locate_page(dm_inc_segment(store, low),
			   number - *first_page_of(store, low));
}

/* The bitmap page, counted over all segments, that holds @chunk's bit. */
static u32 page_of_chunk(struct inc_store *store, u64 chunk)
{
	const struct inc_segment *seg =
		dm_inc_segment_at(store, chunk << store->chunk_shift);

	return *first_page_of(store, seg->generation) +
	       ((chunk - (seg->offset >> seg->chunk_shift)) >> BITS_SHIFT);
}

/* Read or write the commit page at @offset of the image file. */
static int rw_commit_page(struct inc_store *store, blk_opf_t opf, u64 offset)
{
	struct bio_vec vec;
	struct bio bio;
	int r;

	dm_inc_backing_bio_init(store, &bio, &vec, 1, opf, offset);
	__bio_add_page(&bio, store->commit_page, INC_PAGE_SIZE, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

/* Set the bits of a page; @present is increased by their number. */
static int load_page(struct inc_store *store, const struct bitmap_page *page,
		     u64 *present)
{
	const u8 *bits = page_address(store->commit_page);
	u64 chunk;
	u32 i;
	int r;

	mutex_lock(&store->commit_mutex);
	r = rw_commit_page(store, REQ_OP_READ | REQ_META, page->offset);
	for (i = 0; !r && i < page->count; i++) {
		if (!(i & 7) && !bits[i >> 3]) {
			i += 7;		/* most are 0 for long stretches */
			continue;
		}
		chunk = page->first + i;
		/* The page may be shared with chunks of the image. */
		if (bits[i >> 3] & (1 << (i & 7)) &&
		    !test_and_set_bit(bit_of(chunk), bits_of(store, chunk)))
			(*present)++;
	}
	mutex_unlock(&store->commit_mutex);
	return r;
}

/**
 * dm_inc_presence_init - allocate what does not depend on the image's size
 * @store: being created
 *
 * Context: process; sleeps. Return: 0 or -ENOMEM; dm_inc_presence_free() frees
 * what there is.
 */
int dm_inc_presence_init(struct inc_store *store)
{
	store->dirty = kvcalloc(BITS_TO_LONGS(BITMAP_PAGES_MAX),
				sizeof(unsigned long), GFP_KERNEL);
	store->commit_page = alloc_page(GFP_KERNEL);
	return store->dirty && store->commit_page ? 0 : -ENOMEM;
}

/* See that there is a page at @place, which is of a pointer of any type. */
static bool make_page(void *place)
{
	void **page = place;

	if (!*page)
		*page = kzalloc(INC_PAGE_SIZE, GFP_KERNEL);
	return *page;
}

/**
 * dm_inc_presence_load - read the bitmap of a segment that was found
 * @store: its @grow_mutex is held, or it is being created
 * @number: of the segment; those before it are loaded
 *
 * It costs a bit per chunk of a backing device that is at least that large, 32 MiB
 * for all segments at the most.
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno; in both cases
 * dm_inc_presence_drop(), or dm_inc_presence_free(), frees the loaded pages.
 */
int dm_inc_presence_load(struct inc_store *store, u32 number)
{
	const struct inc_segment *seg = dm_inc_segment(store, number);
	u64 start = seg->offset >> seg->chunk_shift;
	u64 end = seg->end >> seg->chunk_shift;
	u64 fixed = seg->meta_offset >> seg->chunk_shift;
	u64 present = 0, chunk, i;
	u32 page;
	int r;

	if (!make_page(&store->first_page[number / INC_TABLE_NUMBERS]))
		return -ENOMEM;
	*first_page_of(store, number) = first_page(store, number);
	for (i = start >> BITS_SHIFT; i <= (end - 1) >> BITS_SHIFT; i++) {
		unsigned long ***table = &store->present[i / INC_TABLE_POINTERS];

		if (!make_page(table) ||
		    !make_page(&(*table)[i % INC_TABLE_POINTERS]))
			return -ENOMEM;
	}
	for (page = 0; page < bitmap_pages(seg); page++) {
		struct bitmap_page bits = locate_page(seg, page);

		r = load_page(store, &bits, &present);
		if (r)
			return r;
	}
	/* Head and bitmap are here whatever the bitmap says. */
	for (chunk = start; chunk < fixed; chunk++) {
		if (test_and_set_bit(bit_of(chunk), bits_of(store, chunk)))
			continue;
		set_bit(*first_page_of(store, number) +
			((chunk - start) >> BITS_SHIFT), store->dirty);
		present++;
	}
	store->found_absent += end - start - present;
	return 0;
}

/**
 * dm_inc_presence_publish - count the segments that were loaded as the image's
 * @store: its @lock is held; store->nr_segments says so right after
 */
void dm_inc_presence_publish(struct inc_store *store)
{
	atomic64_add(store->found_absent, &store->nr_absent);
	store->found_absent = 0;
}

/**
 * dm_inc_presence_drop - forget bitmaps that were loaded and not published
 * @store: its @grow_mutex is held
 */
void dm_inc_presence_drop(struct inc_store *store)
{
	u64 chunk = dm_inc_store_chunks(store);
	unsigned long page = first_page(store, store->nr_segments);
	u32 i;

	if (store->nr_found == store->nr_segments)
		return;
	/* The bits of the last page of memory past the image's. */
	for (; bit_of(chunk); chunk++)
		clear_bit(bit_of(chunk), bits_of(store, chunk));
	for (i = chunk >> BITS_SHIFT; i < INC_BITS_PAGES_MAX; i++) {
		unsigned long **table = store->present[i / INC_TABLE_POINTERS];

		if (!table || !table[i % INC_TABLE_POINTERS])
			break;
		kfree(table[i % INC_TABLE_POINTERS]);
		table[i % INC_TABLE_POINTERS] = NULL;
	}
	for_each_set_bit_from(page, store->dirty, BITMAP_PAGES_MAX)
		clear_bit(page, store->dirty);
	store->found_absent = 0;
}

/**
 * dm_inc_presence_free - free all of it
 * @store: being destroyed, or created without success
 */
void dm_inc_presence_free(struct inc_store *store)
{
	u32 i;

	for (i = 0; i < INC_BITS_PAGES_MAX; i++) {
		unsigned long **table = store->present[i / INC_TABLE_POINTERS];

		if (table)
			kfree(table[i % INC_TABLE_POINTERS]);
	}
	for (i = 0; i < ARRAY_SIZE(store->present); i++)
		kfree(store->present[i]);
	for (i = 0; store->used && i < INC_BITS_PAGES_MAX; i++)
		kfree(store->used[i]);
	kvfree(store->used);
	for (i = 0; i < ARRAY_SIZE(store->first_page); i++)
		kfree(store->first_page[i]);
	kvfree(store->dirty);
	if (store->commit_page)
		__free_page(store->commit_page);
}

/**
 * dm_inc_presence_count - count the image's chunks, and those that are present
 * @store: the store
 * @total: set to the number of chunks of the image
 *
 * Context: process; takes store->lock, so that both numbers are of an image of
 * one length. Return: the number of chunks that are present.
 */
u64 dm_inc_presence_count(struct inc_store *store, u64 *total)
{
	u64 absent;

	mutex_lock(&store->lock);
	*total = dm_inc_store_chunks(store);
	absent = atomic64_read(&store->nr_absent) - store->nr_hidden;
	mutex_unlock(&store->lock);
	return *total - absent;
}

/* A commit is due after commit_interval, or later if the last one has failed. */
static unsigned long commit_delay(const struct inc_store *store)
{
	return msecs_to_jiffies(max(READ_ONCE(store->commit_interval),
				    READ_ONCE(store->commit_backoff)));
}

static void queue_commit(struct inc_store *store)
{
	queue_delayed_work(store->commit_wq, &store->commit_work,
			   commit_delay(store));
}

/**
 * dm_inc_presence_set - set the bits of chunks that have been written
 * @store: the store; its @lock is held
 * @first: first chunk
 * @last: last chunk; the caller has claimed them all (claim.c)
 *
 * Marks their bitmap pages dirty, so that the next commit writes them, and
 * starts the commit timer; when the image is complete, sends a dm event and
 * commits at once, unless commits fail.
 *
 * Context: process.
 */
void dm_inc_presence_set(struct inc_store *store, u64 first, u64 last)
{
	u64 chunk, page, count = 0, hidden = 0, absent;

	/* The data's write completed before its bit can be seen. */
	smp_mb();
	for (chunk = first; chunk <= last; chunk++) {
		if (test_and_set_bit(bit_of(chunk), bits_of(store, chunk)))
			continue;
		count++;
		hidden += dm_inc_suspect_any(store, chunk, chunk);
	}
	for (page = page_of_chunk(store, first);
	     page <= page_of_chunk(store, last); page++)
		set_bit(page, store->dirty);

	absent = atomic64_sub_return(count, &store->nr_absent);
	store->nr_hidden -= hidden;
	if (count > hidden && absent == store->nr_hidden) {
		schedule_work(&store->event_work);
		if (!READ_ONCE(store->commit_backoff)) {
			mod_delayed_work(store->commit_wq, &store->commit_work,
					 0);
			return;
		}
	}
	queue_commit(store);
}

/**
 * dm_inc_presence_clear - clear the bits of chunks
 * @store: the store; its @lock is held
 * @first: first chunk
 * @last: last chunk; the caller has claimed them all, and goes by clear.c's rules
 *
 * Suspect ones are only hidden from readers: they count as present to all others,
 * and on disk. Marks their bitmap pages dirty and starts the commit timer.
 *
 * Context: process.
 */
void dm_inc_presence_clear(struct inc_store *store, u64 first, u64 last)
{
	u64 chunk, page, count = 0;

	for (chunk = first; chunk <= last; chunk++) {
		if (!test_bit(bit_of(chunk), bits_of(store, chunk)))
			continue;
		count++;
		store->nr_hidden += dm_inc_suspect_any(store, chunk, chunk);
	}
	atomic64_add(count, &store->nr_absent);
	/* Before the bits: "complete" means all of them. */
	smp_mb();
	for (chunk = first; chunk <= last; chunk++)
		clear_bit(bit_of(chunk), bits_of(store, chunk));
	for (page = page_of_chunk(store, first);
	     page <= page_of_chunk(store, last); page++)
		set_bit(page, store->dirty);
	queue_commit(store);
}

/*
 * Which chunks reads have used: a second bit for each, a hint for eviction, which
 * may be late or lost. It costs nothing before a program asks: its pages come with
 * dm_inc_presence_watch(), all ones, and stay. Without a page a chunk counts as used.
 */
static unsigned long *used_of(const struct inc_store *store, u64 chunk)
{
	/* Both pair with dm_inc_presence_watch(). */
	unsigned long **used = smp_load_acquire(&store->used);

	if (!used)
		return NULL;
	/* And this is the other one. */
	return smp_load_acquire(&used[chunk >> BITS_SHIFT]);
}

/**
 * dm_inc_presence_watch - note from now on which of some chunks reads use
 * @store: alive; its @clear_mutex is held
 * @first: first chunk
 * @last: last chunk
 *
 * Charges its memory, a bit per chunk, to the caller's memory cgroup.
 *
 * Context: process; sleeps. Return: 0 or -ENOMEM.
 */
int dm_inc_presence_watch(struct inc_store *store, u64 first, u64 last)
{
	unsigned long **used = store->used, *page;
	u64 i;

	if (!used) {
		used = kvcalloc(INC_BITS_PAGES_MAX, sizeof(*used), GFP_KERNEL_ACCOUNT);
		if (!used)
			return -ENOMEM;
		/* Pairs with used_of(). */
		smp_store_release(&store->used, used);
	}
	for (i = first >> BITS_SHIFT; i <= last >> BITS_SHIFT; i++) {
		if (used[i])
			continue;
		page = kmalloc(INC_PAGE_SIZE, GFP_KERNEL_ACCOUNT);
		if (!page)
			return -ENOMEM;
		memset(page, 0xff, INC_PAGE_SIZE);
		/* Likewise: a reader that finds the page finds it filled. */
		smp_store_release(&used[i], page);
	}
	return 0;
}

/**
 * dm_inc_presence_use - note that a read needs the bytes of some chunks
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 *
 * Context: any.
 */
void dm_inc_presence_use(struct inc_store *store, u64 first, u64 last)
{
	unsigned long *page;
	u64 chunk;

	for (chunk = first; chunk <= last; chunk++) {
		page = used_of(store, chunk);
		/* Mostly it is set; then the cache line stays shared. */
		if (page && !test_bit(bit_of(chunk), page))
			set_bit(bit_of(chunk), page);
	}
}

/**
 * dm_inc_presence_next_cold - the next run of chunks that no read has used
 * @store: the store; dm_inc_presence_watch() was called for all of them
 * @from: where to start
 * @last: where to stop
 * @first_cold: set to the first chunk of the run
 * @last_cold: set to its last chunk
 *
 * Those that it passes over must be used again not to be cold the next time.
 *
 * Return: false if there is none from @from to @last.
 */
bool dm_inc_presence_next_cold(struct inc_store *store, u64 from, u64 last,
			       u64 *first_cold, u64 *last_cold)
{
	while (from <= last &&
	       test_and_clear_bit(bit_of(from), used_of(store, from)))
		from++;
	if (from > last)
		return false;
	*first_cold = from;
	while (from < last &&
	       !test_bit(bit_of(from + 1), used_of(store, from + 1)))
		from++;
	*last_cold = from;
	return true;
}

/**
 * dm_inc_presence_fixed - is any of these chunks always present?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 *
 * Return: whether one of them belongs to a segment's head or presence bitmap.
 */
bool dm_inc_presence_fixed(struct inc_store *store, u64 first, u64 last)
{
	const struct inc_segment *seg =
		dm_inc_segment_at(store, first << store->chunk_shift);

	/* A range that reaches into the next segment touches its head. */
	return first < seg->meta_offset >> seg->chunk_shift ||
	       last >= seg->end >> seg->chunk_shift;
}

/**
 * dm_inc_presence_test - are all chunks of a range present?
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 */
bool dm_inc_presence_test(struct inc_store *store, u64 first, u64 last)
{
	return find_chunk(store, first, last + 1, false) > last;
}

/**
 * dm_inc_presence_next_absent - the next run of absent chunks
 * @store: the store
 * @from: where to start
 * @last: where to stop
 * @first_absent: set to the first chunk of the run
 * @last_absent: set to its last chunk
 *
 * Return: false if all of @from to @last is present.
 */
bool dm_inc_presence_next_absent(struct inc_store *store, u64 from, u64 last,
				 u64 *first_absent, u64 *last_absent)
{
	*first_absent = find_chunk(store, from, last + 1, false);
	if (*first_absent > last)
		return false;
	*last_absent = find_chunk(store, *first_absent, last + 1, true) - 1;
	return true;
}

/**
 * dm_inc_presence_seek - the next chunk that is present, or that is absent
 * @store: the store
 * @chunk: where to start
 * @end: where to stop, at most dm_inc_store_chunks()
 * @present: which of both; chunks that are hidden from readers count as present
 *
 * Context: process; takes store->lock. Return: its number, or @end if there is
 * none.
 */
u64 dm_inc_presence_seek(struct inc_store *store, u64 chunk, u64 end, bool present)
{
	mutex_lock(&store->lock);
	if (present)
		end = find_chunk(store, chunk,
				 dm_inc_suspect_seek(store, chunk, end), true);
	else
		while ((chunk = find_chunk(store, chunk, end, false)) < end &&
		       dm_inc_suspect_any(store, chunk, chunk))
			chunk++;
	mutex_unlock(&store->lock);
	return present ? end : chunk;
}

/* Is a chunk present, or hidden from readers just because it is overwritten? */
static bool is_stored(struct inc_store *store, u64 chunk)
{
	return test_bit(bit_of(chunk), bits_of(store, chunk)) ||
	       dm_inc_suspect_any(store, chunk, chunk);
}

/*
 * Copy the bits of a bitmap page into the commit page. A task that changes them
 * holds store->lock, and marks the page dirty; so the next commit writes changes
 * after this.
 */
static void snapshot(struct inc_store *store, const struct bitmap_page *page)
{
	u8 *bits = page_address(store->commit_page);
	u32 i;

	memset(bits, 0, INC_PAGE_SIZE);
	mutex_lock(&store->lock);
	for (i = 0; i < page->count; i++) {
		if (is_stored(store, page->first + i))
			bits[i >> 3] |= 1 << (i & 7);
	}
	mutex_unlock(&store->lock);
}

static int commit_page(struct inc_store *store, const struct bitmap_page *page)
{
	snapshot(store, page);
	return blkdev_issue_flush(store->bdev) ?:
	       rw_commit_page(store, REQ_OP_WRITE | REQ_META, page->offset);
}

/**
 * dm_inc_presence_commit - make presence durable
 * @store: alive: the caller is a view, or between dm_inc_backing_enter() and _leave()
 *
 * Every chunk that was present on entry stays present over a crash, or is
 * cleared meanwhile; every chunk that was absent stays so, or is filled.
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno; pages that
 * failed stay dirty for the next commit.
 */
int dm_inc_presence_commit(struct inc_store *store)
{
	u32 nr_segments = dm_inc_store_nr_segments(store);
	u32 pages = first_page(store, nr_segments);
	bool wrote = false;
	u32 number;
	int r = 0;

	if (store->read_only)
		return 0;

	mutex_lock(&store->commit_mutex);
	for_each_set_bit(number, store->dirty, pages) {
		struct bitmap_page page = find_page(store, nr_segments, number);

		/* Before the look at the bits: see snapshot(). */
		if (!test_and_clear_bit(number, store->dirty))
			continue;
		r = commit_page(store, &page);
		if (r) {
			set_bit(number, store->dirty);
			break;
		}
		wrote = true;
	}
	if (!r && wrote) {
		r = blkdev_issue_flush(store->bdev);
		for (number = 0; r && number < pages; number++)
			set_bit(number, store->dirty);
	}
	if (!r && store->commit_backoff && !store->dead) {
		WRITE_ONCE(store->commit_backoff, 0);
		/* Fills from now on wait for no backed-off commit. */
		mod_delayed_work(store->commit_wq, &store->commit_work,
				 commit_delay(store));
	}
	mutex_unlock(&store->commit_mutex);
	return r;
}

/**
 * dm_inc_presence_commit_work - the timer of store->commit_work
 * @work: embedded in the store
 *
 * As long as it fails it runs again after a time that doubles from
 * COMMIT_BACKOFF_MIN to COMMIT_BACKOFF_MAX; no fill, clear or short
 * commit_interval makes it run before.
 */
void dm_inc_presence_commit_work(struct work_struct *work)
{
	struct inc_store *store = container_of(to_delayed_work(work),
					       struct inc_store, commit_work);
	int r = dm_inc_presence_commit(store);

	if (!r)
		return;
	DMERR_LIMIT("%s: cannot commit presence: %d", dev_name(&store->dev), r);
	WRITE_ONCE(store->commit_backoff,
		   clamp(2 * store->commit_backoff, COMMIT_BACKOFF_MIN,
			 COMMIT_BACKOFF_MAX));
	/* A fill that came meanwhile may have queued it for an earlier time. */
	mod_delayed_work(store->commit_wq, &store->commit_work,
			 commit_delay(store));
}
