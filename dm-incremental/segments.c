// SPDX-License-Identifier: GPL-2.0-only
/*
 * The segments of a store's image: each starts where the one before it ends.
 *
 *	store->segments:  0  1  2  3 | 4  5 |
 *	                 nr_segments-'      '-nr_found
 *
 * Those below nr_segments are the image. They never change and never move, nor
 * do the bits of their chunks (presence.c). The size of the image and the number
 * of its chunks follow from them. So the one store to nr_segments in
 * dm_inc_grow_publish() makes the image longer, for everybody at once. A reader of
 * nr_segments may use the segments below it without a lock, as long as the
 * store lives. Nobody but the holder of grow_mutex knows of those from there on
 * (grow.c): reads of older generations stay inside the segments of these
 * (dm_inc_dir_check(), dm_inc_entry_decode()), loaders' calls below the size.
 */
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "segments.h"

/* The head's digest, an unsalted SHA-256, finds a corrupt head before it is parsed. */
static int check_digest(const struct inc_segment *seg, u8 *head, char **error)
{
	u8 digest[sizeof(seg->head_digest)];
	struct crypto_shash *tfm;
	int r;

	*error = "Cannot hash the image's head";
	tfm = crypto_alloc_shash("sha256", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	memset(head + offsetof(struct inc_super, head_digest), 0,
	       sizeof(digest));
	r = crypto_shash_tfm_digest(tfm, head, seg->head_size, digest);
	crypto_free_shash(tfm);
	if (!r && memcmp(digest, seg->head_digest, sizeof(digest))) {
		*error = "Image's head does not match its digest: it is corrupt";
		r = -EINVAL;
	}
	return r;
}

/**
 * dm_inc_segment_head - read a segment's head and check its digest
 * @store: alive
 * @seg: one of its segments, published or not
 * @error: on failure, a sentence for the target
 *
 * Context: process; sleeps, does I/O. Return: seg->head_size bytes, at most
 * INC_HEAD_SIZE_MAX, in which the digest is zeros; to be freed with kvfree().
 * Or an ERR_PTR.
 */
u8 *dm_inc_segment_head(struct inc_store *store, const struct inc_segment *seg,
			char **error)
{
	u8 *head = kvmalloc(seg->head_size, GFP_KERNEL);
	u32 at;
	int r = 0;

	if (!head) {
		*error = "Cannot allocate head";
		return ERR_PTR(-ENOMEM);
	}
	*error = "Cannot read the image's head";
	for (at = 0; !r && at < seg->head_size; at += INC_PAGE_SIZE)
		r = dm_inc_backing_copy_page(store,
					     (seg->offset + at) >> INC_PAGE_SHIFT,
					     0, head + at, INC_PAGE_SIZE, false);
	if (!r)
		r = check_digest(seg, head, error);
	if (!r)
		return head;
	kvfree(head);
	return ERR_PTR(r);
}

/**
 * dm_inc_segments_add - put a segment that was found behind the others
 * @store: its @grow_mutex is held, or it is being created; it has fewer than
 *	INC_SEGMENTS_MAX
 * @seg: allocated with kmalloc(); the store's if this succeeds
 *
 * Context: process; sleeps. Return: 0 or -ENOMEM.
 */
int dm_inc_segments_add(struct inc_store *store, struct inc_segment *seg)
{
	struct inc_segment ***page = &store->segments[store->nr_found /
						      INC_TABLE_POINTERS];

	if (!*page)
		*page = kzalloc(INC_PAGE_SIZE, GFP_KERNEL);
	if (!*page)
		return -ENOMEM;
	(*page)[store->nr_found++ % INC_TABLE_POINTERS] = seg;
	return 0;
}

/**
 * dm_inc_segments_free - free what dm_inc_grow_load() and growth made
 * @store: its memory goes
 */
void dm_inc_segments_free(struct inc_store *store)
{
	u32 i;

	while (store->nr_found)
		kfree(dm_inc_segment(store, --store->nr_found));
	for (i = 0; i < ARRAY_SIZE(store->segments); i++)
		kfree(store->segments[i]);
}

/**
 * dm_inc_segment_at - the segment that holds a byte
 * @store: the store
 * @offset: bytes in the image file, below dm_inc_store_size()
 */
const struct inc_segment *dm_inc_segment_at(struct inc_store *store, u64 offset)
{
	u32 low = 0, high = dm_inc_store_nr_segments(store);

	/* Invariant: segments[low] starts at @offset or before, [high] after. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (dm_inc_segment(store, middle)->offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return dm_inc_segment(store, low);
}
