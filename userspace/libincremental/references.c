// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The references of extents that have some; expand.c expands them.
 */
#include "libincremental/internal.h"

/* One more than their runs may take, as dm_inc_references_decode() asks for. */
#define HEAD_MAX	(INC_REFERENCES_SIZE_MAX + 1)

/**
 * incr_references_decode - check the references of an extent and decode them
 * @extent: of INC_CODEC_LZ4_REFERENCES
 * @block: of its cluster, for the message
 * @stored: all of its bytes, or its first HEAD_MAX
 * @length: of @stored
 */
int incr_references_decode(const struct inc_source *source,
			   const struct inc_extent *extent, u64 block,
			   const u8 *stored, u32 length,
			   struct inc_references *references,
			   struct incr_error *error)
{
	const struct inc_segment *seg = incr_segment_holding(source->image,
							     extent->offset);
	const char *why = "no segment has it";
	u32 i;
	int ret = -EINVAL;

	if (seg)
		ret = dm_inc_references_decode(stored, length, extent, seg->end,
					       references, &why);
	for (i = 0; !ret && i < references->count; i++) {
		const struct inc_extent *reference = &references->extents[i];

		if (reference->codec != INC_CODEC_LZ4_DICT)
			continue;
		seg = incr_segment_holding(source->image, reference->offset);
		if (seg && seg->dictionary_size)
			continue;
		why = "a reference needs a dictionary, which its segment lacks";
		ret = -EINVAL;
	}
	if (!ret)
		return 0;
	return incr_fail(error, ret,
			 "block %llu (%u bytes at offset %llu): its extent is malformed: %s",
			 (unsigned long long)block, extent->length,
			 (unsigned long long)extent->offset, why);
}

/* The same, with the bytes that this takes read. */
int incr_references_read(const struct inc_source *source,
			 const struct inc_extent *extent, u64 block,
			 struct inc_references *references,
			 struct incr_error *error)
{
	u32 length = extent->length < HEAD_MAX ? extent->length : HEAD_MAX;
	u8 stored[HEAD_MAX];
	int ret = incr_source_read(source, extent->offset, length, stored,
				   error);

	return ret ? ret : incr_references_decode(source, extent, block, stored,
						  length, references, error);
}

int incr_image_references(struct incr_image *image, u64 block,
			  const struct inc_extent *extent,
			  struct inc_references *references,
			  struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };

	return incr_references_read(&source, extent, block, references, error);
}
