/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stores (store.c).
 */
#ifndef DM_INCREMENTAL_STORE_H
#define DM_INCREMENTAL_STORE_H

#include "internal.h"

struct inc_store *dm_inc_store_get(struct block_device *bdev,
				   unsigned int commit_interval, char **error);
void dm_inc_store_add_view(struct inc_store *store, struct inc_view *view);
void dm_inc_store_put(struct inc_store *store, struct inc_view *view);

#endif /* DM_INCREMENTAL_STORE_H */
