// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata pages: the walk down the hash tree, and map entries.
 */
#include "internal.h"

/*
 * Read bytes of the image: from the source's own bytes where it has them,
 * from the image's inc_io before and after them.
 */
int inc_source_read(const struct inc_source *source, u64 offset, size_t length,
		    void *buffer, struct inc_error *error)
{
	u64 start = source->offset, end = source->offset + source->length;
	u8 *out = buffer;
	int ret;

	while (length) {
		bool own = offset >= start && offset < end;
		u64 stop = own ? end : offset < start ? start : UINT64_MAX;
		size_t part = length;

		if (stop - offset < part)
			part = (size_t)(stop - offset);
		if (own) {
			memcpy(out, source->data + (offset - start), part);
		} else {
			ret = inc_raw_read(source->image, offset, part, out,
					   error);
			if (ret)
				return ret;
		}
		out += part;
		offset += part;
		length -= part;
	}
	return 0;
}

/* A metadata page; @digest is NULL for those of map and owner table. */
int inc_page_fetch(const struct inc_source *source, u64 file_page,
		   void *page, u8 *digest, struct inc_error *error)
{
	struct inc_image *image = source->image;
	u64 offset = file_page << INC_PAGE_SHIFT;
	int ret;

	if (inc_cache_get(image->cache, file_page, page, digest))
		return 0;
	ret = inc_source_read(source, offset, INC_PAGE_SIZE, page, error);
	if (ret)
		return ret;
	if (digest)
		inc_hash_digest(image->hash, page, INC_PAGE_SIZE, digest);
	/* What has only just arrived is not kept before it is verified. */
	if (offset - source->offset >= source->length)
		inc_cache_put(image->cache, file_page, page, digest);
	return 0;
}

/**
 * inc_tree_fetch - a verified page of the hash tree
 * @level: below the tree's levels
 * @block: a data block below the page
 * @page: receives 4096 bytes
 *
 * Goes down from the root, so that every page is compared with a digest that
 * is itself verified.
 */
int inc_tree_fetch(const struct inc_source *source, u32 level, u64 block,
		   u8 *page, struct inc_error *error)
{
	const struct inc_view *view = source->view;
	const struct inc_segment *seg = view->seg;
	u8 expected[INC_SHA256_SIZE], digest[INC_SHA256_SIZE];
	u32 l = seg->tree.levels;

	memcpy(expected, seg->root_digest, sizeof(expected));
	for (;;) {
		u32 place;
		u64 number = inc_tree_page(&seg->tree, --l, block, &place);
		u64 file_page = inc_dir_lookup(view->tree_runs, seg->tree_runs,
					       number);
		int ret = inc_page_fetch(source, file_page, page, digest, error);

		if (ret)
			return ret;
		if (memcmp(digest, expected, sizeof(digest))) {
			inc_cache_drop(source->image->cache, file_page);
			return inc_fail(error, -EBADMSG,
					"hash tree page %llu (offset %llu) does not match its digest",
					(unsigned long long)number,
					(unsigned long long)file_page <<
						INC_PAGE_SHIFT);
		}
		if (l == level)
			return 0;
		memcpy(expected, page + place, sizeof(expected));
	}
}

/* The verified digest of a data block; @digest has INC_SHA256_SIZE bytes. */
int inc_block_digest(const struct inc_source *source, u64 block,
		     struct inc_cursor *cursor, u8 *digest,
		     struct inc_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 number;
	u32 place;
	int ret;

	if (!seg->tree.levels) {
		memcpy(digest, seg->root_digest, INC_SHA256_SIZE);
		return 0;
	}
	number = inc_tree_page(&seg->tree, 0, block, &place);
	if (number != cursor->tree_page) {
		cursor->tree_page = UINT64_MAX;
		ret = inc_tree_fetch(source, 0, block, cursor->tree, error);
		if (ret)
			return ret;
		cursor->tree_page = number;
	}
	memcpy(digest, cursor->tree + place, INC_SHA256_SIZE);
	return 0;
}

static u64 map_file_page(const struct inc_source *source, u64 block)
{
	return inc_dir_lookup(source->view->map_runs,
			      source->view->seg->map_runs,
			      inc_map_page(block));
}

/* Drop the map page of @block from the cache: what it says proved wrong. */
void inc_map_forget(const struct inc_source *source, u64 block)
{
	inc_cache_drop(source->image->cache, map_file_page(source, block));
}

/**
 * inc_map_next - the next map page that may have other contents
 * @page: number of a map page
 *
 * Return: the page after @page, or after all of its repetitions.
 */
u64 inc_map_next(const struct inc_source *source, u64 page)
{
	const struct inc_segment *seg = source->view->seg;
	const struct inc_run *runs = source->view->map_runs;
	u32 low = 0, high = seg->map_runs;

	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (le32_to_cpu(runs[middle].first) <= page)
			low = middle;
		else
			high = middle;
	}
	if (!(le32_to_cpu(runs[low].flags) & INC_RUN_REPEAT))
		return page + 1;
	return high < seg->map_runs ? le32_to_cpu(runs[high].first) :
				      seg->map_pages;
}

int inc_entry_fetch(const struct inc_source *source, u64 block,
		    struct inc_cursor *cursor, struct inc_extent *extent,
		    struct inc_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 number = inc_map_page(block);
	u64 entry;
	int ret;

	if (number != cursor->map_page) {
		cursor->map_page = UINT64_MAX;
		ret = inc_page_fetch(source, map_file_page(source, block),
				 cursor->map, NULL, error);
		if (ret)
			return ret;
		cursor->map_page = number;
	}
	entry = le64_to_cpu(cursor->map[inc_map_index(block)]);
	if (!inc_entry_decode(entry, seg->cluster_shift, seg->end, extent))
		return 0;
	inc_map_forget(source, block);
	return inc_fail(error, -EINVAL,
			"map entry of block %llu (offset %llu) is malformed: 0x%016llx",
			(unsigned long long)block,
			(unsigned long long)(map_file_page(source, block) <<
				INC_PAGE_SHIFT) + 8 * inc_map_index(block),
			(unsigned long long)entry);
}

/**
 * inc_map_skip - the next block that may differ from a zero block
 * @block: a block whose entry is 0, just looked up with @cursor
 *
 * Return: a block above @block, all between being zero; at most the device's
 * size. Costs a page of the map at a time, or a whole repeated run.
 */
u64 inc_map_skip(const struct inc_source *source, u64 block,
		 const struct inc_cursor *cursor)
{
	const struct inc_segment *seg = source->view->seg;
	u32 index = inc_map_index(block);
	u64 page = inc_map_page(block);
	u32 i;

	for (i = index + 1; i < INC_ENTRIES_PER_PAGE && !cursor->map[i]; i++)
		;
	block += i - index;
	/* A page of zeros only: pass over its repetitions. */
	if (i == INC_ENTRIES_PER_PAGE && !index)
		block = inc_map_next(source, page) << INC_ENTRIES_SHIFT;
	return block < seg->device_blocks ? block : seg->device_blocks;
}
