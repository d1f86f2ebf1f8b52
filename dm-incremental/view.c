// SPDX-License-Identifier: GPL-2.0-only
/*
 * A view: one generation of an image, as a table opened it. Its directories
 * say where the pages of the map and of the hash tree are; the map says where
 * the data is. read.c reads it.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "backing.h"
#include "batch.h"
#include "expand.h"
#include "grow.h"
#include "segments.h"
#include "signature.h"
#include "trace.h"
#include "verity.h"
#include "view.h"

/**
 * dm_inc_view_bad - report a corrupt stored object
 * @view: the view
 * @bad: the object
 * @heals: it is being fetched again
 *
 * Counts, logs (rate-limited for each view, so that one that is full of damage
 * does not silence another), traces and sends a dm event.
 */
void dm_inc_view_bad(struct inc_view *view, const struct inc_bad *bad, bool heals)
{
	struct inc_store *store = view->store;

	atomic64_inc(&view->nr_hash_failures);
	if (__ratelimit(&view->log_limit))
		DMERR("%s: %s of block %llu is corrupt, at image offset %llu%s",
		      dm_table_device_name(view->ti->table), bad->what,
		      bad->block, bad->offset,
		      heals ? ": fetching it again" : "");
	trace_incremental_hash_failure(store->bdev_dev, bad->what, bad->block,
				       bad->offset);
	schedule_work(&store->event_work);
}

/**
 * dm_inc_view_bad_entry - note that a map entry is malformed or impossible
 * @view: the view
 * @block: the block that the entry is of
 * @damage: gets the entry's page
 *
 * Return: -EBADMSG.
 */
int dm_inc_view_bad_entry(struct inc_view *view, u64 block,
			  struct inc_damage *damage)
{
	struct inc_bad bad = { .what = "map entry", .block = block,
			       .length = INC_PAGE_SIZE };

	bad.offset = dm_inc_view_map_page(view, inc_map_page(block)) <<
		     INC_PAGE_SHIFT;
	dm_inc_damage_add(damage, &bad);
	return -EBADMSG;
}

/**
 * dm_inc_view_absent - collect the absent metadata of some blocks
 * @view: the view
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 * @ranges: absent map pages and tree pages are added
 */
void dm_inc_view_absent(struct inc_view *view, u64 block, u32 blocks,
			struct inc_ranges *ranges)
{
	const struct inc_tree *tree = &view->segment->tree;
	u64 last_block = block + blocks - 1;
	u64 page, last;
	u32 level, ignored;

	for (page = inc_map_page(block); page <= inc_map_page(last_block);
	     page++)
		dm_inc_ranges_add(view->store, ranges,
				  dm_inc_view_map_page(view, page) << INC_PAGE_SHIFT,
				  INC_PAGE_SIZE);
	for (level = 0; level < tree->levels; level++) {
		page = dm_inc_tree_page(tree, level, block, &ignored);
		last = dm_inc_tree_page(tree, level, last_block, &ignored);
		for (; page <= last; page++)
			dm_inc_ranges_add(view->store, ranges,
					  dm_inc_verity_page(view, page) <<
					  INC_PAGE_SHIFT, INC_PAGE_SIZE);
	}
}

/**
 * dm_inc_view_extents - look up the extents of some blocks
 * @view: the view; the map pages of the blocks are present
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 * @entries: receives their map entries
 * @extents: receives those decoded; they are bounds-checked, but hostile
 * @cached: take nothing but cached pages, as dm_inc_backing_get_page() does
 * @damage: gets the page of a malformed entry, unless @cached
 *
 * Context: process, in the section of store->readers in which the map pages
 * were found present. Return: 0; -EAGAIN if @cached and a page is not, or an
 * entry is malformed; -EBADMSG if one is and not @cached; another negative
 * errno.
 */
int dm_inc_view_extents(struct inc_view *view, u64 block, u32 blocks,
			__le64 *entries, struct inc_extent *extents, bool cached,
			struct inc_damage *damage)
{
	u32 done = 0, i;
	int r;

	while (done < blocks) {
		u32 index = inc_map_index(block + done);
		u32 count = min_t(u32, blocks - done,
				  INC_ENTRIES_PER_PAGE - index);
		u64 page = inc_map_page(block + done);

		r = dm_inc_backing_copy_page(view->store,
					     dm_inc_view_map_page(view, page),
					     index * sizeof(*entries),
					     entries + done,
					     count * sizeof(*entries), cached);
		if (r)
			return r;
		done += count;
	}
	for (i = 0; i < blocks; i++)
		if (dm_inc_entry_decode(le64_to_cpu(entries[i]),
					view->segment->cluster_shift,
					view->segment->end, &extents[i]) ||
		    (extents[i].codec == INC_CODEC_LZ4_DICT &&
		     !dm_inc_segment_at(view->store, extents[i].offset)->dictionary_size) ||
		    (extents[i].codec == INC_CODEC_LZ4_REFERENCES &&
		     !dm_inc_segment_at(view->store, extents[i].offset)->references))
			return cached ? -EAGAIN :
			       dm_inc_view_bad_entry(view, block + i, damage);
	return 0;
}

