// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is present in the local file.
 */
#include <stdlib.h>
#include "libincremental/exact.h"
#include "store/internal.h"

u32 store_segment(const struct store *store, u64 offset)
{
	u32 i = incr_image_segments(store->local) - 1;

	while (i && offset < incr_image_segment_at(store->local, i)->offset)
		i--;
	return i;
}

static bool chunk_present(const struct store *store, u32 number, u64 offset)
{
	const struct inc_segment *seg =
		incr_image_segment_at(store->local, number);
	u64 chunk = (offset - seg->offset) >> seg->chunk_shift;

	/* Head and bitmap are there whatever their bits say. */
	return offset < seg->meta_offset ||
	       store->bitmaps[number][chunk / 8] >> chunk % 8 & 1;
}

bool store_present(struct store *store, u64 offset, u64 most, u64 *same)
{
	u64 at = offset, end = offset + most;
	bool first = false;

	*same = most;
	if (!store->local)
		return false;
	pthread_mutex_lock(&store->lock);
	while (at < end) {
		u32 number = store_segment(store, at);
		const struct inc_segment *seg =
			incr_image_segment_at(store->local, number);
		u64 next = (((at - seg->offset) >> seg->chunk_shift) + 1) <<
			   seg->chunk_shift;
		bool here = chunk_present(store, number, at);

		if (at == offset)
			first = here;
		else if (here != first)
			break;
		at = seg->offset + next < seg->end ? seg->offset + next : seg->end;
	}
	pthread_mutex_unlock(&store->lock);
	*same = at < end ? at - offset : most;
	return first;
}

int store_read_bitmaps(struct store *store, struct incr_error *error)
{
	u32 count = incr_image_segments(store->local), i;

	store->bitmaps = calloc(count, sizeof(*store->bitmaps));
	if (!store->bitmaps)
		return incr_fail(error, -ENOMEM, "out of memory");
	for (i = 0; i < count; i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(store->local, i);
		int err;

		store->bitmaps[i] = malloc(seg->bitmap_size);
		if (!store->bitmaps[i])
			return incr_fail(error, -ENOMEM, "out of memory");
		err = incr_read_exactly(store->fd, seg->bitmap_offset,
					store->bitmaps[i], seg->bitmap_size);
		if (err)
			return incr_fail(error, err,
					 "%s: cannot read its presence bitmap: %s",
					 store->path, strerror(-err));
	}
	return 0;
}
