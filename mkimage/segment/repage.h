/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An array of metadata pages, the map or a level of the hash tree, as a layer
 * changes it: it takes the items that differ, and makes a list of pages, most
 * of which stay where they were.
 */
#ifndef MKIMAGE_REPAGE_H
#define MKIMAGE_REPAGE_H

#include "libincremental/incremental.h"
#include "segment/pagelist.h"

/* A page that changed. */
struct repage_change {
	u64 number;
	u8 digest[INC_SHA256_SIZE];
};

/**
 * struct repage - one array
 * @image: open at the generation before
 * @tree: a level of the tree; else the map
 * @item_size: bytes of an item: an entry or a digest
 * @old_items: how many there were
 * @items: how many there are
 * @old_first: number of the array's first page in the old directory
 * @old_pages: how many it had; 0 if it is a level that was not there
 * @hole_item: new items that are not set
 * @old_single: the one item of an array that had no page: the old root digest
 * @keep_touched: store the pages at the old and new end if the size changed,
 * even if they are as they were
 */
struct repage {
	struct incr_image *image;
	const char *name;
	const struct inc_hash *hash;
	bool tree;
	u32 item_size;
	u64 old_items, items;
	u64 old_first, old_pages, pages;
	u8 hole_item[INC_SHA256_SIZE];
	u8 old_single[INC_SHA256_SIZE];
	bool keep_touched;

	struct spool *spool;		/* pages that changed */
	struct repage_change *changes;	/* their numbers and digests */
	u64 change_count, change_room;
	u64 touch[2];			/* pages that change with the size */
	u32 touches, touched;
	bool loaded;
	u64 number;			/* of @page */
	u8 page[INC_PAGE_SIZE];
};

/**
 * repage_init - start with an array
 * @repage: the fields before @spool filled in, the others zero
 *
 * Return: 0, or a negative errno after an error message; in either case
 * repage_free() frees it. So do the functions below that return an int.
 */
int repage_init(struct repage *repage, const char *dir);
void repage_free(struct repage *repage);

/* Item @index is @item; indices go up. */
int repage_set(struct repage *repage, u64 index, const void *item);

/* No more items: @changes are complete. */
int repage_finish(struct repage *repage);

/* The digest of page 0, of an array of one page. */
int repage_top_digest(struct repage *repage, u8 *digest);

/* The digest of a page of nothing but @hole_item. */
void repage_hole_digest(const struct repage *repage, u8 *digest);

/*
 * Runs that the array will have in a directory, if unchanged pages in rows of
 * up to @most are stored again.
 */
u64 repage_runs(const struct repage *repage, u64 most);

/* Put the array into @list, storing again as above. */
int repage_list(struct repage *repage, u64 most, struct pagelist *list,
		struct pagelist_runs *runs);

#endif /* MKIMAGE_REPAGE_H */
