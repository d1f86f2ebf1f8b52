/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loaders' writes (fill.c).
 */
#ifndef DM_INCREMENTAL_FILL_H
#define DM_INCREMENTAL_FILL_H

#include "internal.h"

struct iov_iter;

void dm_inc_fill_init(struct inc_store *store);
ssize_t dm_inc_fill(struct inc_store *store, u64 offset, struct iov_iter *from);

#endif /* DM_INCREMENTAL_FILL_H */
