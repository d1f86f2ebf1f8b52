// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arrays of metadata pages that change; see repage.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "segment/repage.h"

/* Consecutive pages that are treated alike. */
enum kind {
	CHANGED,		/* stored, from change @at on */
	OLD,			/* where they were, at file page @at */
	HOLE,			/* full of hole items */
};

struct piece {
	enum kind kind;
	u64 first, pages;
	u64 at;
	bool repeat;
};

static u32 items_a_page(const struct repage *repage)
{
	return INC_PAGE_SIZE / repage->item_size;
}

int repage_init(struct repage *repage, const char *dir)
{
	u32 per_page = items_a_page(repage);

	repage->pages = (repage->items + per_page - 1) / per_page;
	repage->spool = spool_new(dir);
	if (repage->items == repage->old_items && repage->old_pages)
		return repage->spool ? 0 : -EIO;
	/* The page with the old end, and the one with the new. */
	if ((repage->old_items - 1) / per_page < repage->pages - 1)
		repage->touch[repage->touches++] = (repage->old_items - 1) /
						   per_page;
	repage->touch[repage->touches++] = repage->pages - 1;
	return repage->spool ? 0 : -EIO;
}

void repage_free(struct repage *repage)
{
	spool_free(repage->spool);
	free(repage->changes);
}

static int failed(const struct repage *repage, int code,
		  const struct incr_error *error)
{
	message_error("%s: %s", repage->name, error->text);
	return code;
}

static int read_old(const struct repage *repage, u64 number, void *page)
{
	struct incr_error error;
	int ret = repage->tree ?
		  incr_image_tree_page(repage->image,
				       repage->old_first + number, page,
				       &error) :
		  incr_image_map_page(repage->image, number, page, &error);

	return ret ? failed(repage, ret, &error) : 0;
}

/* The page as it is if only the array's size has changed. */
static int load(struct repage *repage, u64 number)
{
	u32 per_page = items_a_page(repage), i;
	u64 first = number * per_page;
	u64 left = repage->items - first;
	u64 old = repage->old_items > first ? repage->old_items - first : 0;
	int ret = 0;

	memset(repage->page, 0, sizeof(repage->page));
	if (old && repage->old_pages)
		ret = read_old(repage, number, repage->page);
	else if (old)
		memcpy(repage->page, repage->old_single, repage->item_size);
	if (left < per_page)
		memset(repage->page + left * repage->item_size, 0,
		       (per_page - left) * repage->item_size);
	else
		left = per_page;
	for (i = (u32)(old < left ? old : left); i < left; i++)
		memcpy(repage->page + i * repage->item_size,
		       repage->hole_item, repage->item_size);
	repage->number = number;
	repage->loaded = true;
	return ret;
}

static int add_change(struct repage *repage)
{
	struct repage_change *change;

	if (repage->change_count == repage->change_room) {
		u64 room = repage->change_room ? 2 * repage->change_room : 64;
		void *more = realloc(repage->changes, room * sizeof(*change));

		if (!more) {
			message_error("out of memory for the metadata");
			return -ENOMEM;
		}
		repage->changes = more;
		repage->change_room = room;
	}
	change = &repage->changes[repage->change_count++];
	change->number = repage->number;
	incr_hash_digest(repage->hash, repage->page, INC_PAGE_SIZE,
			 change->digest);
	return spool_append(repage->spool, repage->page, INC_PAGE_SIZE);
}

static bool is_touched(const struct repage *repage)
{
	u32 i;

	for (i = 0; i < repage->touches; i++)
		if (repage->touch[i] == repage->number)
			return true;
	return false;
}

/* Store the current page, unless it is unchanged. */
static int store(struct repage *repage)
{
	u8 old[INC_PAGE_SIZE];
	int ret = 0;

	if (!repage->loaded)
		return 0;
	repage->loaded = false;
	if (repage->keep_touched && is_touched(repage))
		return add_change(repage);
	if (repage->number < repage->old_pages) {
		ret = read_old(repage, repage->number, old);
		if (ret || !memcmp(old, repage->page, sizeof(old)))
			return ret;
	}
	return add_change(repage);
}

/* Go to a page, by way of those that change with the size. */
static int go_to(struct repage *repage, u64 number)
{
	int ret = 0;

	if (repage->loaded && repage->number == number)
		return 0;
	ret = store(repage);
	while (!ret && repage->touched < repage->touches &&
	       repage->touch[repage->touched] <= number) {
		u64 touch = repage->touch[repage->touched++];

		if (touch == number)
			break;
		ret = load(repage, touch);
		if (!ret)
			ret = store(repage);
	}
	return ret ? ret : load(repage, number);
}

int repage_set(struct repage *repage, u64 index, const void *item)
{
	u32 per_page = items_a_page(repage);
	int ret = go_to(repage, index / per_page);

	if (!ret)
		memcpy(repage->page + index % per_page * repage->item_size,
		       item, repage->item_size);
	return ret;
}

int repage_finish(struct repage *repage)
{
	int ret = store(repage);

	while (!ret && repage->touched < repage->touches) {
		ret = load(repage, repage->touch[repage->touched++]);
		if (!ret)
			ret = store(repage);
	}
	return ret;
}

