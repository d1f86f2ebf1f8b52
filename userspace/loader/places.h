/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in the image the kernel reads ahead. It does so in files. A read without it is one
 * of the filesystem's metadata; or of a file so small that nothing is left to read ahead, whose
 * neighbours are files, too. The places around tell which.
 *
 * A few hundred places are remembered; others push them out.
 */
#ifndef LOADER_PLACES_H
#define LOADER_PLACES_H

#include <stdbool.h>
#include "format.h"

#define PLACE_SHIFT	18
#define PLACES		512u

/**
 * struct places - fields are private
 * @seen: numbers of places, from 1 on, each at its number modulo PLACES; 0: none
 */
struct places {
	u64 seen[PLACES];
};

/* The kernel reads ahead there. */
void places_announce(struct places *places, u64 offset);

/* Has it done so there, or nearby? */
bool places_announced(const struct places *places, u64 offset);

#endif /* LOADER_PLACES_H */
