/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system goes to sleep (sleep.c).
 */
#ifndef DM_INCREMENTAL_SLEEP_H
#define DM_INCREMENTAL_SLEEP_H

#include "internal.h"

unsigned long dm_inc_sleep_deadline(const struct inc_io *io);
void dm_inc_sleep_wait_begin(void);
void dm_inc_sleep_wait_end(void);
int dm_inc_sleep_init(void);
void dm_inc_sleep_exit(void);

#endif /* DM_INCREMENTAL_SLEEP_H */
