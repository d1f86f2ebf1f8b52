/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads that wait, and the wants that loaders are asked for (wait.c).
 */
#ifndef DM_INCREMENTAL_WAIT_H
#define DM_INCREMENTAL_WAIT_H

#include "internal.h"
#include "want.h"

/**
 * struct inc_ranges - chunk ranges collected for one request
 * @count: number of ranges
 * @range: first and last chunk of each
 */
struct inc_ranges {
	unsigned int	count;
	struct {
		u64	first;
		u64	last;
	} range[INC_LINKS];
};

void dm_inc_ranges_add(struct inc_store *store, struct inc_ranges *ranges,
		       u64 offset, u64 length);
bool dm_inc_wait_for(struct inc_store *store, struct inc_io *io,
		     const struct inc_ranges *ranges, bool anew);
bool dm_inc_wait_try(struct inc_store *store, struct inc_io *io,
		     const struct inc_ranges *ranges);
bool dm_inc_wait_for_memory(struct inc_store *store, struct inc_io *io);
void dm_inc_wait_hint(struct inc_store *store, const struct inc_ranges *ranges,
		      bool anew);
void dm_inc_wait_present(struct inc_store *store, u64 first, u64 last,
			 bool filled);
void dm_inc_wait_unavailable(struct inc_store *store, u64 first, u64 last);
void dm_inc_wait_drop_view(struct inc_store *store, struct inc_view *view,
			   blk_status_t status);
void dm_inc_wait_timer_work(struct work_struct *work);
void dm_inc_wait_init(struct inc_store *store);
void dm_inc_wait_destroy(struct inc_store *store);
void dm_inc_wait_loader_came(struct inc_store *store);
void dm_inc_wait_loader_gone(struct inc_store *store, struct inc_loader *loader);

#endif /* DM_INCREMENTAL_WAIT_H */
