// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The row of clusters that may be referred to; see row.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "pipeline.h"
#include "progress.h"
#include "segment/row.h"

/* More than these are not indexed: positions would be too large. */
#define BLOCKS_MAX	((u32)(ANCHORS_POSITIONS >> INC_BLOCK_SHIFT))

/* Blocks that are read at a time, and anchors that are taken of them at most. */
#define PIECE_BLOCKS	256u
#define PIECE_ANCHORS	65536u

static int failed(const char *name, int code, const struct incr_error *error)
{
	message_error("%s: %s", name, error->text);
	return code;
}

/* What a row is made of. */
struct lister {
	struct row *row;
	struct incr_image *image;	/* of the generation */
	const char *name;
	u32 shift_most;
};

int row_add(struct row *row, u64 entry, u64 block, u32 blocks)
{
	struct row_cluster *more;

	/* Two places that are replaced may be of one cluster. */
	if (row->count && row->clusters[row->count - 1].block == block &&
	    row->clusters[row->count - 1].entry == entry)
		return 0;
	if (blocks > row->most - row->blocks)
		return 0;
	if (row->count == row->room) {
		u32 room = row->room ? 2 * row->room : 1024;

		more = realloc(row->clusters, room * sizeof(*more));
		if (!more) {
			message_error("out of memory for the image's %u clusters; --no-references takes less",
				      row->count);
			return -ENOMEM;
		}
		row->clusters = more;
		row->room = room;
	}
	row->clusters[row->count++] = (struct row_cluster){
		.entry = entry,
		.first = row->blocks,
		.block = (u32)block,
	};
	row->blocks += blocks;
	return 0;
}

