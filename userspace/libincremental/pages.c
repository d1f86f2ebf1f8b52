// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Metadata pages: the walk down the hash tree or the guard, and map entries.
 */
#include "libincremental/internal.h"

/*
 * Read bytes of the image: from the source's own bytes where it has them,
 * from the image's incr_io before and after them.
 */
int incr_source_read(const struct inc_source *source, u64 offset, size_t length,
		     void *buffer, struct incr_error *error)
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
			ret = incr_raw_read(source->image, offset, part, out,
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

static int page_fetch(const struct inc_source *source, u64 file_page,
		      void *page, u8 *digest, struct incr_error *error)
{
	struct incr_image *image = source->image;
	u64 offset = file_page << INC_PAGE_SHIFT;
	int ret;

	if (incr_cache_get(image->cache, file_page, page, digest))
		return 0;
	ret = incr_source_read(source, offset, INC_PAGE_SIZE, page, error);
	if (ret)
		return ret;
	incr_hash_digest(image->hash, page, INC_PAGE_SIZE, digest);
	/* Bytes that have just arrived are not cached before they are verified. */
	if (offset - source->offset >= source->length)
		incr_cache_put(image->cache, file_page, page, digest);
	return 0;
}

static int no_match(const char *name, u64 offset, struct incr_error *error)
{
	return incr_fail(error, -EBADMSG,
			 "%s (offset %llu) does not match its digest", name,
			 (unsigned long long)offset);
}

/*
 * A page that must have the digest @expected. Return: 0; 1: it has not, which the caller
 * says; -errno.
 */
static int page_prove(const struct inc_source *source, u64 file_page,
		      const u8 *expected, void *page, struct incr_error *error)
{
	u8 digest[INC_SHA256_SIZE];
	int ret = page_fetch(source, file_page, page, digest, error);

	if (ret || !memcmp(digest, expected, sizeof(digest)))
		return ret;
	incr_cache_drop(source->image->cache, file_page);
	return 1;
}

void incr_hashes_tree(struct inc_hashes *hashes, const struct inc_view *view)
{
	hashes->name = "hash tree";
	hashes->tree = &view->seg->tree;
	hashes->root = view->seg->root_digest;
	hashes->runs = view->tree_runs;
	hashes->run_count = view->seg->tree_runs;
}

void incr_hashes_guard(struct inc_hashes *hashes, const struct inc_segment *seg)
{
	hashes->name = "guard";
	hashes->tree = &seg->guard;
	hashes->root = seg->guard_digest;
	/* Its pages are in one row. */
	memset(&hashes->own, 0, sizeof(hashes->own));
	hashes->own.file_page = cpu_to_le64(seg->guard_offset >>
					    INC_PAGE_SHIFT);
	hashes->runs = &hashes->own;
	hashes->run_count = 1;
}

u64 incr_hashes_page(const struct inc_hashes *hashes, u32 level, u64 block,
		     u32 *place)
{
	return dm_inc_dir_lookup(
		hashes->runs, hashes->run_count,
		dm_inc_tree_page(hashes->tree, level, block, place));
}

/**
 * incr_hashes_below - a block that is hashed below page @number
 * @level: set to the page's
 */
u64 incr_hashes_below(const struct inc_hashes *hashes, u64 number, u32 *level)
{
	const struct inc_tree *tree = hashes->tree;

	*level = 0;
	while (number < tree->first[*level])
		++*level;
	return (number - tree->first[*level]) <<
	       ((INC_PAGE_SHIFT - tree->digest_shift) * (*level + 1));
}

/* Say what is wrong with a page of a hash tree, which holds @block at level @level. */
static int tree_page_fail(const struct inc_hashes *hashes, u32 level, u64 block,
			  const char *what, struct incr_error *error)
{
	u32 place;
	u64 file_page = incr_hashes_page(hashes, level, block, &place);

	return incr_fail(error, -EBADMSG, "%s page %llu (offset %llu) %s",
			 hashes->name,
			 (unsigned long long)dm_inc_tree_page(hashes->tree,
							      level, block,
							      &place),
			 (unsigned long long)file_page << INC_PAGE_SHIFT, what);
}

/**
 * incr_hashes_fetch - a verified page of a hash tree
 * @level: below the tree's levels
 * @block: a block below the page
 * @page: receives 4096 bytes
 *
 * Goes down from the root, so that every page is compared with a digest that
 * is itself verified.
 */
int incr_hashes_fetch(const struct inc_source *source,
		      const struct inc_hashes *hashes, u32 level, u64 block,
		      u8 *page, struct incr_error *error)
{
	u8 expected[INC_SHA256_SIZE];
	u32 l = hashes->tree->levels;

	memcpy(expected, hashes->root, sizeof(expected));
	for (;;) {
		u32 place, used;
		u64 file_page = incr_hashes_page(hashes, --l, block, &place);
		int ret;

		ret = page_prove(source, file_page, expected, page, error);
		if (ret > 0)
			return tree_page_fail(hashes, l, block,
					      "does not match its digest",
					      error);
		if (ret)
			return ret;
		/* Else the tree would be that of another device, too. */
		used = dm_inc_tree_used(hashes->tree, l, block);
		if (!inc_all_zero(page + used, INC_PAGE_SIZE - used)) {
			incr_cache_drop(source->image->cache, file_page);
			return tree_page_fail(hashes, l, block,
					      "has more digests than it should",
					      error);
		}
		if (l == level)
			return 0;
		memcpy(expected, page + place, sizeof(expected));
	}
}

/* The verified digest of a block; @page is scratch. */
static int hashes_digest(const struct inc_source *source,
			 const struct inc_hashes *hashes, u64 block,
			 u8 *page, u8 *digest, struct incr_error *error)
{
	u32 place;
	int ret;

	if (!hashes->tree->levels) {
		memcpy(digest, hashes->root, INC_SHA256_SIZE);
		return 0;
	}
	ret = incr_hashes_fetch(source, hashes, 0, block, page, error);
	if (ret)
		return ret;
	dm_inc_tree_page(hashes->tree, 0, block, &place);
	memcpy(digest, page + place, INC_SHA256_SIZE);
	return 0;
}

/* The area of a guarded page, as messages name it. */
static const char *guarded_name(const struct inc_segment *seg, u64 offset)
{
	if (inc_within(offset, seg->owners_offset, seg->owners_size))
		return "page of the owner table";
	if (inc_within(offset, seg->dictionary_offset, seg->dictionary_size))
		return "page of the dictionary";
	return "map page";
}

/* The digest that its segment's guard has for the page at @offset. */
static int guarded_digest(const struct inc_source *source, u64 offset,
			  u8 *digest, const char **name,
			  struct incr_error *error)
{
	const struct inc_segment *seg = incr_segment_holding(source->image,
							     offset);
	u8 scratch[INC_PAGE_SIZE];
	struct inc_hashes guard;

	if (!seg || !inc_within(offset, seg->guarded_offset, seg->guarded_size))
		return incr_fail(error, -EINVAL,
				 "map page (offset %llu) is not among the pages that its segment guards",
				 (unsigned long long)offset);
	*name = guarded_name(seg, offset);
	incr_hashes_guard(&guard, seg);
	return hashes_digest(source, &guard,
			     (offset - seg->guarded_offset) >> INC_PAGE_SHIFT,
			     scratch, digest, error);
}

/**
 * incr_guarded_fetch - a page of map, owner table or dictionary, verified
 * @file_page: where it is; the guard of that segment has its digest
 * @page: receives 4096 bytes
 */
int incr_guarded_fetch(const struct inc_source *source, u64 file_page,
		       void *page, struct incr_error *error)
{
	u8 expected[INC_SHA256_SIZE];
	const char *name;
	int ret = guarded_digest(source, file_page << INC_PAGE_SHIFT, expected,
				 &name, error);

	if (!ret)
		ret = page_prove(source, file_page, expected, page, error);
	return ret > 0 ? no_match(name, file_page << INC_PAGE_SHIFT, error) : ret;
}

/* Check a page that has been read from @offset, a multiple of 4096. */
int incr_guarded_check(const struct inc_source *source, u64 offset,
		       const void *page, struct incr_error *error)
{
	u8 expected[INC_SHA256_SIZE], digest[INC_SHA256_SIZE];
	const char *name;
	int ret = guarded_digest(source, offset, expected, &name, error);

	if (ret)
		return ret;
	incr_hash_digest(source->image->hash, page, INC_PAGE_SIZE, digest);
	if (!memcmp(digest, expected, sizeof(digest)))
		return 0;
	return no_match(name, offset, error);
}

/* The verified digest of a data block; @digest has INC_SHA256_SIZE bytes. */
int incr_block_digest(const struct inc_source *source, u64 block,
		      struct inc_cursor *cursor, u8 *digest,
		      struct incr_error *error)
{
	const struct inc_tree *tree = &source->view->seg->tree;
	struct inc_hashes hashes;
	u64 number;
	u32 place;
	int ret;

	incr_hashes_tree(&hashes, source->view);
	if (!tree->levels)
		return hashes_digest(source, &hashes, block, NULL, digest,
				     error);
	number = dm_inc_tree_page(tree, 0, block, &place);
	if (number != cursor->tree_page) {
		cursor->tree_page = UINT64_MAX;
		ret = incr_hashes_fetch(source, &hashes, 0, block, cursor->tree,
					error);
		if (ret)
			return ret;
		cursor->tree_page = number;
	}
	memcpy(digest, cursor->tree + place, INC_SHA256_SIZE);
	return 0;
}

static u64 map_file_page(const struct inc_source *source, u64 block)
{
	return dm_inc_dir_lookup(source->view->map_runs,
				 source->view->seg->map_runs,
				 inc_map_page(block));
}

/**
 * incr_map_next - the next map page that may have other contents
 * @page: number of a map page
 *
 * Return: the page after @page, or after all of its repetitions.
 */
u64 incr_map_next(const struct inc_source *source, u64 page)
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

int incr_entry_fetch(const struct inc_source *source, u64 block,
		     struct inc_cursor *cursor, struct inc_extent *extent,
		     struct incr_error *error)
{
	const struct inc_segment *seg = source->view->seg;
	u64 number = inc_map_page(block);
	u64 entry;
	int ret;

	if (number != cursor->map_page) {
		cursor->map_page = UINT64_MAX;
		ret = incr_guarded_fetch(source, map_file_page(source, block),
					 cursor->map, error);
		if (ret)
			return ret;
		cursor->map_page = number;
	}
	entry = le64_to_cpu(cursor->map[inc_map_index(block)]);
	if (!dm_inc_entry_decode(entry, seg->cluster_shift, seg->end, extent) &&
	    (extent->codec != INC_CODEC_LZ4_REFERENCES ||
	     incr_segment_holding(source->image, extent->offset)->references))
		return 0;
	return incr_fail(error, -EINVAL,
			 "map entry of block %llu (offset %llu) is malformed: 0x%016llx",
			 (unsigned long long)block,
			 (unsigned long long)(map_file_page(source, block) <<
				INC_PAGE_SHIFT) + 8 * inc_map_index(block),
			 (unsigned long long)entry);
}

/**
 * incr_map_skip - the next block that may differ from a zero block
 * @block: a block whose entry is 0, just looked up with @cursor
 *
 * Return: a block above @block, all between being zero; at most the device's
 * size. Costs a page of the map at a time, or a whole repeated run.
 */
u64 incr_map_skip(const struct inc_source *source, u64 block,
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
		block = incr_map_next(source, page) << INC_ENTRIES_SHIFT;
	return block < seg->device_blocks ? block : seg->device_blocks;
}
