/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A segment after the first: the changes since the generation before.
 */
#ifndef MKIMAGE_LAYER_H
#define MKIMAGE_LAYER_H

#include "fs/overlay.h"
#include "segment/segment.h"

/*
 * Runs that a layer's directory may have beyond those of the base's, if as many
 * are in the format's limits at all. Where it would have more, pages between
 * changed ones are stored again.
 */
#define LAYER_RUNS		1024u

/*
 * Of these, how many refer to a page that the layer itself stores elsewhere:
 * thirteen times the step at most; see pagelist.c.
 */
#define LAYER_STEP		16u

/**
 * struct layer_options - how a layer is made
 * @dir: for temporary files
 * @level: of LZ4 HC
 * @threads: that work
 * @always: also if there is no change
 * @references: new contents may refer to what the image holds
 * @dictionary: room for INC_DICTIONARY_MAX bytes, which stay until the segment is written:
 *	what is new is compressed with a dictionary of its own; NULL: without
 */
struct layer_options {
	const char *dir;
	int level;
	unsigned int threads;
	bool always;
	bool references;
	u8 *dictionary;
};

/**
 * layer_build - make the next segment of the changes on an overlay
 * @seg: zeros; filled in for segment_write(); freed by segment_free(), also
 *	after an error
 * @hash: freed by the caller after @seg
 *
 * Return: 0; 1 if there is no change, unless @options->always; or a negative errno after an
 * error message.
 */
int layer_build(struct segment *seg, struct overlay *overlay,
		const struct inc_hash *hash,
		const struct layer_options *options);

#endif /* MKIMAGE_LAYER_H */
