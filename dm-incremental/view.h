/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One generation of an image (view.c).
 */
#ifndef DM_INCREMENTAL_VIEW_H
#define DM_INCREMENTAL_VIEW_H

#include "damage.h"
#include "internal.h"
#include "wait.h"

int dm_inc_view_open(struct inc_view *view, char **error);
void dm_inc_view_close(struct inc_view *view);
void dm_inc_view_absent(struct inc_view *view, u64 block, u32 blocks,
			struct inc_ranges *ranges);
int dm_inc_view_extents(struct inc_view *view, u64 block, u32 blocks,
			__le64 *entries, struct inc_extent *extents, bool cached,
			struct inc_damage *damage);
int dm_inc_view_bad_entry(struct inc_view *view, u64 block,
			  struct inc_damage *damage);
void dm_inc_view_bad(struct inc_view *view, const struct inc_bad *bad, bool heals);

static inline u64 dm_inc_view_map_page(const struct inc_view *view, u64 page)
{
	return dm_inc_dir_lookup(view->map_dir, view->segment->map_runs, page);
}

#endif /* DM_INCREMENTAL_VIEW_H */
