// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the kernel reads ahead; see places.h.
 */
#include "loader/places.h"

static u64 number_of(u64 offset)
{
	return (offset >> PLACE_SHIFT) + 1;
}

static bool is_seen(const struct places *places, u64 number)
{
	return number && places->seen[number % PLACES] == number;
}

void places_announce(struct places *places, u64 offset)
{
	u64 number = number_of(offset);

	places->seen[number % PLACES] = number;
}

bool places_announced(const struct places *places, u64 offset)
{
	u64 number = number_of(offset);

	return is_seen(places, number - 1) || is_seen(places, number) ||
	       is_seen(places, number + 1);
}
