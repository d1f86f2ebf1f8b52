/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image as it lies: a local file, an origin, or both. Bytes that are absent in
 * the local file come from the origin, as many as a read takes and a few around
 * them. Nothing is written, and nothing is trusted: the library verifies what it
 * reads through this.
 */
#ifndef STORE_H
#define STORE_H

#include "origin/origin.h"

struct store;

/**
 * store_open - open an image
 * @store: set on success; free with store_close()
 * @local: path of a local file, which may have holes; NULL: none
 * @where: the origin, as origin_open() takes it; NULL: none. One of both must be there
 * @options: for the origin; the objects that it points to must outlive the store
 * @error: on failure a sentence that names the file or the origin
 *
 * Return: 0 or -errno.
 */
int store_open(struct store **store, const char *local, const char *where,
	       const struct origin_options *options, struct incr_error *error);
void store_close(struct store *store);

/* Is the local file or the origin that file? See same_file(). */
bool store_is_file(const struct store *store, const struct stat *file);

/* For messages: the local file, or else the origin without its secrets. */
const char *store_name(const struct store *store);

/**
 * store_image - open one generation of it
 * @image: set on success; the caller closes it before the store
 * @generation: number, or INCR_NEWEST
 *
 * With a local file: one of those that this has. Return: as incr_image_open().
 */
int store_image(struct store *store, struct incr_image **image, u32 generation,
		struct incr_error *error);

#endif /* STORE_H */
