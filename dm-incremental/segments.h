/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The segments of a store's image (segments.c).
 */
#ifndef DM_INCREMENTAL_SEGMENTS_H
#define DM_INCREMENTAL_SEGMENTS_H

#include "internal.h"

u8 *dm_inc_segment_head(struct inc_store *store, const struct inc_segment *seg,
			char **error);
const struct inc_segment *dm_inc_segment_at(struct inc_store *store, u64 offset);
int dm_inc_segments_add(struct inc_store *store, struct inc_segment *seg);
void dm_inc_segments_free(struct inc_store *store);

/* These need no lock; see segments.c. */
static inline u32 dm_inc_store_nr_segments(const struct inc_store *store)
{
	/* Pairs with dm_inc_grow_publish(). */
	return smp_load_acquire(&store->nr_segments);
}

/* Segment @number, of those that are the image or were found. */
static inline struct inc_segment *dm_inc_segment(const struct inc_store *store,
						 u32 number)
{
	return store->segments[number / INC_TABLE_POINTERS]
			      [number % INC_TABLE_POINTERS];
}

/* Bytes of the image, all segments together; never less than before. */
static inline u64 dm_inc_store_size(const struct inc_store *store)
{
	return dm_inc_segment(store, dm_inc_store_nr_segments(store) - 1)->end;
}

static inline u64 dm_inc_store_chunks(const struct inc_store *store)
{
	return dm_inc_store_size(store) >> store->chunk_shift;
}

#endif /* DM_INCREMENTAL_SEGMENTS_H */
