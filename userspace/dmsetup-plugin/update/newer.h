/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Newer generations: segments that an origin, or a layer by itself, has and a
 * local image lacks.
 */
#ifndef SETUP_NEWER_H
#define SETUP_NEWER_H

#include "dmsetup-plugin/ahead.h"
#include "dmsetup-plugin/setup.h"
#include "origin/origin.h"

/**
 * struct newer - a local image and a source of segments to follow it
 * @path: of the local image
 * @fd: the same, open for reading; the caller's
 * @local: the image as it is, at its newest generation
 * @end: bytes of it, all segments
 * @base: offset in the image of the source's first byte
 * @origin: the source; NULL if there is none
 * @ahead: reads of its heads
 * @layer: it is one layer by itself
 * @image: local image and source as one image, at the generation that is
 *	wanted; @local itself if there is nothing newer
 * @fetched: bytes read from the source
 */
struct newer {
	const char *path;
	int fd;
	struct incr_image *local;
	u64 end;
	u64 base;
	struct origin *origin;
	struct ahead *ahead;
	bool layer;
	struct incr_image *image;
	u64 fetched;
};

/* Look at the local image, open as @fd. newer_close() in any case. */
int newer_open(struct newer *newer, const char *path, int fd,
	       struct incr_error *error);
void newer_close(struct newer *newer);

/* Look again, at one generation of it. */
int newer_read_local(struct newer *newer, u32 generation,
		     struct incr_error *error);

/**
 * newer_find - look whether a source has newer segments
 * @newer: open
 * @where: file or URL of the complete image, or of a layer
 * @layer: it is a layer
 * @generation: number, or INCR_NEWEST
 *
 * Sets @newer->image. It continues the local image: same UUID, next numbers,
 * next offsets, heads that match their digests.
 */
int newer_find(struct newer *newer, const char *where,
	       const struct origin_options *how, bool layer, u32 generation,
	       struct incr_error *error);

/* Does @newer->image have segments that the local image lacks? */
bool newer_has_more(const struct newer *newer);

/*
 * Append them to the local image, open for writing as @fd: heads only, or all
 * of a layer that is a file.
 */
int newer_append(struct newer *newer, int fd, struct incr_error *error);

#endif /* SETUP_NEWER_H */
