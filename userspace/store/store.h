/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image as it lies: a local file, an origin, or both. Bytes that are absent in
 * the local file come from the origin, as many as a read takes and a few around
 * them. They may be kept there. Nothing is trusted: the library verifies what it
 * reads through this.
 */
#ifndef STORE_H
#define STORE_H

#include "origin/origin.h"

struct store;

/* Origins that an image may have. */
#define STORE_ORIGINS_MAX	16

/**
 * store_open - open an image
 * @store: set on success; free with store_close()
 * @local: path of a local file, which may have holes; NULL: none
 * @origins: @count origins, at most STORE_ORIGINS_MAX, as origin_open() takes them: the
 *	next is asked where one fails, or gives wrong bytes and @fill finds that out. With
 *	none @local must be there
 * @options: for the origins; the objects that it points to must outlive the store
 * @fill: keep what is fetched in the local file, as incrementald does with the kernel's
 *	store: it is locked, and what reads fetch is verified and written
 * @error: on failure a sentence that names the file or the origin
 *
 * Return: 0 or -errno.
 */
int store_open(struct store **store, const char *local,
	       char *const *origins, unsigned int count,
	       const struct origin_options *options, bool fill,
	       struct incr_error *error);
void store_close(struct store *store);

/* How long to try again what may pass: at first a few seconds. */
void store_set_patience(struct store *store, unsigned int seconds);

/*
 * Note durably what has been filled; what was not is fetched again. Fills do so every few
 * seconds. Return: 0 or -errno.
 */
int store_commit(struct store *store, struct incr_error *error);

/*
 * Set *@offset to the first byte at or after it that is absent, UINT64_MAX if there is none,
 * and *@next behind what store_fill_at() fills there.
 */
void store_next_absent(struct store *store, u64 *offset, u64 *next);
int store_fill_at(struct store *store, u64 offset, struct incr_error *error);

struct rest;

/**
 * store_rest_start - fill what nobody has read, by a few threads, until all is there
 * @rest: set; NULL if there is nothing to do, or no thread
 * @stop: the threads end soon once it is true
 * @tell: called with a sentence when one of them ends early; from any thread
 */
void store_rest_start(struct rest **rest, struct store *store,
		      const atomic_bool *stop, void (*tell)(const char *text));

/* Wait for them. */
void store_rest_end(struct rest *rest);

/*
 * From now on reads of this thread, if @only, fail with -EAGAIN where they would have to
 * fetch: for one that may not wait.
 */
void store_only_present(bool only);

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
