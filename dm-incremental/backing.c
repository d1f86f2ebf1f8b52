// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backing device of a store: its metadata pages, bios on it, and until when
 * a loader's call may use it.
 */
#include "backing.h"

/**
 * dm_inc_backing_bio_init - prepare a bio on the backing device
 * @store: alive
 * @bio: initialised here; the caller adds pages, submits and uninits it
 * @table: room for its pages
 * @nr_vecs: number of entries of @table
 * @opf: operation and flags
 * @offset: bytes in the image file, a multiple of 4096
 */
void dm_inc_backing_bio_init(struct inc_store *store, struct bio *bio,
			     struct bio_vec *table, unsigned short nr_vecs,
			     blk_opf_t opf, u64 offset)
{
	bio_init(bio, store->bdev, table, nr_vecs, opf);
	bio->bi_iter.bi_sector = offset >> SECTOR_SHIFT;
}

/**
 * dm_inc_backing_get_page - hold a metadata page
 * @store: alive
 * @page: its place, in 4096-byte units of the image file; must be present, and
 *	have been found so in the same section of store->readers (clear.c)
 * @buf: to be released with dm_bufio_release(), before another is held
 * @cached: take it from the cache or not at all
 *
 * Context: process; sleeps. With @cached it waits for no I/O, but may sleep for a
 * lock of dm-bufio's: the client's mutex on 6.1, a semaphore on 6.12, as the
 * client is not DM_BUFIO_CLIENT_NO_SLEEP. dm-bufio holds neither over I/O or
 * while it waits for memory, as no page is ever dirty. Return: its bytes, or an
 * ERR_PTR: -EAGAIN if @cached and it is not, another negative errno.
 */
void *dm_inc_backing_get_page(struct inc_store *store, u64 page,
			      struct dm_buffer **buf, bool cached)
{
	void *data;

	if (!cached)
		return dm_bufio_read(store->bufio, page, buf);
	data = dm_bufio_get(store->bufio, page, buf);
	return data ?: ERR_PTR(-EAGAIN);
}

/**
 * dm_inc_backing_copy_page - copy from a metadata page
 * @store: alive
 * @page: its place, as for dm_inc_backing_get_page()
 * @offset: first byte wanted of it
 * @buffer: receives @length bytes
 * @length: @offset + @length is at most 4096
 * @cached: take it from the cache or not at all
 *
 * Context: as of dm_inc_backing_get_page(). Return: 0, -EAGAIN if @cached and it is
 * not, or another negative errno.
 */
int dm_inc_backing_copy_page(struct inc_store *store, u64 page, u32 offset,
			     void *buffer, u32 length, bool cached)
{
	struct dm_buffer *buf;
	void *data;

	data = dm_inc_backing_get_page(store, page, &buf, cached);
	if (IS_ERR(data))
		return PTR_ERR(data);
	memcpy(buffer, data + offset, length);
	dm_bufio_release(buf);
	return 0;
}

/**
 * dm_inc_backing_enter - begin a loader's use of the backing device
 * @store: its memory is held
 *
 * Context: process; sleeps while the store is being shut down. Return: false if it
 * is shut down, or if the caller was killed; else the caller ends its use with
 * dm_inc_backing_leave() soon, as shutting down waits for that.
 */
bool dm_inc_backing_enter(struct inc_store *store)
{
	/* Where the store's end waits for earlier calls, this waits with it. */
	if (down_read_killable(&store->live))
		return false;
	if (!store->dead)
		return true;
	up_read(&store->live);
	return false;
}

/**
 * dm_inc_backing_leave - end a loader's use of the backing device
 * @store: for which dm_inc_backing_enter() returned true
 */
void dm_inc_backing_leave(struct inc_store *store)
{
	up_read(&store->live);
}
