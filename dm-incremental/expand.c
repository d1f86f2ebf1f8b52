// SPDX-License-Identifier: GPL-2.0-only
/*
 * Expanding clusters.
 *
 * A cluster is expanded in an area, with which a worker does nothing but expand,
 * hash and copy: it waits for no I/O, no memory and no lock meanwhile. So all
 * devices share the areas. There is one for each processor at most, the first is
 * allocated when a view is opened, and a worker that gets none waits for one that
 * another worker is about to return. All are as large as the largest cluster of any
 * view needs it.
 *
 * An area has room for a dictionary right before its output. LZ4 is faster there:
 * LZ4_decompress_safe_usingDict() finds that the dictionary ends where the output
 * starts, and takes both for one piece of memory. This must hold for it:
 *
 *	area->output - dictionary->size .. area->output	is the dictionary with
 *			area->held as its id, byte by byte. LZ4 reads these
 *			bytes and writes none before area->output; nothing else
 *			writes there but hold().
 *
 * What an extent refers to is expanded to the same place, in an area whose dictionary
 * is lost then. The next extent mostly refers to some of the same: what the window
 * ends with and the next one begins with is moved. That holds until the area is
 * returned, as the file may have changed after.
 *
 * What an area has expanded last stays there, for the next read of the same cluster:
 * small reads along a large cluster would expand it again and again. Such a reader
 * hashes its blocks like any other. If they do not match it takes the way through the
 * file, which may have changed.
 *
 * Copying a dictionary costs as much as some clusters gain, so an area takes over
 * another one when SWITCH_AFTER clusters in a row have needed it. Until then it is
 * read where it is.
 */
#include <linux/cpumask.h>
#include <linux/lz4.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "expand.h"

#define SWITCH_AFTER	8

static DEFINE_MUTEX(open_mutex);	/* nr_open */
static unsigned int nr_open[INC_CLUSTER_SHIFT_MAX + 1]; /* views, by cluster_shift */

static DEFINE_SPINLOCK(areas_lock);	/* the rest */
static u32 area_size;			/* output of an area; open_mutex, too */
static LIST_HEAD(free_areas);		/* of that size or larger; used last first */
static unsigned int nr_areas;
static DECLARE_WAIT_QUEUE_HEAD(areas_wait);

static void free_area(struct inc_area *area)
{
	kvfree(area->memory);
	kfree(area);
}

static struct inc_area *alloc_area(u32 size, gfp_t flags)
{
	struct inc_area *area = kzalloc(sizeof(*area), GFP_KERNEL | flags);

	if (!area)
		return NULL;
	area->output_size = size;
	area->memory = kvmalloc(INC_DICTIONARY_MAX + size + INC_BLOCK_SIZE,
				GFP_KERNEL | flags);
	if (!area->memory) {
		kfree(area);
		return NULL;
	}
	area->output = area->memory + INC_DICTIONARY_MAX;
	return area;
}

static void free_areas_of(struct list_head *areas)
{
	struct inc_area *area, *next;

	list_for_each_entry_safe(area, next, areas, list)
		free_area(area);
}

/* From now on all areas have @size; @area is the first, or NULL. */
static void resize(u32 size, struct inc_area *area)
{
	struct inc_area *old;
	LIST_HEAD(free);

	spin_lock(&areas_lock);
	list_splice_init(&free_areas, &free);
	list_for_each_entry(old, &free, list)
		nr_areas--;
	if (area) {
		list_add(&area->list, &free_areas);
		nr_areas++;
	}
	area_size = size;
	spin_unlock(&areas_lock);
	free_areas_of(&free);
	if (area)
		wake_up_all(&areas_wait);
}

/**
 * dm_inc_areas_get - a view is being opened: see that there is an area for it
 * @cluster_shift: of its largest clusters
 *
 * Context: process; sleeps. Return: 0, and dm_inc_areas_put() when the view is
 * closed; or -ENOMEM.
 */
int dm_inc_areas_get(u32 cluster_shift)
{
	u32 size = INC_BLOCK_SIZE << cluster_shift;
	struct inc_area *area;
	int r = 0;

	mutex_lock(&open_mutex);
	if (size > area_size) {
		area = alloc_area(size, 0);
		if (area)
			resize(size, area);
		else
			r = -ENOMEM;
	}
	if (!r)
		nr_open[cluster_shift]++;
	mutex_unlock(&open_mutex);
	return r;
}

/**
 * dm_inc_areas_put - a view is being closed
 * @cluster_shift: as for dm_inc_areas_get(), which returned 0
 *
 * Context: process; sleeps. The last view frees all areas, as no read is left.
 */
void dm_inc_areas_put(u32 cluster_shift)
{
	mutex_lock(&open_mutex);
	nr_open[cluster_shift]--;
	if (!memchr_inv(nr_open, 0, sizeof(nr_open)))
		resize(0, NULL);
	mutex_unlock(&open_mutex);
}

/* The one used last, or the one that has the dictionary. */
static struct inc_area *find_free(u64 id)
{
	struct inc_area *area;

