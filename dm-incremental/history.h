/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of clears (history.c).
 */
#ifndef DM_INCREMENTAL_HISTORY_H
#define DM_INCREMENTAL_HISTORY_H

#include "internal.h"

/* A lookup that starts with this knows later whether chunks were cleared. */
static inline u64 dm_inc_history_seq(struct inc_store *store)
{
	/* Pairs with dm_inc_history_publish(). */
	return atomic64_read_acquire(&store->nr_changes);
}

bool dm_inc_history_cleared(struct inc_store *store, u64 seq, u64 first, u64 last);
bool dm_inc_history_anew(struct inc_store *store, u64 seq, u64 chunk);
void dm_inc_history_note_cleared(struct inc_store *store, u64 first, u64 last);
void dm_inc_history_note_anew(struct inc_store *store, u64 chunk);
void dm_inc_history_publish(struct inc_store *store);

#endif /* DM_INCREMENTAL_HISTORY_H */
