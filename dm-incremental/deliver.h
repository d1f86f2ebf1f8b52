/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last step of a read (deliver.c).
 */
#ifndef DM_INCREMENTAL_DELIVER_H
#define DM_INCREMENTAL_DELIVER_H

#include "internal.h"

int dm_inc_deliver(struct inc_io *io);
bool dm_inc_deliver_is_kept(const struct inc_io *io);
bool dm_inc_deliver_kept(struct inc_io *io);

#endif /* DM_INCREMENTAL_DELIVER_H */
