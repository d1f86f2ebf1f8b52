/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of bytes of a file, as lists of ranges. A list is added to in any order;
 * ranges_sort() makes it sorted and disjoint, which the others take and give.
 * They look at each range once.
 */
#ifndef SETUP_RANGES_H
#define SETUP_RANGES_H

#include "libincremental/incremental.h"

/**
 * struct ranges - a set of bytes; all zeros: the empty one
 * @list: @count of them; allocated, to be freed
 */
struct ranges {
	struct incr_range *list;
	size_t count;
	size_t room;
};

/* Add [@start, @end), which may be empty. Return: 0 or -ENOMEM. */
int ranges_add(struct ranges *ranges, u64 start, u64 end);

void ranges_sort(struct ranges *ranges);

/* Add to @both what @a and @b share. Return: 0 or -ENOMEM. */
int ranges_intersect(struct ranges *both, const struct ranges *a,
		     const struct ranges *b);

/* Add to @left what @from has and @without has not. Return: 0 or -ENOMEM. */
int ranges_subtract(struct ranges *left, const struct ranges *from,
		    const struct ranges *without);

#endif /* SETUP_RANGES_H */
