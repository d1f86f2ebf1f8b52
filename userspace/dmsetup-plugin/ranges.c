// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets of bytes; see ranges.h.
 */
#include <stdlib.h>
#include "dmsetup-plugin/ranges.h"

static u64 end_of(const struct incr_range *range)
{
	return range->offset + range->length;
}

int ranges_add(struct ranges *ranges, u64 start, u64 end)
{
	struct incr_range *list;

	if (start >= end)
		return 0;
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 64;

		list = reallocarray(ranges->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		ranges->list = list;
		ranges->room = room;
	}
	ranges->list[ranges->count++] = (struct incr_range){
		.offset = start, .length = end - start,
	};
	return 0;
}

static int by_offset(const void *left, const void *right)
{
	const struct incr_range *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

void ranges_sort(struct ranges *ranges)
{
	struct incr_range *list = ranges->list;
	size_t i, kept = 0;

	if (!ranges->count)
		return;
	qsort(list, ranges->count, sizeof(*list), by_offset);
	for (i = 1; i < ranges->count; i++) {
		u64 end = end_of(&list[kept]), other = end_of(&list[i]);

		if (list[i].offset > end)
			list[++kept] = list[i];
		else if (other > end)
			list[kept].length = other - list[kept].offset;
	}
	ranges->count = kept + 1;
}

int ranges_intersect(struct ranges *both, const struct ranges *a,
		     const struct ranges *b)
{
	size_t i = 0, j = 0;
	int err = 0;

	while (!err && i < a->count && j < b->count) {
		const struct incr_range *one = &a->list[i], *other = &b->list[j];
		u64 end = end_of(one), other_end = end_of(other);

		err = ranges_add(both, one->offset > other->offset ?
				 one->offset : other->offset,
				 end < other_end ? end : other_end);
		if (end < other_end)
			i++;
		else
			j++;
	}
	return err;
}

int ranges_subtract(struct ranges *left, const struct ranges *from,
		    const struct ranges *without)
{
	size_t i, j = 0;
	int err = 0;

	for (i = 0; !err && i < from->count; i++) {
		u64 start = from->list[i].offset, end = end_of(&from->list[i]);

		/* One may reach into the next of @from, too. */
		while (j < without->count && end_of(&without->list[j]) <= start)
			j++;
		while (!err && j < without->count &&
		       without->list[j].offset < end) {
			err = ranges_add(left, start, without->list[j].offset);
			start = end_of(&without->list[j]);
			if (start >= end)
				break;
			j++;
		}
		if (!err)
			err = ranges_add(left, start, end);
	}
	return err;
}
