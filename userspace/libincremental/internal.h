/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libincremental share; not for its users.
 */
#ifndef INCREMENTAL_INTERNAL_H
#define INCREMENTAL_INTERNAL_H

#include <pthread.h>
#include "libincremental/hash.h"
#include "libincremental/incremental.h"

struct inc_cache;

/* One run of a directory, for the way back from the file to the page. */
struct inc_back {
	u64 file_page;
	u64 pages;		/* in the file: 1 if repeated */
	u32 first;
};

struct inc_back_index {
	struct inc_back *runs;		/* sorted by file page */
	u32 count;
};

/*
 * One generation as its own head describes it. The segment of generation n
 * adds the pages and extents that generation n needs and its predecessors
 * lack, so this view refers to every byte of the segment.
 */
struct inc_view {
	struct inc_view *next;		/* in inc_image.views */
	unsigned int users;
	const struct inc_segment *seg;
	struct inc_run *map_runs;
	struct inc_run *tree_runs;
	struct inc_back_index tree_back;
};

struct inc_image {
	struct inc_io io;
	u64 size;			/* of all segments */
	struct inc_segment *segments;
	u32 segment_count;
	struct inc_view *view;		/* the open generation */
	struct inc_hash *hash;
	struct inc_cache *cache;
	struct inc_file *file;		/* if opened by path */
	u8 zero_digest[INC_SHA256_SIZE];	/* of a zero block */
	struct inc_dictionaries *dictionaries;
	struct inc_views *views;	/* other generations */
};

/*
 * Where a function takes metadata and extents from: @length bytes at @offset
 * come from @data, all others from the image's inc_io.
 */
struct inc_source {
	struct inc_image *image;
	struct inc_view *view;
	u64 offset;
	u64 length;
	const u8 *data;
};

/*
 * A hash tree and where it is: that of a generation's blocks, or the guard of
 * a segment's metadata.
 */
struct inc_hashes {
	const char *name;
	const struct inc_tree *tree;
	const u8 *root;
	const struct inc_run *runs;
	u32 run_count;
	struct inc_run own;
};

/* The last map page and the last lowest tree page of a walk. */
struct inc_cursor {
	u64 map_page;			/* UINT64_MAX: none */
	u64 tree_page;
	__le64 map[INC_ENTRIES_PER_PAGE];
	u8 tree[INC_PAGE_SIZE];
};

/* cache.c: pages of the image file with their digests */
struct inc_cache *inc_cache_new(void);
void inc_cache_free(struct inc_cache *cache);
bool inc_cache_get(struct inc_cache *cache, u64 file_page, void *page,
		   u8 *digest);
void inc_cache_put(struct inc_cache *cache, u64 file_page, const void *page,
		   const u8 *digest);
void inc_cache_drop(struct inc_cache *cache, u64 file_page);

/* file.c */
struct inc_file;
int inc_file_open(struct inc_file **file, int fd, struct inc_io *io, u64 *size,
		  struct inc_error *error);
int inc_file_attach(struct inc_file *file, struct inc_image *image,
		    struct inc_error *error);
void inc_file_close(struct inc_file *file);

/* image.c */
struct inc_image *inc_image_new(const struct inc_io *io,
				struct inc_error *error);
int inc_image_start(struct inc_image *image, u32 generation,
		    struct inc_error *error);

/* lookup.c */
int inc_raw_read(struct inc_image *image, u64 offset, size_t length,
		 void *buffer, struct inc_error *error);
const struct inc_segment *inc_segment_holding(const struct inc_image *image,
					      u64 offset);
bool inc_head_good(const struct inc_segment *seg, const u8 *head);
int inc_head_read(struct inc_image *image, const struct inc_segment *seg,
		  u8 **head, struct inc_error *error);
bool inc_views_new(struct inc_image *image);
void inc_views_free(struct inc_image *image);
int inc_view_load(struct inc_image *image, const struct inc_segment *seg,
		  struct inc_view **result, struct inc_error *error);
struct inc_view *inc_view_get(struct inc_image *image, u32 generation,
			      struct inc_error *error);
void inc_view_put(struct inc_image *image, struct inc_view *view);
bool inc_back_find(const struct inc_back_index *index, u64 file_page,
		   u64 *page);

/* pages.c */
int inc_source_read(const struct inc_source *source, u64 offset, size_t length,
		    void *buffer, struct inc_error *error);
void inc_hashes_tree(struct inc_hashes *hashes, const struct inc_view *view);
void inc_hashes_guard(struct inc_hashes *hashes, const struct inc_segment *seg);
u64 inc_hashes_page(const struct inc_hashes *hashes, u32 level, u64 block,
		    u32 *place);
u64 inc_hashes_below(const struct inc_hashes *hashes, u64 number, u32 *level);
int inc_hashes_fetch(const struct inc_source *source,
		     const struct inc_hashes *hashes, u32 level, u64 block,
		     u8 *page, struct inc_error *error);
int inc_guarded_fetch(const struct inc_source *source, u64 file_page,
		      void *page, struct inc_error *error);
int inc_guarded_check(const struct inc_source *source, u64 offset,
		      const void *page, struct inc_error *error);
int inc_block_digest(const struct inc_source *source, u64 block,
		     struct inc_cursor *cursor, u8 *digest,
		     struct inc_error *error);
int inc_entry_fetch(const struct inc_source *source, u64 block,
		    struct inc_cursor *cursor, struct inc_extent *extent,
		    struct inc_error *error);
u64 inc_map_skip(const struct inc_source *source, u64 block,
		 const struct inc_cursor *cursor);
u64 inc_map_next(const struct inc_source *source, u64 page);

static inline bool inc_all_zero(const void *data, size_t length)
{
	const u8 *bytes = data;

	return !length || (!bytes[0] && !memcmp(bytes, bytes + 1, length - 1));
}

/* Is @offset in [start, start + size)? */
static inline bool inc_within(u64 offset, u64 start, u64 size)
{
	return offset >= start && offset - start < size;
}

static inline void inc_cursor_init(struct inc_cursor *cursor)
{
	cursor->map_page = UINT64_MAX;
	cursor->tree_page = UINT64_MAX;
}

/* dictionary.c */
int inc_dictionaries_new(struct inc_image *image);
void inc_dictionaries_free(struct inc_image *image);
int inc_dictionary_get(const struct inc_source *source,
		       const struct inc_segment *seg, const u8 **bytes,
		       struct inc_error *error);

/* read.c */
int inc_extent_expand(const struct inc_source *source,
		      const struct inc_extent *extent, u64 block,
		      const void *stored, void *blocks,
		      struct inc_error *error);
int inc_blocks_check(const struct inc_source *source,
		     const struct inc_extent *extent, u64 block, u64 count,
		     const u8 *blocks, struct inc_cursor *cursor,
		     struct inc_error *error);

#endif /* INCREMENTAL_INTERNAL_H */
