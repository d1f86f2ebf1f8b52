/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order in which loaders are asked (turns.c).
 */
#ifndef DM_INCREMENTAL_TURNS_H
#define DM_INCREMENTAL_TURNS_H

#include "internal.h"

void dm_inc_turns_add(struct inc_turns *turns, struct inc_turn *turn);
void dm_inc_turns_remove(struct inc_turns *turns, struct inc_turn *turn);
void dm_inc_turns_share(struct inc_turns *turns, struct inc_turn *turn, u8 reader);
struct inc_turn *dm_inc_turns_first(const struct inc_turns *turns);
void dm_inc_turns_take(struct inc_turns *turns, struct inc_turn *turn);

/* Without the lock a hint: it may be outdated at once. */
static inline bool dm_inc_turns_empty(const struct inc_turns *turns)
{
	return RB_EMPTY_ROOT(&turns->queue.rb_root);
}

#endif /* DM_INCREMENTAL_TURNS_H */
