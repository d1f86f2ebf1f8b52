/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verification against the hash tree (verity.c).
 */
#ifndef DM_INCREMENTAL_VERITY_H
#define DM_INCREMENTAL_VERITY_H

#include "damage.h"
#include "internal.h"

/* Appended to each dm-bufio buffer: the mark of its verification; see verity.c. */
struct inc_page_aux {
	u64			verified;
};

int dm_inc_verity_init(struct inc_verity *verity, const char *hash_name,
		       const char *root_hex, const char *salt_hex, char **error);
void dm_inc_verity_destroy(struct inc_verity *verity);
int dm_inc_verity_block(struct inc_verity *verity, const void *data,
			const u8 *digest);
int dm_inc_verity_blocks(struct inc_verity *verity, u32 count,
			 const void *const *data, const u8 *const *digests,
			 bool *bad);
int dm_inc_verity_digests(struct inc_view *view, u64 block, u32 count,
			  u8 *digests, bool cached, struct inc_damage *damage);

/* Where tree page @page is, in 4096-byte units of the image file. */
static inline u64 dm_inc_verity_page(const struct inc_view *view, u64 page)
{
	return dm_inc_dir_lookup(view->tree_dir, view->segment->tree_runs,
				 page);
}

#endif /* DM_INCREMENTAL_VERITY_H */
