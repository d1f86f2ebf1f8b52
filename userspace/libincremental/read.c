// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading verified blocks.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

/* Extents that follow each other in the file are read in one go. */
#define GROUP_EXTENTS	64
#define GROUP_BYTES	(1u << 20)

struct group {
	u32 count;
	u64 offset;
	u64 length;
	struct {
		u64 block;		/* first of the cluster */
		struct inc_extent extent;
	} at[GROUP_EXTENTS];
};

/**
 * incr_blocks_check - compare blocks with their digests in the hash tree
 * @extent: where they were stored, for the message
 * @block: first
 * @count: number of them
 */
int incr_blocks_check(const struct inc_source *source,
		      const struct inc_extent *extent, u64 block, u64 count,
		      const u8 *blocks, struct inc_cursor *cursor,
		      struct incr_error *error)
{
	u8 expected[INC_SHA256_SIZE], digest[INC_SHA256_SIZE];
	u64 i;

	for (i = 0; i < count; i++) {
		int ret = incr_block_digest(source, block + i, cursor, expected,
					    error);

		if (ret)
			return ret;
		incr_hash_digest(source->image->hash,
				 blocks + (i << INC_BLOCK_SHIFT),
				 INC_BLOCK_SIZE, digest);
		if (!memcmp(digest, expected, sizeof(digest)))
			continue;
		return incr_fail(error, -EBADMSG,
				 "block %llu (%u bytes at offset %llu) does not match its digest",
				 (unsigned long long)(block + i),
				 extent->length,
				 (unsigned long long)extent->offset);
	}
	return 0;
}

/*
 * How many of the @max blocks from @block on have no extent; each of them is
 * checked to be a block of zeros by its digest. On an error *count is set too,
 * to those before the block that it is about.
 */
static int zeros_count(const struct inc_source *source, u64 block, u64 max,
		       struct inc_cursor *cursor, u64 *count,
		       struct incr_error *error)
{
	u64 end = block + max, b = block;
	u8 expected[INC_SHA256_SIZE];
	struct inc_extent extent;
	int ret = 0;

	while (b < end) {
		u64 stop;

		ret = incr_entry_fetch(source, b, cursor, &extent, error);
		if (ret)
			break;
		if (extent.codec != INC_CODEC_ZERO)
			break;
		stop = incr_map_skip(source, b, cursor);
		for (; b < stop && b < end; b++) {
			ret = incr_block_digest(source, b, cursor, expected,
						error);
			if (ret)
				goto out;
			if (!memcmp(expected, source->image->zero_digest,
				    sizeof(expected)))
				continue;
			ret = incr_fail(error, -EBADMSG,
					"block %llu has no extent, but its digest is not that of zeros",
					(unsigned long long)b);
			goto out;
		}
	}
out:
	*count = b - block;
	return ret;
}

/* Collect clusters from @block on whose extents lie in one row in the file. */
static int group_collect(const struct inc_source *source, u64 block, u64 end,
			 struct inc_cursor *cursor, struct group *group,
			 u64 *next, struct incr_error *error)
{
	struct inc_extent extent;
	int ret;

	group->count = 0;
	group->length = 0;
	while (block < end && group->count < GROUP_EXTENTS) {
		ret = incr_entry_fetch(source, block, cursor, &extent, error);
		if (ret)
			return ret;
		if (extent.codec == INC_CODEC_ZERO)
			break;
		if (!group->count)
			group->offset = extent.offset;
		else if (extent.offset != group->offset + group->length ||
			 group->length + extent.length > GROUP_BYTES)
			break;
		group->at[group->count].block = inc_cluster_start(&extent,
								  block);
		group->at[group->count++].extent = extent;
		group->length += extent.length;
		block = inc_cluster_start(&extent, block) +
			(1u << extent.cluster_shift);
	}
	*next = block < end ? block : end;
	return 0;
}

/* Expand a group and copy out those of its blocks in [block, end). */
static int group_expand(const struct inc_source *source,
			const struct group *group, const u8 *stored,
			u64 block, u64 end, struct inc_cursor *cursor,
			struct inc_window *window, u8 *scratch, u8 *out,
			struct incr_error *error)
{
	u32 i;

	for (i = 0; i < group->count; i++) {
		const struct inc_extent *extent = &group->at[i].extent;
		u64 start = group->at[i].block;
		u64 stop = start + (1u << extent->cluster_shift);
		u64 from = start < block ? block : start;
		u64 to = stop > end ? end : stop;
		u8 *place = out + ((from - block) << INC_BLOCK_SHIFT);
		u8 *cluster = from == start && to == stop ? place : scratch;
		int ret;

		ret = incr_extent_expand(source, window, extent, from, stored,
					 cluster, error);
		if (ret)
			return ret;
		stored += extent->length;
		if (cluster == scratch)
			memcpy(place,
			       cluster + ((from - start) << INC_BLOCK_SHIFT),
			       (to - from) << INC_BLOCK_SHIFT);
		ret = incr_blocks_check(source, extent, from, to - from, place,
					cursor, error);
		if (ret)
			return ret;
	}
	return 0;
}

static int range_check(const struct incr_image *image, u64 block, u64 count,
		       struct incr_error *error)
{
	u64 blocks = image->view->seg->device_blocks;

	if (block <= blocks && count <= blocks - block)
		return 0;
	return incr_fail(error, -EINVAL,
			 "blocks %llu+%llu reach past the device's end (%llu blocks)",
			 (unsigned long long)block, (unsigned long long)count,
			 (unsigned long long)blocks);
}

