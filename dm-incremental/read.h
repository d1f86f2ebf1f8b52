/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads of the virtual device (read.c).
 */
#ifndef DM_INCREMENTAL_READ_H
#define DM_INCREMENTAL_READ_H

#include "internal.h"

void dm_inc_read_init(struct inc_io *io, struct inc_view *view, struct bio *bio,
		      u64 block, u32 blocks);
void dm_inc_read_start(struct inc_io *io);
void dm_inc_read_wait_windows(struct inc_view *view);

#endif /* DM_INCREMENTAL_READ_H */
