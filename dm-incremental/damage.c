// SPDX-License-Identifier: GPL-2.0-only
/*
 * The damage that one try of a read has found.
 */
#include "damage.h"

/**
 * dm_inc_damage_add - note a corrupt object that a read has found
 * @damage: gets it; if it has no room, the next try finds the object again
 * @bad: the object; copied
 */
void dm_inc_damage_add(struct inc_damage *damage, const struct inc_bad *bad)
{
	unsigned int i;

	/* A page, or an extent that several blocks share, is told once. */
	for (i = 0; i < damage->count; i++)
		if (damage->bad[i].offset == bad->offset)
			return;
	if (damage->count < INC_BAD_MAX)
		damage->bad[damage->count++] = *bad;
}
