// SPDX-License-Identifier: GPL-2.0-only
/*
 * What extents of INC_CODEC_LZ4_REFERENCES refer to: a part of a read's lookup.
 *
 * The start of such an extent tells. It is taken from dm-bufio, as metadata is, since
 * the lookup must know before the extents are read: what they refer to has to be
 * present, too, and is read with them in one batch. A page has the starts of many such
 * extents. It goes from dm-bufio when its chunk is cleared, as pages of metadata do.
 */
#include "backing.h"
#include "batch.h"
#include "damage.h"
#include "presence.h"
#include "refer.h"
#include "segments.h"
#include "wait.h"

/* The start of an extent, from the pages that dm-bufio has. */
static int copy_start(struct inc_store *store, const struct inc_extent *extent,
		      u8 *start, u32 length, bool cached)
{
	u32 done = 0;
	int r = 0;

	while (!r && done < length) {
		u64 at = extent->offset + done;
		u32 offset = at & (INC_PAGE_SIZE - 1);
		u32 bytes = min(length - done, INC_PAGE_SIZE - offset);

		r = dm_inc_backing_copy_page(store, at >> INC_PAGE_SHIFT, offset,
					     start + done, bytes, cached);
		done += bytes;
	}
	return r;
}

/* What one extent refers to; it is present. */
static int find_referred(struct inc_io *io, u32 i, struct inc_references *list,
			 bool cached)
{
	const struct inc_extent *extent = &io->buffer->extents[i];
	struct inc_store *store = io->view->store;
	u8 start[INC_REFERENCES_SIZE_MAX + 1];
	u32 length = min_t(u32, extent->length, sizeof(start)), j;
	struct inc_bad bad = { .what = "data", .block = io->block + i,
			       .offset = extent->offset,
			       .length = extent->length, .mapped = true };
	const char *why;
	int r = copy_start(store, extent, start, length, cached);

	if (r)
		return r;
	r = dm_inc_references_decode(start, length, extent,
				     dm_inc_segment_at(store, extent->offset)->end,
				     list, &why);
	for (j = 0; !r && j < list->count; j++)
		if (list->extents[j].codec == INC_CODEC_LZ4_DICT &&
		    !dm_inc_segment_at(store, list->extents[j].offset)->dictionary_size)
			r = -EINVAL;
	if (!r)
		return 0;
	dm_inc_damage_add(&io->buffer->damage, &bad);
	return -EBADMSG;
}

/**
 * dm_inc_refer_find - find out what the extents of a read refer to
 * @io: the read; its buffer has its extents, and gets what they refer to
 * @cached: take nothing but cached pages
 *
 * Context: process, in the section of store->readers in which the extents were found
 * present. Return: 0; -EAGAIN if @cached and a page is not, or an extent is malformed;
 * -EBADMSG, with the damage noted, if one is and not @cached; another negative errno.
 */
int dm_inc_refer_find(struct inc_io *io, bool cached)
{
	struct inc_buffer *buffer = io->buffer;
	int r = 0;
	u32 i;

	buffer->nr_referred = 0;
	for (i = 0; !r && i < io->blocks; i++) {
		if (buffer->extents[i].codec != INC_CODEC_LZ4_REFERENCES)
			continue;
		if (!dm_inc_same_cluster(buffer, i)) {
			r = find_referred(io, i,
					  &buffer->referred[buffer->nr_referred].list,
					  cached);
			buffer->nr_referred++;
		}
		buffer->refers[i] = buffer->nr_referred - 1;
	}
	return r == -EBADMSG && cached ? -EAGAIN : r;
}

/**
 * dm_inc_refer_absent - collect what the extents of a read refer to and is absent
 * @store: the read's
 * @buffer: the read's, after dm_inc_refer_find()
 * @ranges: absent extents, and dictionaries that these need, are added
 */
void dm_inc_refer_absent(struct inc_store *store, const struct inc_buffer *buffer,
			 struct inc_ranges *ranges)
{
	const struct inc_segment *seg;
	u32 i, j;

	for (i = 0; i < buffer->nr_referred; i++) {
		const struct inc_references *list = &buffer->referred[i].list;

		for (j = 0; j < list->count; j++) {
			const struct inc_extent *extent = &list->extents[j];

			if (extent->codec == INC_CODEC_LZ4_DICT) {
				seg = dm_inc_segment_at(store,
							extent->offset);
				dm_inc_ranges_add(store, ranges,
						  seg->dictionary_offset,
						  seg->dictionary_size);
			}
			dm_inc_ranges_add(store, ranges, extent->offset,
					  extent->length);
		}
	}
}
