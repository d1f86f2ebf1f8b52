/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expanding clusters (expand.c).
 */
#ifndef DM_INCREMENTAL_EXPAND_H
#define DM_INCREMENTAL_EXPAND_H

#include "dictionary.h"
#include "internal.h"

/**
 * struct inc_cluster - a cluster of a view
 * @view: id of its verity, which is never reused, and never 0
 * @block: its first block
 */
struct inc_cluster {
	u64	view;
	u64	block;
};

/**
 * struct inc_referred - what an extent refers to, as a read has it
 * @list: the references
 * @source: of each, where in the read's input it starts
 * @dictionary: of each that needs one, its number in the read's dictionaries
 */
struct inc_referred {
	struct inc_references	list;
	u32			source[INC_REFERENCES_MAX];
	u8			dictionary[INC_REFERENCES_MAX];
};

/**
 * struct inc_area - room for one cluster, behind room for a dictionary
 * @list: on the list of free areas
 * @output_size: bytes of @output
 * @held: id of the dictionary that ends where @output starts; 0 if there is none
 * @next: id of the other dictionary that was used last
 * @nr_next: how often in a row
 * @window: references whose bytes end where @output starts, since the area was
 *	taken; none if its count is 0. Then @held is 0
 * @kept: the cluster whose first bytes are in @output; its view is 0 if none is
 * @kept_bytes: so many
 * @memory: INC_DICTIONARY_MAX bytes, then @output, then a block put aside
 * @output: where clusters are expanded
 */
struct inc_area {
	struct list_head	list;
	u32			output_size;
	u64			held;
	u64			next;
	unsigned int		nr_next;
	struct inc_references	window;
	struct inc_cluster	kept;
	u32			kept_bytes;
	u8			*memory;
	u8			*output;
};

int dm_inc_areas_get(u32 cluster_shift);
void dm_inc_areas_put(u32 cluster_shift);
struct inc_area *dm_inc_area_take(const struct inc_dictionary *dictionary);
void dm_inc_area_return(struct inc_area *area);
bool dm_inc_area_kept(const struct inc_cluster *cluster, u32 end);
struct inc_area *dm_inc_area_take_kept(const struct inc_cluster *cluster, u32 end);
void dm_inc_area_forget(struct inc_area *area);
const u8 *dm_inc_area_put_aside(struct inc_area *area, const u8 *block);
const u8 *dm_inc_expand(struct inc_area *area, const struct inc_cluster *cluster,
			const struct inc_extent *extent,
			const struct inc_dictionary *dictionary,
			const u8 *stored, u32 end);
const u8 *dm_inc_expand_referring(struct inc_area *area,
				  const struct inc_cluster *cluster,
				  const struct inc_extent *extent,
				  const struct inc_referred *referred,
				  struct inc_dictionary *const *dictionaries,
				  const u8 *input, const u8 *stored);

#endif /* DM_INCREMENTAL_EXPAND_H */
