// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the segments of a store's image (segments.c).
 *
 * They are looked for when the store is created, and again when a table asks
 * for a generation that is not among them: the image may have been extended
 * meanwhile, and the backing device may have grown with it.
 *
 * Found segments are published together with the view of the last of them,
 * after it has passed every check, its root digest being the table's. A failure
 * before that leaves the image as it was, to be tried again, so a wrong layer
 * cannot take the place of the right one. (A new store takes all segments that
 * there are, as no reader has used them before.) Looking for segments waits for the
 * backing device, but for no loader; only other tables of the store wait for it.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "backing.h"
#include "grow.h"
#include "presence.h"
#include "segments.h"

static u64 found_end(const struct inc_store *store)
{
	return store->nr_found ? dm_inc_segment(store, store->nr_found - 1)->end : 0;
}

/* The device may have held a longer image before, whose layers are not ours. */
static bool same_image(const struct inc_segment *a, const struct inc_segment *b)
{
	return a->chunk_shift == b->chunk_shift &&
	       !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}

/*
 * Is it the next segment? A writer that appends one writes the magic number last,
 * so without it there is none. @error is a constant, although dm's type is not;
 * dm only prints it.
 */
static int check_super(const struct inc_store *store,
		       const struct inc_super *super, u64 offset,
		       u64 device_size, struct inc_segment *seg, char **error)
{
	const char *why;

	if (offset && memcmp(super->magic, INC_MAGIC, sizeof(super->magic))) {
		*error = "Image has no such generation";
		return -EINVAL;
	}
	if (dm_inc_segment_parse(super, offset, device_size, seg, &why)) {
		*error = (char *)why;
		return -EINVAL;
	}
	if (seg->generation != store->nr_found) {
		*error = "Next segment is not of the next generation";
		return -EINVAL;
	}
	if (store->nr_found && !same_image(seg, dm_inc_segment(store, 0))) {
		*error = "Next segment belongs to another image";
		return -EINVAL;
	}
	return 0;
}

static int find_next(struct inc_store *store, char **error)
{
	u64 device_size = bdev_nr_bytes(store->bdev);
	u64 offset = found_end(store);
	struct inc_segment *seg;
	struct inc_super *super;
	int r = -ENOMEM;

	if (store->nr_found == INC_SEGMENTS_MAX ||
	    offset + INC_BLOCK_SIZE > device_size) {
		*error = offset ? "Image has no such generation" :
			 "Backing device is smaller than a superblock";
		return -EINVAL;
	}
	*error = "Cannot allocate segments";
	seg = kmalloc(sizeof(*seg), GFP_KERNEL);
	super = kmalloc(sizeof(*super), GFP_KERNEL);
	if (!seg || !super)
		goto bad;
	r = dm_inc_backing_copy_page(store, offset >> INC_PAGE_SHIFT, 0, super,
				     sizeof(*super), false);
	if (r) {
		*error = "Cannot read a superblock";
		goto bad;
	}
	r = check_super(store, super, offset, device_size, seg, error);
	if (r)
		goto bad;
	*error = "Cannot allocate segments";
	r = dm_inc_segments_add(store, seg);
	if (r)
		goto bad;
	kfree(super);
	return 0;

bad:
	kfree(super);
	kfree(seg);
	return r;
}

static int load_next(struct inc_store *store, char **error)
{
	u8 *head;
	int r;

	r = find_next(store, error);
	if (r)
		return r;
	head = dm_inc_segment_head(store, dm_inc_segment(store, store->nr_found - 1),
				   error);
	if (IS_ERR(head))
		return PTR_ERR(head);
	kvfree(head);
	*error = "Cannot load presence bitmap";
	return dm_inc_presence_load(store, store->nr_found - 1);
}

/**
 * dm_inc_grow_begin - begin to load a table, whose generation may be a new one
 * @store: alive
 *
 * Context: process; sleeps while another table of the store is being loaded.
 * Return: 0, or -EINTR if the caller was killed meanwhile.
 */
int dm_inc_grow_begin(struct inc_store *store)
{
	return mutex_lock_killable(&store->grow_mutex);
}

/**
 * dm_inc_grow_find - the segment of a generation
 * @store: between dm_inc_grow_begin() and dm_inc_grow_end()
 * @generation: its number
 * @error: on failure, a sentence for the target
 *
 * If the image has none so far this looks for it in the backing device. It is
 * gone after dm_inc_grow_end() if dm_inc_grow_publish() does not come before.
 *
 * Context: process; sleeps, may do I/O. Return: the segment or an ERR_PTR.
 */
const struct inc_segment *dm_inc_grow_find(struct inc_store *store, u32 generation,
					   char **error)
{
	u64 end = found_end(store);
	int r;

	/*
	 * Cached pages from past the end are of no use now: they hold no
	 * superblock, or the head of a refused layer. No read looks there.
	 */
	if (generation >= store->nr_found)
		dm_bufio_forget_buffers(store->bufio, end >> INC_PAGE_SHIFT,
					(INC_IMAGE_SIZE_MAX - end) >>
					INC_PAGE_SHIFT);
	while (generation >= store->nr_found) {
		r = load_next(store, error);
		if (r)
			return ERR_PTR(r);
	}
	return dm_inc_segment(store, generation);
}

/**
 * dm_inc_grow_publish - make the segments that were found part of the image
 * @store: between dm_inc_grow_begin() and dm_inc_grow_end(), or being created
 * @nr_opened: segments up to the generation that was opened, 0 for none; loaders
 *	are told if no generation that late was opened before
 *
 * Context: process.
 */
void dm_inc_grow_publish(struct inc_store *store, u32 nr_opened)
{
	mutex_lock(&store->lock);
	/* First: "complete" must never be said of chunks that are absent. */
	dm_inc_presence_publish(store);
	/* Pairs with dm_inc_store_nr_segments(). */
	smp_store_release(&store->nr_segments, store->nr_found);
	WRITE_ONCE(store->nr_opened, max(store->nr_opened, nr_opened));
	mutex_unlock(&store->lock);
}

static void drop_found(struct inc_store *store)
{
	dm_inc_presence_drop(store);
	while (store->nr_found > store->nr_segments)
		kfree(dm_inc_segment(store, --store->nr_found));
}

/**
 * dm_inc_grow_end - end the loading of a table, which was accepted or refused
 * @store: after dm_inc_grow_begin(); forgets segments that were not published
 */
void dm_inc_grow_end(struct inc_store *store)
{
	drop_found(store);
	mutex_unlock(&store->grow_mutex);
}

/**
 * dm_inc_grow_load - find the segments of a store that is being created
 * @store: its bufio is set
 * @error: on failure, a sentence for the target
 *
 * Finds all that there are. A view that wants a generation which is not among
 * them looks again, and reports the fault.
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno;
 * dm_inc_segments_free() frees what there is.
 */
int dm_inc_grow_load(struct inc_store *store, char **error)
{
	u32 number;
	int r;

	do
		r = find_next(store, error);
	while (!r);
	if (r != -EINVAL || !store->nr_found)
		return r;

	store->chunk_shift = dm_inc_segment(store, 0)->chunk_shift;
	*error = "Cannot load presence bitmap";
	r = dm_inc_presence_init(store);
	for (number = 0; !r && number < store->nr_found; number++)
		r = dm_inc_presence_load(store, number);
	if (!r)
		dm_inc_grow_publish(store, 0);
	return r;
}
