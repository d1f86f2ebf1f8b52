/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which chunks are suspect (suspect.c).
 */
#ifndef DM_INCREMENTAL_SUSPECT_H
#define DM_INCREMENTAL_SUSPECT_H

#include "internal.h"

u64 dm_inc_suspect_seek(struct inc_store *store, u64 chunk, u64 end);
bool dm_inc_suspect_any(struct inc_store *store, u64 first, u64 last);
int dm_inc_suspect_begin(struct inc_store *store, u64 chunk);
bool dm_inc_suspect_end(struct inc_store *store, u64 chunk);
void dm_inc_suspect_over(struct inc_store *store, u64 first, u64 last);
void dm_inc_suspect_free(struct inc_store *store);

#endif /* DM_INCREMENTAL_SUSPECT_H */
