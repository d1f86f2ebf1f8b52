/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What traces, which are files, touch on a device.
 */
#ifndef MKIMAGE_LISTS_LOAD_H
#define MKIMAGE_LISTS_LOAD_H

#include "fs/overlay.h"
#include "segment/order.h"
#include "lists/touches.h"

/**
 * touches_load - the blocks of several traces, in the order of their times
 * @touches: zeros; touches_free() frees it, also after an error
 * @traced: the generation that is touched
 * @overlay: the same
 * @paths: of the traces, @count of them
 *
 * A trace of another layout of the same files counts by those that it names.
 *
 * Return: 0, or an errno below 0 after an error message.
 */
int touches_load(struct touches *touches, const struct traced *traced,
		 struct overlay *overlay, char **paths, int count);

/* The same for the open generation of @image, which is called @name. */
int touches_load_image(struct touches *touches, struct incr_image *image,
		       const char *name, char **paths, int count);

/*
 * The clusters of these blocks, in order of their first touch. @order has the fields up
 * to @device_blocks and zeros; order_free() follows in any case. Return: as above.
 */
int order_load(struct order *order, const struct traced *traced,
	       struct overlay *overlay, char **paths, int count);

#endif /* MKIMAGE_LISTS_LOAD_H */
