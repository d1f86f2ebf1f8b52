/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backing device of a store (backing.c).
 */
#ifndef DM_INCREMENTAL_BACKING_H
#define DM_INCREMENTAL_BACKING_H

#include "internal.h"

bool dm_inc_backing_enter(struct inc_store *store);
void dm_inc_backing_leave(struct inc_store *store);
void *dm_inc_backing_get_page(struct inc_store *store, u64 page,
			      struct dm_buffer **buf, bool cached);
int dm_inc_backing_copy_page(struct inc_store *store, u64 page, u32 offset,
			     void *buffer, u32 length, bool cached);
void dm_inc_backing_bio_init(struct inc_store *store, struct bio *bio,
			     struct bio_vec *table, unsigned short nr_vecs,
			     blk_opf_t opf, u64 offset);

#endif /* DM_INCREMENTAL_BACKING_H */
