/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start-up lists inside an image.
 */
#ifndef MKIMAGE_LISTS_EMBED_H
#define MKIMAGE_LISTS_EMBED_H

#include "libincremental/incremental.h"
#include "libincremental/startup.h"
#include "segment/order.h"
#include "segment/segment.h"

/**
 * embed_write - write the base of an image with a list of what its order has
 * @seg: as for segment_write(), and so is the file @fd, called @name, which must be
 *	readable
 *
 * Return: 0, or a negative errno after an error message.
 */
int embed_write(struct segment *seg, const struct order *order, int fd,
		const char *name);

/*
 * Have @seg, which is still to be written, hold @list, called @name, which must be of a
 * generation of @image. Return: as above.
 */
int embed_list(struct segment *seg, const struct incr_image *image,
	       const struct incr_startup *list, const char *name);

/* Likewise, the list in the file @path. */
int embed_list_file(struct segment *seg, const struct incr_image *image,
		    const char *path);

#endif /* MKIMAGE_LISTS_EMBED_H */
