// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Collecting a segment's metadata; see metadata.h.
 *
 * A long run of equal digests or entries, as over a hole, is not added one by
 * one: it makes copies of one page, whose digests are again a run of equal
 * digests one level up. So a hole costs a few pages whatever its size.
 */
#include "common/message.h"
#include "segment/metadata.h"

int metadata_init(struct metadata *meta, const struct inc_hash *hash,
		  u64 blocks, u32 chunk_shift, const char *dir)
{
	u32 i;

	memset(meta, 0, sizeof(*meta));
	meta->hash = hash;
	meta->chunk_shift = chunk_shift;
	meta->tree_runs.step = meta->map_runs.step = PAGELIST_STEP;
	if (dm_inc_tree_init(&meta->tree, blocks, INC_SHA256_SIZE)) {
		message_error("a device of %llu blocks is not possible",
			      (unsigned long long)blocks);
		return -EINVAL;
	}
	for (i = 0; i < meta->tree.levels; i++)
		if (pagelist_init(&meta->level[i].list, dir))
			return -EIO;
	if (pagelist_init(&meta->map.list, dir))
		return -EIO;
	meta->owners = spool_new(dir);
	return meta->owners ? 0 : -EIO;
}

void metadata_free(struct metadata *meta)
{
	u32 i;

	for (i = 0; i < INC_LEVELS_MAX; i++)
		pagelist_free(&meta->level[i].list);
	pagelist_free(&meta->map.list);
	spool_free(meta->owners);
}

/*
 * Add @count items of @size bytes to a level's page. Full pages go to its
 * list; *pages of them, all with @digest, are handed to the caller, which calls
 * again as long as *count is not 0.
 */
static int level_add(struct metadata *meta, struct metadata_level *level,
		     const void *item, u32 size, u64 *count, struct pagelist_runs *runs,
		     u8 *digest, u64 *pages)
{
	u32 most = INC_PAGE_SIZE / size;
	u32 room = most - level->fill / size;
	u32 part = *count < room ? (u32)*count : room;

	/* Several whole pages are made as one and counted. */
	*pages = part == most ? *count / most : part == room;
	*count -= part == most ? *pages * most : part;
	for (; part; part--, level->fill += size)
		memcpy(level->page + level->fill, item, size);
	if (*pages) {
		level->fill = 0;
		incr_hash_digest(meta->hash, level->page, INC_PAGE_SIZE, digest);
	}
	return *pages ? pagelist_add(&level->list, level->page, digest, *pages,
				     runs) : 0;
}

static int tree_add(struct metadata *meta, u32 number, const u8 *digest,
		    u64 count)
{
	u8 above[INC_SHA256_SIZE];
	u64 pages;
	int ret = 0;

	if (number == meta->tree.levels) {
		memcpy(meta->root, digest, sizeof(meta->root));
		return 0;
	}
	while (!ret && count) {
		ret = level_add(meta, &meta->level[number], digest,
				INC_SHA256_SIZE, &count, &meta->tree_runs,
				above, &pages);
		if (!ret && pages)
			ret = tree_add(meta, number + 1, above, pages);
	}
	return ret;
}

int metadata_add_digest(struct metadata *meta, const u8 *digest, u64 count)
{
	return tree_add(meta, 0, digest, count);
}

int metadata_add_entry(struct metadata *meta, u64 entry, u64 count)
{
	__le64 item = cpu_to_le64(entry);
	u8 digest[INC_SHA256_SIZE];
	u64 pages;
	int ret = 0;

	while (!ret && count)
		ret = level_add(meta, &meta->map, &item, sizeof(item), &count,
				&meta->map_runs, digest, &pages);
	return ret;
}

int metadata_add_extent(struct metadata *meta, u64 offset, u32 length,
			u64 block)
{
	u64 size = 1ull << meta->chunk_shift;
	__le32 owner = cpu_to_le32((u32)block);
	u64 at = (offset + size - 1) & ~(size - 1);
	int ret = 0;

	for (; !ret && at < offset + length; at += size)
		ret = spool_append(meta->owners, &owner, sizeof(owner));
	return ret;
}

/* Pad the last page with zeros. */
static int level_finish(struct metadata *meta, struct metadata_level *level,
			struct pagelist_runs *runs, u8 *digest, bool *added)
{
	int ret = 0;

	*added = level->fill != 0;
	if (*added) {
		memset(level->page + level->fill, 0,
		       INC_PAGE_SIZE - level->fill);
		level->fill = 0;
		incr_hash_digest(meta->hash, level->page, INC_PAGE_SIZE, digest);
		ret = pagelist_add(&level->list, level->page, digest, 1, runs);
	}
	return ret ? ret : pagelist_finish(&level->list, runs);
}

int metadata_finish(struct metadata *meta)
{
	u8 digest[INC_SHA256_SIZE];
	bool added;
	u32 i;
	int ret;

	ret = level_finish(meta, &meta->map, &meta->map_runs, digest, &added);
	for (i = 0; !ret && i < meta->tree.levels; i++) {
		ret = level_finish(meta, &meta->level[i], &meta->tree_runs,
				   digest, &added);
		if (!ret && added)
			ret = tree_add(meta, i + 1, digest, 1);
	}
	return ret;
}
