/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tell security modules the facts of a device (integrity.c).
 */
#ifndef DM_INCREMENTAL_INTEGRITY_H
#define DM_INCREMENTAL_INTEGRITY_H

#include "internal.h"

int dm_inc_integrity_set(const struct inc_view *view);

#endif /* DM_INCREMENTAL_INTEGRITY_H */
