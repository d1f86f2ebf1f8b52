/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which chunks are present (presence.c).
 */
#ifndef DM_INCREMENTAL_PRESENCE_H
#define DM_INCREMENTAL_PRESENCE_H

#include "internal.h"

int dm_inc_presence_init(struct inc_store *store);
int dm_inc_presence_load(struct inc_store *store, u32 number);
void dm_inc_presence_publish(struct inc_store *store);
void dm_inc_presence_drop(struct inc_store *store);
u64 dm_inc_presence_count(struct inc_store *store, u64 *total);
void dm_inc_presence_free(struct inc_store *store);
void dm_inc_presence_set(struct inc_store *store, u64 first, u64 last);
bool dm_inc_presence_test(struct inc_store *store, u64 first, u64 last);
bool dm_inc_presence_next_absent(struct inc_store *store, u64 from, u64 last,
				 u64 *first_absent, u64 *last_absent);
void dm_inc_presence_clear(struct inc_store *store, u64 first, u64 last);
int dm_inc_presence_watch(struct inc_store *store, u64 first, u64 last);
void dm_inc_presence_use(struct inc_store *store, u64 first, u64 last);
bool dm_inc_presence_next_cold(struct inc_store *store, u64 from, u64 last,
			       u64 *first_cold, u64 *last_cold);
bool dm_inc_presence_fixed(struct inc_store *store, u64 first, u64 last);
u64 dm_inc_presence_seek(struct inc_store *store, u64 chunk, u64 end,
			 bool present);
int dm_inc_presence_commit(struct inc_store *store);
void dm_inc_presence_commit_work(struct work_struct *work);

static inline bool dm_inc_presence_complete(struct inc_store *store)
{
	return !atomic64_read(&store->nr_absent);
}

#endif /* DM_INCREMENTAL_PRESENCE_H */
