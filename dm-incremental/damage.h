/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The damage that one try of a read has found (damage.c).
 */
#ifndef DM_INCREMENTAL_DAMAGE_H
#define DM_INCREMENTAL_DAMAGE_H

#include "internal.h"

/**
 * struct inc_bad - a corrupt stored object
 * @what: its kind, for the log
 * @block: of the virtual device, that it belongs to
 * @offset: where it is, bytes in the image file
 * @length: bytes there
 * @mapped: it was found through the map entry of @block, which may be to blame
 * @dictionary: segment whose dictionary may be to blame; NULL if none was used
 * @references: what the extent refers to, which may be to blame, in the read's
 *	buffer; NULL if it refers to nothing
 */
struct inc_bad {
	const char	*what;
	u64		block;
	u64		offset;
	u64		length;
	bool		mapped;
	const struct inc_segment *dictionary;
	const struct inc_references *references;
};

#define INC_BAD_MAX	8

/**
 * struct inc_damage - the corrupt objects that one try of a read has found
 * @count: number of them
 * @bad: the objects
 */
struct inc_damage {
	unsigned int	count;
	struct inc_bad	bad[INC_BAD_MAX];
};

void dm_inc_damage_add(struct inc_damage *damage, const struct inc_bad *bad);

#endif /* DM_INCREMENTAL_DAMAGE_H */
