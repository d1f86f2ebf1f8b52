/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads that wait, and the wants that loaders are asked for (wait.c).
 */
#ifndef DM_INCREMENTAL_WAIT_H
#define DM_INCREMENTAL_WAIT_H

#include "internal.h"

struct inc_request;

/**
 * struct inc_loader - an open file of a store's node
 * @store: its memory is kept by the file's reference to the cdev
 * @both_ways: it may be asked and may fill: counted in store->nr_loaders
 * @silent: has let a want go by, and has filled nothing since; or cannot fill
 * @not_before: jiffies, before which there is nothing for it if it is silent
 * @nr_opened: store->nr_opened, as far as it has been told (store->lock)
 */
struct inc_loader {
	struct inc_store	*store;
	bool			both_ways;
	bool			silent;
	unsigned long		not_before;
	u32			nr_opened;
};

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
bool dm_inc_wait_hand_out(struct inc_store *store, struct inc_loader *loader,
			  struct inc_request *request);
bool dm_inc_wait_pending(struct inc_store *store, struct inc_loader *loader);
void dm_inc_wait_loader_came(struct inc_store *store);
void dm_inc_wait_loader_gone(struct inc_store *store, struct inc_loader *loader);

#endif /* DM_INCREMENTAL_WAIT_H */
