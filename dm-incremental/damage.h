/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a read has found bad (damage.c).
 */
#ifndef DM_INCREMENTAL_DAMAGE_H
#define DM_INCREMENTAL_DAMAGE_H

#include "internal.h"

/**
 * struct inc_bad - something stored that is not what it must be
 * @what: it is, for the log
 * @block: of the virtual device, that it belongs to
 * @offset: bytes in the image file, where it is
 * @length: bytes there
 * @mapped: it was found through the map entry of @block, which may be to blame
 * @dictionary: so may this segment's dictionary; NULL if none was used
 */
struct inc_bad {
	const char	*what;
	u64		block;
	u64		offset;
	u64		length;
	bool		mapped;
	const struct inc_segment *dictionary;
};

#define INC_BAD_MAX	8

/**
 * struct inc_damage - what one try of a read has found bad
 * @count: number of those
 * @bad: what they are
 */
struct inc_damage {
	unsigned int	count;
	struct inc_bad	bad[INC_BAD_MAX];
};

void inc_damage_add(struct inc_damage *damage, const struct inc_bad *bad);

#endif /* DM_INCREMENTAL_DAMAGE_H */
