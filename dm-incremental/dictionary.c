// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dictionaries, from which LZ4 starts in extents of INC_CODEC_LZ4_DICT. A
 * segment may have one, for the extents that lie in it.
 *
 * The first lookup that needs a dictionary loads it. The store keeps it for all
 * its views until one of its chunks is cleared, or until there are too many and
 * it is the one not used for longest. A read holds its dictionaries from its
 * lookup on. The kernel knows no digest of a dictionary: a wrong one yields
 * blocks that do not match theirs, and is asked for with them (heal.c).
 *
 * Loading is part of a lookup, so a clear waits for it, and no lookup after a
 * clear finds a dictionary that was loaded before it (clear.c).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "backing.h"
#include "dictionary.h"

/* The most that a store keeps: 4 MiB in all, for any image. */
#define DICTIONARIES_MAX	64

static atomic64_t last_id;

static struct inc_dictionary *find(struct inc_store *store, u64 offset)
{
	struct inc_dictionary *dictionary;

	list_for_each_entry(dictionary, &store->dictionaries, list) {
		if (dictionary->offset != offset)
			continue;
		refcount_inc(&dictionary->users);
		list_move(&dictionary->list, &store->dictionaries);
		return dictionary;
	}
	return NULL;
}

static struct inc_dictionary *load(struct inc_store *store,
				   const struct inc_segment *seg)
{
	struct inc_dictionary *dictionary;
	unsigned int noio;
	u32 at;
	int r = 0;

	noio = memalloc_noio_save();
	dictionary = kvmalloc(struct_size(dictionary, data,
					  seg->dictionary_size), GFP_KERNEL);
	memalloc_noio_restore(noio);
	if (!dictionary)
		return ERR_PTR(-ENOMEM);
	refcount_set(&dictionary->users, 1);
	dictionary->id = atomic64_inc_return(&last_id);
	dictionary->offset = seg->dictionary_offset;
	dictionary->size = seg->dictionary_size;
	for (at = 0; !r && at < dictionary->size; at += INC_PAGE_SIZE)
		r = dm_inc_backing_copy_page(store, (dictionary->offset + at) >>
					       INC_PAGE_SHIFT, 0,
					     dictionary->data + at,
					     min(dictionary->size - at,
						 INC_PAGE_SIZE), false);
	if (!r)
		return dictionary;
	dm_inc_dictionary_put(dictionary);
	return ERR_PTR(r);
}

/**
 * dm_inc_dictionary_get - hold a segment's dictionary
 * @store: alive
 * @seg: one of its segments, with a dictionary, whose chunks are present
 * @cached: only if it is loaded; then this does not sleep
 *
 * Context: process, in the section of store->readers in which its chunks were
 * found present. Return: the dictionary, which dm_inc_dictionary_put() gives back;
 * or an ERR_PTR: -EAGAIN if @cached and it is not, another negative errno.
 */
struct inc_dictionary *dm_inc_dictionary_get(struct inc_store *store,
					     const struct inc_segment *seg,
					     bool cached)
{
	struct inc_dictionary *dictionary, *other, *oldest = NULL;

	spin_lock(&store->dictionaries_lock);
	dictionary = find(store, seg->dictionary_offset);
	spin_unlock(&store->dictionaries_lock);
	if (dictionary)
		return dictionary;
	if (cached)
		return ERR_PTR(-EAGAIN);

	dictionary = load(store, seg);
	if (IS_ERR(dictionary))
		return dictionary;
	spin_lock(&store->dictionaries_lock);
	other = find(store, seg->dictionary_offset);
	if (!other) {
		refcount_inc(&dictionary->users);
		list_add(&dictionary->list, &store->dictionaries);
		if (store->nr_dictionaries == DICTIONARIES_MAX) {
			oldest = list_last_entry(&store->dictionaries,
						 struct inc_dictionary, list);
			list_del(&oldest->list);
		} else {
			store->nr_dictionaries++;
		}
	}
	spin_unlock(&store->dictionaries_lock);
	if (oldest)
		dm_inc_dictionary_put(oldest);
	if (!other)
		return dictionary;
	dm_inc_dictionary_put(dictionary);
	return other;
}

/**
 * dm_inc_dictionary_put - release a dictionary
 * @dictionary: from dm_inc_dictionary_get()
 *
 * Context: process; may sleep.
 */
void dm_inc_dictionary_put(struct inc_dictionary *dictionary)
{
	if (refcount_dec_and_test(&dictionary->users))
		kvfree(dictionary);
}

/**
 * dm_inc_dictionary_forget - forget dictionaries that were loaded from some chunks
 * @store: the store
 * @first: first chunk
 * @last: last chunk; they are absent, and no lookup that saw them is left
 *
 * Context: process; may sleep.
 */
void dm_inc_dictionary_forget(struct inc_store *store, u64 first, u64 last)
{
	u64 start = first << store->chunk_shift;
	u64 end = (last + 1) << store->chunk_shift;
	struct inc_dictionary *dictionary, *next;
	LIST_HEAD(old);

	spin_lock(&store->dictionaries_lock);
	list_for_each_entry_safe(dictionary, next, &store->dictionaries, list) {
		if (dictionary->offset >= end ||
		    dictionary->offset + dictionary->size <= start)
			continue;
		list_move(&dictionary->list, &old);
		store->nr_dictionaries--;
	}
	spin_unlock(&store->dictionaries_lock);
	list_for_each_entry_safe(dictionary, next, &old, list)
		dm_inc_dictionary_put(dictionary);
}