static int compare_offsets(const void *left, const void *right)
{
	const u64 *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static bool is_replaced(const struct row *row, u64 offset)
{
	return row->replaced &&
	       bsearch(&offset, row->replaced, row->parts[1],
		       sizeof(*row->replaced), compare_offsets);
}

/*
 * The clusters that start in blocks @block to @end - 1, all of one map page, and have
 * their extents at @least or behind it.
 */
static int list_blocks(const struct lister *lister, u64 block, u64 end,
		       u64 least)
{
	const struct inc_segment *seg = incr_image_segment(lister->image);
	__le64 entries[INC_ENTRIES_PER_PAGE];
	struct inc_extent extent;
	struct incr_error error;
	int ret = incr_image_map_page(lister->image, inc_map_page(block),
				      entries, &error);

	if (ret)
		return failed(lister->name, ret, &error);
	for (; !ret && block < end; block += 1u << extent.cluster_shift) {
		u64 entry = le64_to_cpu(entries[inc_map_index(block)]);

		if (dm_inc_entry_decode(entry, seg->cluster_shift, seg->end,
					&extent))
			extent = (struct inc_extent){ 0 };
		block &= ~((1ull << extent.cluster_shift) - 1);
		if (extent.codec == INC_CODEC_ZERO ||
		    extent.codec == INC_CODEC_LZ4_REFERENCES ||
		    extent.offset < least ||
		    extent.cluster_shift > lister->shift_most ||
		    block + (1u << extent.cluster_shift) > seg->device_blocks ||
		    is_replaced(lister->row, extent.offset))
			continue;
		ret = row_add(lister->row, entry, block,
			      1u << extent.cluster_shift);
	}
	return ret;
}

static u64 page_end(const struct inc_segment *seg, u64 block)
{
	u64 end = (block | (INC_ENTRIES_PER_PAGE - 1)) + 1;

	return end < seg->device_blocks ? end : seg->device_blocks;
}

/* What was there of that which is new: it is most likely to resemble it. */
static int list_replaced(const struct lister *lister,
			 const struct overlay *overlay)
{
	const struct inc_segment *seg = incr_image_segment(lister->image);
	struct row *row = lister->row;
	u64 first, end, at = 0;
	u32 i;
	int ret = 0;

	while (!ret && row->blocks < row->most &&
	       overlay_next_old(overlay, at, &first, &end)) {
		at = page_end(seg, first);
		if (at > end)
			at = end;
		ret = list_blocks(lister, first, at, 0);
	}
	row->parts[1] = row->count;
	if (ret || !row->count)
		return ret;
	row->replaced = malloc(row->count * sizeof(*row->replaced));
	if (!row->replaced)
		return no_memory();
	for (i = 0; i < row->count; i++)
		row->replaced[i] = row->clusters[i].entry &
				   (INC_IMAGE_SIZE_MAX - 1);
	qsort(row->replaced, row->count, sizeof(*row->replaced),
	      compare_offsets);
	return 0;
}

/* The map pages that a generation's own segment adds lead to all of its extents. */
static int list_generation(const struct lister *lister)
{
	const struct inc_segment *seg = incr_image_segment(lister->image);
	const struct inc_run *runs = incr_image_runs(lister->image, false);
	const struct row *row = lister->row;
	u32 i;
	int ret = 0;

	for (i = 0; !ret && i < seg->map_runs; i++) {
		u64 page = le32_to_cpu(runs[i].first);
		u64 end = i + 1 < seg->map_runs ?
			  le32_to_cpu(runs[i + 1].first) : seg->map_pages;

		if (le64_to_cpu(runs[i].file_page) <
		    seg->meta_offset >> INC_PAGE_SHIFT)
			continue;
		if (le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT)
			end = page + 1;
		for (; !ret && page < end && row->blocks < row->most; page++) {
			u64 block = page << INC_ENTRIES_SHIFT;

			ret = list_blocks(lister, block, page_end(seg, block),
					  seg->data_offset);
		}
	}
	return ret;
}

int row_make(struct row *row, const struct overlay *overlay, u32 shift_most,
	     u64 most)
{
	struct incr_image *image = overlay_image(overlay);
	struct lister lister = {
		.row = row,
		.image = image,
		.name = overlay_name(overlay),
		.shift_most = shift_most,
	};
	u32 newest = incr_image_segment(image)->generation, i;
	struct incr_error error;
	int ret;

	row->most = most < BLOCKS_MAX ? (u32)most : BLOCKS_MAX;
	row->parts = calloc(newest + 3, sizeof(*row->parts));
	if (!row->parts)
		return no_memory();
	ret = list_replaced(&lister, overlay);
	for (i = 0; !ret && i <= newest; i++) {
		ret = incr_image_open_other(&lister.image, image, i, &error);
		if (ret)
			return failed(lister.name, ret, &error);
		ret = list_generation(&lister);
		incr_image_close(lister.image);
		row->parts[i + 2] = row->count;
	}
	free(row->replaced);
	row->replaced = NULL;
	return ret;
}

void row_free(struct row *row)
{
	free(row->clusters);
	free(row->parts);
	free(row->replaced);
}

/* Blocks of one generation that follow each other both there and in the row. */
struct piece {
	u64 block;
	u32 blocks;
	u32 first;		/* in the row */
	u32 count;
	u8 *data;
	struct anchor *anchors;
};

struct walk {
	const struct row *row;
	struct incr_image *image;	/* of the generation */
	const char *name;
	struct anchors *anchors;
	u32 next, end;			/* of the row's clusters */
	struct progress progress;
};

static void *piece_new(void *context)
{
	struct piece *piece = malloc(sizeof(*piece));

	(void)context;
	if (!piece)
		return NULL;
	piece->data = malloc(PIECE_BLOCKS << INC_BLOCK_SHIFT);
	piece->anchors = malloc(PIECE_ANCHORS * sizeof(*piece->anchors));
	if (piece->data && piece->anchors)
		return piece;
	free(piece->data);
	free(piece->anchors);
	free(piece);
	return NULL;
}

static void piece_free(void *item)
{
	struct piece *piece = item;

	if (!piece)
		return;
	free(piece->data);
	free(piece->anchors);
	free(piece);
}

static u32 cluster_blocks(const struct row *row, u32 number)
{
	u32 next = number + 1 < row->count ? row->clusters[number + 1].first :
					     row->blocks;

	return next - row->clusters[number].first;
}

static int produce(void *context, void *item)
{
	struct walk *walk = context;
	const struct row_cluster *cluster = &walk->row->clusters[walk->next];
	struct piece *piece = item;

	if (walk->next == walk->end)
		return 0;
	piece->block = cluster->block;
	piece->first = cluster->first;
	piece->blocks = 0;
	while (walk->next < walk->end) {
		u32 blocks = cluster_blocks(walk->row, walk->next);

		cluster = &walk->row->clusters[walk->next];
		if (cluster->block != piece->block + piece->blocks ||
		    piece->blocks + blocks > PIECE_BLOCKS)
			break;
		piece->blocks += blocks;
		walk->next++;
	}
	return 1;
}

static int work(void *context, void *item)
{
	struct walk *walk = context;
	struct piece *piece = item;
	struct incr_error error;
	int ret = incr_image_read(walk->image, piece->block, piece->blocks,
				  piece->data, &error);

	if (ret)
		return failed(walk->name, ret, &error);
	piece->count = anchors_scan(walk->anchors, piece->data,
				    (size_t)piece->blocks << INC_BLOCK_SHIFT,
				    (u64)piece->first << INC_BLOCK_SHIFT,
				    piece->anchors, PIECE_ANCHORS);
	return 0;
}

/* In the row's order, so that it does not matter how many threads scan. */
static int consume(void *context, void *item)
{
	struct walk *walk = context;
	const struct piece *piece = item;
	u32 i;

	for (i = 0; i < piece->count; i++)
		anchors_add(walk->anchors, &piece->anchors[i]);
	progress_show(&walk->progress, (u64)(piece->first + piece->blocks) <<
				       INC_BLOCK_SHIFT);
	return 0;
}

/* A part of the row, of a generation. */
static int index_part(struct walk *walk, u32 part, u32 generation,
		      const struct overlay *overlay, unsigned int threads)
{
	const struct pipeline pipeline = {
		.threads = threads,
		.context = walk,
		.item_new = piece_new,
		.item_free = piece_free,
		.produce = produce,
		.work = work,
		.consume = consume,
	};
	struct incr_error error;
	int ret;

	walk->next = walk->row->parts[part];
	walk->end = walk->row->parts[part + 1];
	if (walk->next == walk->end)
		return 0;
	ret = incr_image_open_other(&walk->image, overlay_image(overlay),
				    generation, &error);
	if (ret)
		return failed(walk->name, ret, &error);
	ret = pipeline_run(&pipeline);
	incr_image_close(walk->image);
	return ret;
}

int row_index(const struct row *row, const struct overlay *overlay,
	      struct anchors *anchors, unsigned int threads)
{
	struct walk walk = {
		.row = row,
		.name = overlay_name(overlay),
		.anchors = anchors,
	};
	u32 newest = incr_image_segment(overlay_image(overlay))->generation, i;
	int ret;

	progress_start(&walk.progress, "indexing",
		       (u64)row->blocks << INC_BLOCK_SHIFT);
	ret = index_part(&walk, 0, newest, overlay, threads);
	for (i = 0; !ret && i <= newest; i++)
		ret = index_part(&walk, i + 1, i, overlay, threads);
	progress_end(&walk.progress);
	return ret;
}

u32 row_find(const struct row *row, u64 position)
{
	u64 block = position >> INC_BLOCK_SHIFT;
	u32 low = 0, high = row->count;

	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (row->clusters[middle].first <= block)
			low = middle;
		else
			high = middle;
	}
	return low;
}
