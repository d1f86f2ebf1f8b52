/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding stored clusters with given contents, anywhere in an image. The hash
 * tree identifies them: no data is read.
 */
#ifndef MKIMAGE_KNOWN_H
#define MKIMAGE_KNOWN_H

#include "libincremental/incremental.h"
#include "segment/cluster.h"

struct known;

struct known *known_new(void);
void known_free(struct known *known);

/*
 * Search for a cluster's contents, too. Return: 0, or -ENOMEM after an error
 * message.
 */
int known_want(struct known *known, const u8 *id);

/*
 * Search for all of them, in all generations of the image up to the open one.
 * Return: 0, or a negative errno after an error message.
 */
int known_find(struct known *known, struct incr_image *image, const char *name,
	       const struct cluster_options *options);

/* How many of them were not found. */
u64 known_missing(const struct known *known);

/*
 * The map entry of contents that were found; 0 if they were not. Any number of
 * threads may look at a time.
 */
u64 known_entry(const struct known *known, const u8 *id);

#endif /* MKIMAGE_KNOWN_H */
