// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding contents by their digests; see known.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "segment/digestmap.h"
#include "segment/known.h"

/* Instead of a map entry: it is wanted. (No entry of an extent is so small.) */
#define WANTED		1u

struct known {
	struct digestmap entries;
	u64 missing;			/* not found yet */
};

/* A walk over one generation. */
struct search {
	struct known *known;
	struct incr_image *image;
	const char *name;
	const struct cluster_options *options;
	struct incr_error error;
	u64 map_page;			/* that @map is; UINT64_MAX: none */
	__le64 map[INC_ENTRIES_PER_PAGE];
};

struct known *known_new(void)
{
	struct known *known = calloc(1, sizeof(*known));

	if (!known)
		no_memory();
	return known;
}

void known_free(struct known *known)
{
	if (known)
		digestmap_free(&known->entries);
	free(known);
}

int known_want(struct known *known, const u8 *id)
{
	u64 before = known->entries.count;

	if (digestmap_add(&known->entries, id, WANTED)) {
		message_error("out of memory for %llu changed clusters",
			      (unsigned long long)before);
		return -ENOMEM;
	}
	known->missing += known->entries.count - before;
	return 0;
}

u64 known_missing(const struct known *known)
{
	return known->missing;
}

u64 known_entry(const struct known *known, const u8 *id)
{
	const struct digestmap_place *place = digestmap_find(&known->entries,
							     id);

	return place && place->value != WANTED ? place->value : 0;
}

static int failed(const struct search *search, int code)
{
	message_error("%s: %s", search->name, search->error.text);
	return code;
}

/* The map entry of @block. */
static int get_entry(struct search *search, u64 block, u64 *entry)
{
	int ret;

	if (search->map_page != inc_map_page(block)) {
		search->map_page = UINT64_MAX;
		ret = incr_image_map_page(search->image, inc_map_page(block),
					  search->map, &search->error);
		if (ret)
			return failed(search, ret);
		search->map_page = inc_map_page(block);
	}
	*entry = le64_to_cpu(search->map[inc_map_index(block)]);
	return 0;
}

/* A cluster of the image: note where it is if its contents are wanted. */
static int look_at(struct search *search, u64 block, const u8 *digests)
{
	u32 shift = search->options->cluster_shift;
	const struct inc_segment *seg = incr_image_segment(search->image);
	struct inc_extent extent;
	struct digestmap_place *place;
	u8 id[INC_SHA256_SIZE];
	u64 entry;
	int ret;

	cluster_id(search->options, shift, digests, id);
	place = digestmap_find(&search->known->entries, id);
	if (!place || place->value != WANTED)
		return 0;
	ret = get_entry(search, block, &entry);
	if (ret)
		return ret;
	/* Contents may also be found across clusters of another size. */
	if (dm_inc_entry_decode(entry, shift, seg->end, &extent) || !entry ||
	    extent.cluster_shift != shift)
		return 0;
	place->value = entry;
	search->known->missing--;
	return 0;
}

/* All clusters below page @page of the tree's lowest level. */
static int search_page(struct search *search, u64 page)
{
	static const u32 per_page = INC_PAGE_SIZE / INC_SHA256_SIZE;
	const struct inc_segment *seg = incr_image_segment(search->image);
	u64 block = page * per_page, end = block + per_page;
	u8 digests[INC_PAGE_SIZE];
	u32 step = 1u << search->options->cluster_shift;
	int ret;

	if (end > seg->device_blocks)
		end = seg->device_blocks;
	ret = incr_image_digests(search->image, block, end - block, digests,
				 &search->error);
	if (ret)
		return failed(search, ret);
	for (; !ret && block + step <= end; block += step)
		ret = look_at(search, block, digests +
			      (block - page * per_page) * INC_SHA256_SIZE);
	return ret;
}

/*
 * Search the pages that a generation's own segment adds: those of all
 * generations are all pages. A repeated page is searched once.
 */
static int search_generation(struct search *search)
{
	const struct inc_segment *seg = incr_image_segment(search->image);
	const struct inc_run *runs = incr_image_runs(search->image, true);
	u64 level0 = seg->tree.levels ? seg->tree.first[0] : 0;
	u32 i;
	int ret = 0;

	for (i = 0; !ret && i < seg->tree_runs; i++) {
		u64 first = le32_to_cpu(runs[i].first);
		u64 end = i + 1 < seg->tree_runs ?
			  le32_to_cpu(runs[i + 1].first) : seg->tree.pages;

		if (le64_to_cpu(runs[i].file_page) <
		    seg->meta_offset >> INC_PAGE_SHIFT)
			continue;
		if (le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT)
			end = first + 1;
		for (; !ret && first < end && search->known->missing; first++)
			if (first >= level0)
				ret = search_page(search, first - level0);
	}
	return ret;
}

int known_find(struct known *known, struct incr_image *image, const char *name,
	       const struct cluster_options *options)
{
	struct search search = {
		.known = known, .name = name, .options = options,
	};
	u32 newest = incr_image_segment(image)->generation, i;
	int ret = 0;

	for (i = 0; !ret && i <= newest && known->missing; i++) {
		search.map_page = UINT64_MAX;
		ret = incr_image_open_other(&search.image, image, i,
					    &search.error);
		if (ret)
			return failed(&search, ret);
		ret = search_generation(&search);
		incr_image_close(search.image);
	}
	return ret;
}