int repage_top_digest(struct repage *repage, u8 *digest)
{
	u8 page[INC_PAGE_SIZE];
	int ret = 0;

	if (repage->change_count) {
		memcpy(digest, repage->changes[0].digest, INC_SHA256_SIZE);
		return 0;
	}
	ret = read_old(repage, 0, page);
	incr_hash_digest(repage->hash, page, INC_PAGE_SIZE, digest);
	return ret;
}

static void hole_page(const struct repage *repage, u8 *page)
{
	u32 i;

	for (i = 0; i < INC_PAGE_SIZE; i += repage->item_size)
		memcpy(page + i, repage->hole_item, repage->item_size);
}

void repage_hole_digest(const struct repage *repage, u8 *digest)
{
	u8 page[INC_PAGE_SIZE];

	hole_page(repage, page);
	incr_hash_digest(repage->hash, page, INC_PAGE_SIZE, digest);
}

/* The run of the old directory that holds page @number of the array. */
static void old_run(const struct repage *repage, u64 number,
		    struct piece *piece)
{
	const struct inc_segment *seg = incr_image_segment(repage->image);
	const struct inc_run *runs = incr_image_runs(repage->image,
						     repage->tree);
	u32 low = 0, high = repage->tree ? seg->tree_runs : seg->map_runs;
	u64 first, end = repage->old_first + repage->old_pages;

	number += repage->old_first;
	if (runs && high) {
		u32 count = high;

		while (high - low > 1) {
			u32 middle = low + (high - low) / 2;

			if (le32_to_cpu(runs[middle].first) <= number)
				low = middle;
			else
				high = middle;
		}
		if (low + 1 < count && le32_to_cpu(runs[low + 1].first) < end)
			end = le32_to_cpu(runs[low + 1].first);
	}
	first = le32_to_cpu(runs[low].first);
	piece->repeat = le32_to_cpu(runs[low].flags) & INC_RUN_REPEAT;
	piece->at = le64_to_cpu(runs[low].file_page) +
		    (piece->repeat ? 0 : number - first);
	piece->pages = end - number;
}

/*
 * The piece that starts with page @first, @change being the first change at or
 * above it.
 */
static void get_piece(const struct repage *repage, u64 first, u64 change,
		      struct piece *piece)
{
	u64 limit = repage->pages;

	piece->first = first;
	piece->repeat = false;
	if (change < repage->change_count) {
		limit = repage->changes[change].number;
		if (limit == first) {
			piece->kind = CHANGED;
			piece->at = change;
			for (piece->pages = 1; change + piece->pages <
			     repage->change_count; piece->pages++)
				if (repage->changes[change + piece->pages]
				    .number != first + piece->pages)
					break;
			return;
		}
	}
	if (first < repage->old_pages) {
		piece->kind = OLD;
		old_run(repage, first, piece);
	} else {
		piece->kind = HOLE;
		piece->pages = limit - first;
	}
	if (piece->pages > limit - first)
		piece->pages = limit - first;
}

u64 repage_runs(const struct repage *repage, u64 most)
{
	bool stored = false;	/* the last piece, and no hole */
	u64 runs = 0, at = 0, change = 0;
	struct piece piece;

	for (; at < repage->pages; at += piece.pages) {
		bool again;

		get_piece(repage, at, change, &piece);
		again = piece.kind == CHANGED ||
			(piece.kind == OLD && piece.pages <= most);
		runs += !(again && stored);
		stored = again;
		if (piece.kind == CHANGED)
			change += piece.pages;
	}
	return runs;
}

static int list_stored(struct repage *repage, const struct piece *piece,
		       struct pagelist *list, struct pagelist_runs *runs)
{
	u8 page[INC_PAGE_SIZE], digest[INC_SHA256_SIZE];
	int ret = 0;
	u64 i;

	for (i = 0; !ret && i < piece->pages; i++) {
		if (piece->kind == CHANGED)
			ret = spool_read(repage->spool,
					 (piece->at + i) << INC_PAGE_SHIFT,
					 sizeof(page), page);
		else
			ret = read_old(repage, piece->first + i, page);
		if (ret)
			break;
		incr_hash_digest(repage->hash, page, sizeof(page), digest);
		ret = pagelist_add(list, page, digest, 1, runs);
	}
	return ret;
}

static int list_hole(const struct repage *repage, const struct piece *piece,
		     struct pagelist *list, struct pagelist_runs *runs)
{
	u8 page[INC_PAGE_SIZE], digest[INC_SHA256_SIZE];

	hole_page(repage, page);
	incr_hash_digest(repage->hash, page, sizeof(page), digest);
	return pagelist_add(list, page, digest, piece->pages, runs);
}

int repage_list(struct repage *repage, u64 most, struct pagelist *list,
		struct pagelist_runs *runs)
{
	u64 at = 0, change = 0;
	struct piece piece;
	int ret = 0;

	for (; !ret && at < repage->pages; at += piece.pages) {
		get_piece(repage, at, change, &piece);
		if (piece.kind == HOLE)
			ret = list_hole(repage, &piece, list, runs);
		else if (piece.kind == OLD && piece.pages > most)
			ret = pagelist_refer(list, piece.at, piece.pages,
					     piece.repeat, runs);
		else
			ret = list_stored(repage, &piece, list, runs);
		if (piece.kind == CHANGED)
			change += piece.pages;
	}
	return ret ? ret : pagelist_finish(list, runs);
}
