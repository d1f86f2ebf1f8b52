/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding segments (grow.c).
 */
#ifndef DM_INCREMENTAL_GROW_H
#define DM_INCREMENTAL_GROW_H

#include "internal.h"

int dm_inc_grow_load(struct inc_store *store, char **error);
int dm_inc_grow_begin(struct inc_store *store);
const struct inc_segment *dm_inc_grow_find(struct inc_store *store, u32 generation,
					   char **error);
void dm_inc_grow_publish(struct inc_store *store, u32 nr_opened);
void dm_inc_grow_end(struct inc_store *store);

#endif /* DM_INCREMENTAL_GROW_H */
