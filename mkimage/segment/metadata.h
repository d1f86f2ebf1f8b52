/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metadata of a segment while its clusters come in: hash tree, map and
 * owner table.
 */
#ifndef MKIMAGE_METADATA_H
#define MKIMAGE_METADATA_H

#include "segment/pagelist.h"

struct metadata_level {
	struct pagelist list;
	u32 fill;			/* bytes of @page in use */
	u8 page[INC_PAGE_SIZE];
};

/**
 * struct metadata - the metadata collected so far
 * @tree: its shape
 * @level: pages of each level of the tree
 * @map: pages of the map; its offsets count from the start of the data
 * @owners: the owner table
 * @root: the root digest, after metadata_finish()
 */
struct metadata {
	const struct inc_hash *hash;
	u32 chunk_shift;
	struct inc_tree tree;
	struct metadata_level level[INC_LEVELS_MAX];
	struct metadata_level map;
	struct spool *owners;
	struct pagelist_runs tree_runs;
	struct pagelist_runs map_runs;
	u8 root[INC_SHA256_SIZE];
};

/**
 * metadata_init - start the metadata of a segment
 * @hash: kept, not copied
 * @blocks: of the device, 1 to INC_BLOCKS_MAX
 * @dir: where temporary files go
 *
 * Return: 0, or a negative errno after an error message; in either case
 * metadata_free() frees it. So do the functions below.
 */
int metadata_init(struct metadata *meta, const struct inc_hash *hash,
		  u64 blocks, u32 chunk_shift, const char *dir);
void metadata_free(struct metadata *meta);

/* The next @count blocks of the device have the digest @digest. */
int metadata_add_digest(struct metadata *meta, const u8 *digest, u64 count);

/* The next @count blocks of the device have the map entry @entry. */
int metadata_add_entry(struct metadata *meta, u64 entry, u64 count);

/*
 * An extent of @block's cluster is stored at @offset of the data; INC_NO_OWNER: there is
 * none.
 */
int metadata_add_extent(struct metadata *meta, u64 offset, u32 length,
			u64 block);

/* All blocks were added. */
int metadata_finish(struct metadata *meta);

#endif /* MKIMAGE_METADATA_H */