int incr_image_read(struct incr_image *image, u64 block, u64 count, void *buffer,
		    struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 end = block + count;
	struct inc_cursor cursor;
	struct group group;
	u8 *scratch = NULL, *stored = NULL;
	struct inc_window window = { 0 };
	size_t stored_size = 0;
	u8 *out = buffer;
	u64 next;
	int ret;

	ret = range_check(image, block, count, error);
	if (ret)
		return ret;
	inc_cursor_init(&cursor);
	scratch = malloc((size_t)INC_BLOCK_SIZE <<
			 image->view->seg->cluster_shift);
	if (!scratch)
		return incr_fail(error, -ENOMEM, "out of memory");

	for (; block < end; block = next) {
		ret = group_collect(&source, block, end, &cursor, &group,
				    &next, error);
		if (ret)
			break;
		if (!group.count) {
			ret = zeros_count(&source, block, end - block, &cursor,
					  &next, error);
			if (ret)
				break;
			memset(out, 0, next << INC_BLOCK_SHIFT);
			out += next << INC_BLOCK_SHIFT;
			next += block;
			continue;
		}
		if (group.length > stored_size) {
			free(stored);
			stored_size = group.length;
			stored = malloc(stored_size);
		}
		if (!stored) {
			ret = incr_fail(error, -ENOMEM, "out of memory");
			break;
		}
		ret = incr_source_read(&source, group.offset, group.length,
				       stored, error);
		if (!ret)
			ret = group_expand(&source, &group, stored, block, end,
					   &cursor, &window, scratch, out,
					   error);
		if (ret)
			break;
		out += (next - block) << INC_BLOCK_SHIFT;
	}
	incr_window_free(&window);
	free(stored);
	free(scratch);
	return ret;
}

/**
 * incr_bytes_check - check that a range of bytes is on the device
 */
int incr_bytes_check(const struct incr_image *image, u64 offset, u64 length,
		     struct incr_error *error)
{
	u64 size = image->view->seg->device_blocks << INC_BLOCK_SHIFT;

	if (offset <= size && length <= size - offset)
		return 0;
	return incr_fail(error, -EINVAL,
			 "bytes %llu+%llu reach past the device's end at %llu",
			 (unsigned long long)offset, (unsigned long long)length,
			 (unsigned long long)size);
}

/* A part of one block. */
static int read_part(struct incr_image *image, u64 offset, size_t length,
		     void *buffer, struct incr_error *error)
{
	u8 block[INC_BLOCK_SIZE];
	int ret = incr_image_read(image, offset >> INC_BLOCK_SHIFT, 1, block,
				  error);

	if (!ret)
		memcpy(buffer, block + offset % INC_BLOCK_SIZE, length);
	return ret;
}

int incr_image_read_bytes(struct incr_image *image, u64 offset, size_t length,
			  void *buffer, struct incr_error *error)
{
	u8 *bytes = buffer;
	int ret = incr_bytes_check(image, offset, length, error);

	while (!ret && length) {
		size_t part = INC_BLOCK_SIZE - offset % INC_BLOCK_SIZE;

		if (part > length)
			part = length;
		if (part < INC_BLOCK_SIZE) {
			ret = read_part(image, offset, part, bytes, error);
		} else {
			part = length - length % INC_BLOCK_SIZE;
			ret = incr_image_read(image, offset >> INC_BLOCK_SHIFT,
					      part >> INC_BLOCK_SHIFT, bytes,
					      error);
		}
		bytes += part;
		offset += part;
		length -= part;
	}
	return ret;
}

int incr_image_zeros(struct incr_image *image, u64 block, u64 max, u64 *count,
		     struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	struct inc_cursor cursor;
	int ret;

	*count = 0;
	ret = range_check(image, block, max, error);
	if (ret)
		return ret;
	inc_cursor_init(&cursor);
	return zeros_count(&source, block, max, &cursor, count, error);
}

int incr_image_extent(struct incr_image *image, u64 block,
		      struct inc_extent *extent, struct incr_error *error)
{
	u64 next;

	return incr_image_map(image, block, extent, &next, error);
}

int incr_image_map(struct incr_image *image, u64 block, struct inc_extent *extent,
		   u64 *next, struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	u64 blocks = image->view->seg->device_blocks;
	struct inc_cursor cursor;
	int ret;

	ret = range_check(image, block, 1, error);
	if (ret)
		return ret;
	inc_cursor_init(&cursor);
	ret = incr_entry_fetch(&source, block, &cursor, extent, error);
	if (ret)
		return ret;
	*next = extent->codec == INC_CODEC_ZERO ?
		incr_map_skip(&source, block, &cursor) :
		inc_cluster_start(extent, block) +
			(1ull << extent->cluster_shift);
	if (*next > blocks)
		*next = blocks;
	return 0;
}

int incr_image_tree_page(struct incr_image *image, u64 page, void *buffer,
			 struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	struct inc_hashes hashes;
	u32 level;
	u64 block;

	incr_hashes_tree(&hashes, image->view);
	if (page >= hashes.tree->pages)
		return incr_fail(error, -EINVAL,
				 "hash tree has no page %llu, only %llu pages",
				 (unsigned long long)page,
				 (unsigned long long)hashes.tree->pages);
	block = incr_hashes_below(&hashes, page, &level);
	return incr_hashes_fetch(&source, &hashes, level, block, buffer, error);
}
