/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks that stop being present (clear.c).
 */
#ifndef DM_INCREMENTAL_CLEAR_H
#define DM_INCREMENTAL_CLEAR_H

#include "internal.h"

void dm_inc_clear_suspect(struct inc_store *store, u64 first, u64 last);
void dm_inc_clear_restore(struct inc_store *store, u64 first, u64 last);
int dm_inc_clear_discard(struct inc_store *store, u64 first, u64 last, u32 flags);

#endif /* DM_INCREMENTAL_CLEAR_H */
