/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A root digest's signature (signature.c).
 */
#ifndef DM_INCREMENTAL_SIGNATURE_H
#define DM_INCREMENTAL_SIGNATURE_H

#include "internal.h"

int dm_inc_signature_check(struct inc_view *view, const u8 *head, char **error);
int dm_inc_signature_init(void);
void dm_inc_signature_exit(void);

#endif /* DM_INCREMENTAL_SIGNATURE_H */
