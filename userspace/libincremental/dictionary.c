// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dictionaries of segments, read when the first extent needs them and kept
 * until the image is closed: at most 64 KiB for each segment.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

struct inc_dictionaries {
	pthread_mutex_t lock;
	u8 *bytes[];			/* by generation; NULL: not read yet */
};

int incr_dictionaries_new(struct incr_image *image)
{
	struct inc_dictionaries *all;

	all = calloc(1, sizeof(*all) +
			image->segment_count * sizeof(all->bytes[0]));
	if (!all)
		return -ENOMEM;
	pthread_mutex_init(&all->lock, NULL);
	image->dictionaries = all;
	return 0;
}

void incr_dictionaries_free(struct incr_image *image)
{
	struct inc_dictionaries *all = image->dictionaries;
	u32 i;

	if (!all)
		return;
	for (i = 0; i < image->segment_count; i++)
		free(all->bytes[i]);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Whole pages: the guard has digests of pages. */
static int dictionary_read(const struct inc_source *source,
			   const struct inc_segment *seg, u8 **result,
			   struct incr_error *error)
{
	u64 size = (seg->dictionary_size + INC_PAGE_SIZE - 1) &
		   ~(u64)(INC_PAGE_SIZE - 1);
	u8 *bytes = malloc(size);
	u64 at;
	int ret;

	if (!bytes)
		return incr_fail(error, -ENOMEM,
				 "out of memory for a dictionary");
	ret = incr_source_read(source, seg->dictionary_offset, size, bytes,
			       error);
	for (at = 0; !ret && at < size; at += INC_PAGE_SIZE)
		ret = incr_guarded_check(source, seg->dictionary_offset + at,
					 bytes + at, error);
	if (ret)
		free(bytes);
	else
		*result = bytes;
	return ret;
}

/**
 * incr_dictionary_get - the verified dictionary of a segment that has one
 * @bytes: set to seg->dictionary_size bytes that stay until the image is closed
 *
 * It is read without the lock, since that may take long; if two threads read it,
 * the first one's copy is kept.
 */
int incr_dictionary_get(const struct inc_source *source,
			const struct inc_segment *seg, const u8 **bytes,
			struct incr_error *error)
{
	struct inc_dictionaries *all = source->image->dictionaries;
	u8 **place = &all->bytes[seg->generation], *mine = NULL;
	int ret;

	pthread_mutex_lock(&all->lock);
	*bytes = *place;
	pthread_mutex_unlock(&all->lock);
	if (*bytes)
		return 0;
	ret = dictionary_read(source, seg, &mine, error);
	if (ret)
		return ret;
	pthread_mutex_lock(&all->lock);
	if (!*place) {
		*place = mine;
		mine = NULL;
	}
	*bytes = *place;
	pthread_mutex_unlock(&all->lock);
	free(mine);
	return 0;
}
