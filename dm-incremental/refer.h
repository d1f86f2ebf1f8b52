/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What extents refer to (refer.c).
 */
#ifndef DM_INCREMENTAL_REFER_H
#define DM_INCREMENTAL_REFER_H

#include "batch.h"
#include "wait.h"

int dm_inc_refer_find(struct inc_io *io, bool cached);
void dm_inc_refer_absent(struct inc_store *store, const struct inc_buffer *buffer,
			 struct inc_ranges *ranges);

#endif /* DM_INCREMENTAL_REFER_H */
