/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The segments of a store's image (segments.c).
 */
#ifndef DM_INCREMENTAL_SEGMENTS_H
#define DM_INCREMENTAL_SEGMENTS_H

#include "internal.h"

u8 *inc_segment_head(struct inc_store *store, const struct inc_segment *seg,
		     char **error);
const struct inc_segment *inc_segment_at(struct inc_store *store, u64 offset);
void inc_segments_free(struct inc_store *store);

/* These need no lock; see segments.c. */
static inline u32 inc_store_nr_segments(const struct inc_store *store)
{
	/* Pairs with inc_grow_publish(). */
	return smp_load_acquire(&store->nr_segments);
}

/* Bytes of the image, all segments together; never less than before. */
static inline u64 inc_store_size(const struct inc_store *store)
{
	return store->segments[inc_store_nr_segments(store) - 1]->end;
}

static inline u64 inc_store_chunks(const struct inc_store *store)
{
	return inc_store_size(store) >> store->chunk_shift;
}

#endif /* DM_INCREMENTAL_SEGMENTS_H */
