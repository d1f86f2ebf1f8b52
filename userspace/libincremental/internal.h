/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Declarations that the files of libincremental share; not for its users.
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
	struct inc_view *next;		/* in incr_image.views */
	unsigned int users;
	const struct inc_segment *seg;
	struct inc_run *map_runs;
	struct inc_run *tree_runs;
	struct inc_back_index tree_back;
};

struct incr_image {
	struct incr_io io;
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
 * come from @data, all others from the image's incr_io.
 */
struct inc_source {
	struct incr_image *image;
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

/*
 * What an extent refers to, expanded. The next one in the file often refers to
 * much of the same, which is copied rather than read and expanded again.
 */
struct inc_window {
	struct inc_references held;	/* that @bytes are of */
	u8 *bytes;
	u8 *next;			/* room for the next one's */
	u8 *room;			/* where both are; NULL: none yet */
};

/* cache.c: pages of the image file with their digests */
struct inc_cache *incr_cache_new(void);
void incr_cache_free(struct inc_cache *cache);
bool incr_cache_get(struct inc_cache *cache, u64 file_page, void *page,
		    u8 *digest);
void incr_cache_put(struct inc_cache *cache, u64 file_page, const void *page,
		    const u8 *digest);
void incr_cache_drop(struct inc_cache *cache, u64 file_page);

/* file.c */
struct inc_file;
int incr_file_open(struct inc_file **file, int fd, struct incr_io *io, u64 *size,
		   struct incr_error *error);
int incr_file_attach(struct inc_file *file, struct incr_image *image,
		     struct incr_error *error);
void incr_file_close(struct inc_file *file);

/* image.c */
struct incr_image *incr_image_new(const struct incr_io *io,
				  struct incr_error *error);
int incr_image_start(struct incr_image *image, u32 generation,
		     struct incr_error *error);

/* lookup.c */
int incr_raw_read(struct incr_image *image, u64 offset, size_t length,
		  void *buffer, struct incr_error *error);
const struct inc_segment *incr_segment_holding(const struct incr_image *image,
					       u64 offset);
bool incr_head_good(const struct inc_segment *seg, const u8 *head);
int incr_head_read(struct incr_image *image, const struct inc_segment *seg,
		   u8 **head, struct incr_error *error);
bool incr_views_new(struct incr_image *image);
void incr_views_free(struct incr_image *image);
int incr_view_load(struct incr_image *image, const struct inc_segment *seg,
		   struct inc_view **result, struct incr_error *error);
struct inc_view *incr_view_get(struct incr_image *image, u32 generation,
			       struct incr_error *error);
void incr_view_put(struct incr_image *image, struct inc_view *view);
bool incr_back_find(const struct inc_back_index *index, u64 file_page,
		    u64 *page);

/* pages.c */
int incr_source_read(const struct inc_source *source, u64 offset, size_t length,
		     void *buffer, struct incr_error *error);
void incr_hashes_tree(struct inc_hashes *hashes, const struct inc_view *view);
void incr_hashes_guard(struct inc_hashes *hashes, const struct inc_segment *seg);
u64 incr_hashes_page(const struct inc_hashes *hashes, u32 level, u64 block,
		     u32 *place);
u64 incr_hashes_below(const struct inc_hashes *hashes, u64 number, u32 *level);
int incr_hashes_fetch(const struct inc_source *source,
		      const struct inc_hashes *hashes, u32 level, u64 block,
		      u8 *page, struct incr_error *error);
int incr_guarded_fetch(const struct inc_source *source, u64 file_page,
		       void *page, struct incr_error *error);
int incr_guarded_check(const struct inc_source *source, u64 offset,
		       const void *page, struct incr_error *error);
int incr_block_digest(const struct inc_source *source, u64 block,
		      struct inc_cursor *cursor, u8 *digest,
		      struct incr_error *error);
int incr_entry_fetch(const struct inc_source *source, u64 block,
		     struct inc_cursor *cursor, struct inc_extent *extent,
		     struct incr_error *error);
u64 incr_map_skip(const struct inc_source *source, u64 block,
		  const struct inc_cursor *cursor);
u64 incr_map_next(const struct inc_source *source, u64 page);

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
int incr_dictionaries_new(struct incr_image *image);
void incr_dictionaries_free(struct incr_image *image);
int incr_dictionary_expand(const struct inc_source *source,
			   const struct inc_segment *seg, const void *stored,
			   u32 length, void *blocks, u32 size, int *failed,
			   struct incr_error *error);

/* references.c */
int incr_references_decode(const struct inc_source *source,
			   const struct inc_extent *extent, u64 block,
			   const u8 *stored, u32 length,
			   struct inc_references *references,
			   struct incr_error *error);
int incr_references_read(const struct inc_source *source,
			 const struct inc_extent *extent, u64 block,
			 struct inc_references *references,
			 struct incr_error *error);

/* expand.c */
void incr_window_free(struct inc_window *window);
int incr_extent_expand(const struct inc_source *source,
		       struct inc_window *window,
		       const struct inc_extent *extent, u64 block,
		       const void *stored, void *blocks,
		       struct incr_error *error);

/* read.c */
int incr_bytes_check(const struct incr_image *image, u64 offset, u64 length,
		     struct incr_error *error);
int incr_blocks_check(const struct inc_source *source,
		      const struct inc_extent *extent, u64 block, u64 count,
		      const u8 *blocks, struct inc_cursor *cursor,
		      struct incr_error *error);

#endif /* INCREMENTAL_INTERNAL_H */
