/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Missing chunks, absent or suspect (missing.c).
 */
#ifndef DM_INCREMENTAL_MISSING_H
#define DM_INCREMENTAL_MISSING_H

#include "internal.h"

bool dm_inc_missing_none(struct inc_store *store, u64 first, u64 last);
bool dm_inc_missing_next(struct inc_store *store, u64 from, u64 last,
			 u64 *first_found, u64 *last_found);
int dm_inc_missing_mark(struct inc_store *store, u64 first, u64 last);

#endif /* DM_INCREMENTAL_MISSING_H */
