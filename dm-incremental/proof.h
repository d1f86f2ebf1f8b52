/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proof of a device's size (proof.c).
 */
#ifndef DM_INCREMENTAL_PROOF_H
#define DM_INCREMENTAL_PROOF_H

#include "internal.h"

int dm_inc_proof_alloc(struct inc_view *view);
void dm_inc_proof_free(struct inc_view *view);
bool dm_inc_proof_hold(struct inc_io *io);

#endif /* DM_INCREMENTAL_PROOF_H */