	list_for_each_entry(area, &free_areas, list)
		if (!id || area->held == id)
			return area;
	return list_first_entry_or_null(&free_areas, struct inc_area, list);
}

/* NULL if none is free. Then one of *size may be allocated, if that is not 0. */
static struct inc_area *take_free(u64 id, u32 *size)
{
	struct inc_area *area;

	spin_lock(&areas_lock);
	area = find_free(id);
	if (area) {
		list_del(&area->list);
	} else if (size && nr_areas < num_online_cpus()) {
		*size = area_size;
		nr_areas++;
	}
	spin_unlock(&areas_lock);
	return area;
}

static struct inc_area *take_new(u32 size)
{
	unsigned int noio = memalloc_noio_save();
	struct inc_area *area;

	area = alloc_area(size, __GFP_NORETRY | __GFP_NOWARN);
	memalloc_noio_restore(noio);
	if (area)
		return area;
	spin_lock(&areas_lock);
	nr_areas--;
	spin_unlock(&areas_lock);
	return NULL;
}

/**
 * dm_inc_area_take - get an area for some clusters
 * @dictionary: that the first is expanded with, or NULL
 *
 * Context: a worker; may sleep, until another one returns an area. Return: the
 * area, large enough for the clusters of every open view; never NULL. Until
 * dm_inc_area_return() the worker must not wait for anything.
 */
struct inc_area *dm_inc_area_take(const struct inc_dictionary *dictionary)
{
	u64 id = dictionary ? dictionary->id : 0;
	struct inc_area *area;
	u32 size = 0;

	area = take_free(id, &size);
	if (!area && size)
		area = take_new(size);
	if (!area)
		wait_event(areas_wait, (area = take_free(id, NULL)));
	area->window.count = 0;
	return area;
}

/* With areas_lock. */
static struct inc_area *find_kept(const struct inc_cluster *cluster, u32 end)
{
	struct inc_area *area;

	list_for_each_entry(area, &free_areas, list)
		if (area->kept.view == cluster->view &&
		    area->kept.block == cluster->block && area->kept_bytes >= end)
			return area;
	return NULL;
}

/**
 * dm_inc_area_kept - has a free area this cluster?
 * @cluster: the cluster
 * @end: bytes of it that are needed, from its start on
 *
 * Context: any, but no interrupt.
 */
bool dm_inc_area_kept(const struct inc_cluster *cluster, u32 end)
{
	bool kept;

	spin_lock(&areas_lock);
	kept = find_kept(cluster, end);
	spin_unlock(&areas_lock);
	return kept;
}

/**
 * dm_inc_area_take_kept - get the area that has a cluster
 * @cluster: the cluster
 * @end: bytes of it that are needed, from its start on
 *
 * Context: as dm_inc_area_take(), but it does not sleep. Return: the area, or NULL if
 * none has it.
 */
struct inc_area *dm_inc_area_take_kept(const struct inc_cluster *cluster, u32 end)
{
	struct inc_area *area;

	spin_lock(&areas_lock);
	area = find_kept(cluster, end);
	if (area)
		list_del(&area->list);
	spin_unlock(&areas_lock);
	return area;
}

/**
 * dm_inc_area_forget - what an area has of a cluster is of no use
 * @area: taken
 */
void dm_inc_area_forget(struct inc_area *area)
{
	area->kept.view = 0;
}

/**
 * dm_inc_area_put_aside - keep a block from what is expanded next
 * @area: taken
 * @block: INC_BLOCK_SIZE bytes, maybe of what @area has expanded last
 *
 * There is one such place: it keeps the block until the next call that moves one.
 *
 * Return: where the block is now.
 */
const u8 *dm_inc_area_put_aside(struct inc_area *area, const u8 *block)
{
	u8 *aside = area->output + area->output_size;

	if (block < area->output || block >= aside)
		return block;
	return memcpy(aside, block, INC_BLOCK_SIZE);
}

/**
 * dm_inc_area_return - give an area back
 * @area: from dm_inc_area_take()
 */
void dm_inc_area_return(struct inc_area *area)
{
	bool small;

	spin_lock(&areas_lock);
	small = area->output_size < area_size;
	if (small)
		nr_areas--;
	else
		list_add(&area->list, &free_areas);
	spin_unlock(&areas_lock);
	if (small)
		free_area(area);
	else if (wq_has_sleeper(&areas_wait))
		wake_up(&areas_wait);
}

/*
 * Where @dictionary is to be read: right before the output if it is there, or if
 * it pays to copy it there now.
 */
static const u8 *hold(struct inc_area *area,
		      const struct inc_dictionary *dictionary)
{
	u8 *place = area->output - dictionary->size;

	if (area->held == dictionary->id)
		return place;
	if (area->next != dictionary->id) {
		area->next = dictionary->id;
		area->nr_next = 0;
	}
	if (++area->nr_next < SWITCH_AFTER)
		return dictionary->data;
	area->window.count = 0;
	memcpy(place, dictionary->data, dictionary->size);
	area->held = dictionary->id;
	area->next = 0;
	return place;
}