static struct inc_run *copy_dir(const u8 *head, u32 offset, u32 count)
{
	size_t bytes = count * sizeof(struct inc_run);
	struct inc_run *runs = kvmalloc(bytes, GFP_KERNEL);

	if (runs)
		memcpy(runs, head + offset, bytes);
	return runs;
}

static int load_dirs(struct inc_view *view, const u8 *head, char **error)
{
	const struct inc_segment *seg = view->segment;
	const char *why;
	int r;

	r = dm_inc_signature_check(view, head, error);
	if (r)
		return r;
	*error = "Cannot allocate directories";
	view->map_dir = copy_dir(head, seg->map_dir_offset, seg->map_runs);
	if (!view->map_dir)
		return -ENOMEM;
	r = dm_inc_dir_check(view->map_dir, seg->map_runs, seg->map_pages,
			     seg->end, &why);
	if (!r && seg->tree_runs) {
		view->tree_dir = copy_dir(head, seg->tree_dir_offset,
					  seg->tree_runs);
		if (!view->tree_dir)
			return -ENOMEM;
		r = dm_inc_dir_check(view->tree_dir, seg->tree_runs,
				     seg->tree.pages, seg->end, &why);
	}
	if (r)
		*error = (char *)why;
	return r;
}

/* The table's root digest, hash and salt must be the image's. */
static int check_trust(struct inc_view *view, char **error)
{
	const struct inc_segment *seg = view->segment;
	const struct inc_verity *verity = &view->verity;

	if (strncmp(verity->hash_name, seg->hash_name, sizeof(seg->hash_name)) ||
	    verity->digest_size != seg->digest_size) {
		*error = "Hash algorithm in the table is not the image's";
		return -EINVAL;
	}
	if (verity->salt_size != seg->salt_size ||
	    (seg->salt_size &&
	     memcmp(verity->salt, seg->salt, seg->salt_size))) {
		*error = "Salt in the table is not the image's";
		return -EINVAL;
	}
	if (memcmp(verity->root, seg->root_digest, seg->digest_size)) {
		*error = "Root digest in the table is not the image's";
		return -EINVAL;
	}
	return 0;
}

/**
 * dm_inc_view_open - make a view ready to be read
 * @view: @ti, @store, @generation and @verity are set; the rest is zero. The
 *	store is between dm_inc_grow_begin() and dm_inc_grow_end()
 * @error: on failure, a sentence for the target
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno; on
 * failure, too, dm_inc_view_close() frees what there is.
 */
int dm_inc_view_open(struct inc_view *view, char **error)
{
	const struct inc_segment *seg;
	u8 *head;
	int r;

	seg = dm_inc_grow_find(view->store, view->generation, error);
	if (IS_ERR(seg))
		return PTR_ERR(seg);
	view->segment = seg;
	ratelimit_state_init(&view->log_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	r = check_trust(view, error);
	if (r)
		return r;

	head = dm_inc_segment_head(view->store, seg, error);
	if (IS_ERR(head))
		return PTR_ERR(head);
	r = load_dirs(view, head, error);
	kvfree(head);
	if (r)
		return r;

	*error = "Cannot allocate read buffers";
	r = dm_inc_areas_get(seg->cluster_shift);
	if (r)
		return r;
	view->areas = seg->cluster_shift + 1;
	r = dm_inc_buffers_alloc(view);
	if (r)
		return r;
	view->wq = alloc_workqueue("dm-incremental",
				   WQ_MEM_RECLAIM | WQ_UNBOUND,
				   view->nr_buffers);
	return view->wq ? 0 : -ENOMEM;
}

/**
 * dm_inc_view_close - free what dm_inc_view_open() made
 * @view: no read of it is in flight, nor a window
 *
 * The workqueue first: its workers may still use the view after a bio, or the
 * last window, has ended.
 */
void dm_inc_view_close(struct inc_view *view)
{
	if (view->wq)
		destroy_workqueue(view->wq);
	dm_inc_buffers_free(view);
	if (view->areas)
		dm_inc_areas_put(view->areas - 1);
	kvfree(view->map_dir);
	kvfree(view->tree_dir);
	kfree(view->signature);
}
