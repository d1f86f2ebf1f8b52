/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loader's interface (control.c).
 */
#ifndef DM_INCREMENTAL_CONTROL_H
#define DM_INCREMENTAL_CONTROL_H

#include "internal.h"

int dm_inc_control_add(struct inc_store *store);
void dm_inc_control_remove(struct inc_store *store);
int dm_inc_control_init(void);
void dm_inc_control_exit(void);

#endif /* DM_INCREMENTAL_CONTROL_H */