static int expand_plain(struct inc_area *area, const struct inc_extent *extent,
			const u8 *stored, u32 end)
{
	u32 bytes = inc_cluster_bytes(extent);

	if (end < bytes)
		return LZ4_decompress_safe_partial(stored, area->output,
						   extent->length, end, bytes);
	return LZ4_decompress_safe(stored, area->output, extent->length, bytes);
}

/**
 * dm_inc_expand - expand a compressed cluster
 * @area: large enough for it
 * @cluster: which it is
 * @extent: of the cluster: INC_CODEC_LZ4 or INC_CODEC_LZ4_DICT
 * @dictionary: for the latter
 * @stored: extent->length bytes
 * @end: bytes of the cluster that are needed, from its start on; at most the whole
 *	of it
 *
 * All of it is expanded if @area has its start already: small reads along the
 * cluster will be there soon.
 *
 * Return: the cluster's bytes, in @area, or NULL if the extent is malformed.
 */
const u8 *dm_inc_expand(struct inc_area *area, const struct inc_cluster *cluster,
			const struct inc_extent *extent,
			const struct inc_dictionary *dictionary,
			const u8 *stored, u32 end)
{
	const struct inc_cluster *kept = &area->kept;
	u32 bytes = inc_cluster_bytes(extent);
	bool again = kept->view == cluster->view && kept->block == cluster->block;
	int r;

	dm_inc_area_forget(area);
	if (extent->codec == INC_CODEC_LZ4_DICT)
		r = LZ4_decompress_safe_usingDict(stored, area->output,
						  extent->length, bytes,
						  hold(area, dictionary),
						  dictionary->size);
	else
		r = expand_plain(area, extent, stored, again ? bytes : end);
	/* What comes behind @end may be corrupt, and what is needed not. */
	if (r < 0 && again && extent->codec == INC_CODEC_LZ4)
		r = expand_plain(area, extent, stored, end);
	if (r < 0 || (u32)r < end)
		return NULL;
	area->kept = *cluster;
	area->kept_bytes = r;
	return area->output;
}

/*
 * How many references of @list, from its start on, are those that the window ends
 * with. Sets the bytes that they expand to.
 */
static u32 find_shared(const struct inc_references *window,
		       const struct inc_references *list, u32 *bytes)
{
	u32 count = min(window->count, list->count), i;

	for (; count; count--) {
		*bytes = 0;
		for (i = 0; i < count; i++) {
			if (!inc_same_extent(&window->extents[window->count - count + i],
					     &list->extents[i]))
				break;
			*bytes += inc_cluster_bytes(&list->extents[i]);
		}
		if (i == count)
			return count;
	}
	*bytes = 0;
	return 0;
}

static bool expand_reference(const struct inc_extent *extent, const u8 *stored,
			     const struct inc_dictionary *dictionary, u8 *to)
{
	u32 bytes = inc_cluster_bytes(extent);

	if (extent->codec == INC_CODEC_STORED) {
		memcpy(to, stored, bytes);
		return true;
	}
	if (extent->codec == INC_CODEC_LZ4_DICT)
		return LZ4_decompress_safe_usingDict(stored, to, extent->length,
						     bytes, dictionary->data,
						     dictionary->size) ==
		       (int)bytes;
	return LZ4_decompress_safe(stored, to, extent->length, bytes) ==
	       (int)bytes;
}

/**
 * dm_inc_expand_referring - expand a cluster whose extent refers to others
 * @area: large enough for it
 * @cluster: which it is
 * @extent: of the cluster, of INC_CODEC_LZ4_REFERENCES
 * @referred: what it refers to
 * @dictionaries: that the read holds
 * @input: of the read
 * @stored: extent->length bytes
 *
 * Return: the cluster's bytes, in @area, or NULL if the extent, or one that it refers
 * to, is malformed.
 */
const u8 *dm_inc_expand_referring(struct inc_area *area,
				  const struct inc_cluster *cluster,
				  const struct inc_extent *extent,
				  const struct inc_referred *referred,
				  struct inc_dictionary *const *dictionaries,
				  const u8 *input, const u8 *stored)
{
	const struct inc_references *list = &referred->list;
	u8 *window = area->output - list->bytes, *to;
	u32 bytes, i;
	int r;

	dm_inc_area_forget(area);
	i = find_shared(&area->window, list, &bytes);
	memmove(window, area->output - bytes, bytes);
	area->window.count = 0;
	area->held = 0;
	for (to = window + bytes; i < list->count; i++) {
		if (!expand_reference(&list->extents[i], input + referred->source[i],
				      dictionaries[referred->dictionary[i]], to))
			return NULL;
		to += inc_cluster_bytes(&list->extents[i]);
	}
	area->window = *list;
	bytes = inc_cluster_bytes(extent);
	r = LZ4_decompress_safe_usingDict(stored + list->size, area->output,
					  extent->length - list->size, bytes,
					  window, list->bytes);
	if (r != (int)bytes)
		return NULL;
	area->kept = *cluster;
	area->kept_bytes = bytes;
	return area->output;
}
