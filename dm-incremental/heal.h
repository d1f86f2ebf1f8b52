/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Healing damage (heal.c).
 */
#ifndef DM_INCREMENTAL_HEAL_H
#define DM_INCREMENTAL_HEAL_H

#include "damage.h"
#include "internal.h"

bool dm_inc_heal(struct inc_io *io, const struct inc_damage *damage, bool may_wait);

#endif /* DM_INCREMENTAL_HEAL_H */
