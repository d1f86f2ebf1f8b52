// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks of directories.
 *
 * Where an entry comes or goes, the others stay in their blocks: these then
 * equal blocks of the image, and cost nothing. A block that has become too
 * small for its entries is split in equal parts. Blocks need not be full; if
 * they are less than half full on average, the directory is divided afresh.
 */
#include "erofs/change.h"

static u32 entry_size(const struct erofs_entry *entry)
{
	return (u32)sizeof(struct erofs_disk_entry) + entry->length;
}

/* Entries @first to @end - 1, in blocks of at least @enough bytes but the last. */
static void fill_blocks(struct erofs_directory *dir, u32 first, u32 end,
			u32 enough)
{
	u32 used = 0, i;

	for (i = first; i < end; i++) {
		u32 size = entry_size(&dir->entries[i]);

		if (i == first || used >= enough ||
		    used + size > EROFS_BLOCK_SIZE) {
			dir->blocks++;
			used = 0;
		}
		used += size;
		dir->entries[i].block = dir->blocks - 1;
	}
	dir->last_length = used;
}

/* The fewest blocks it takes, or nearly so. */
static u32 fewest_blocks(const struct erofs_directory *dir)
{
	u32 used = EROFS_BLOCK_SIZE, blocks = 0, i;

	for (i = 0; i < dir->count; i++) {
		u32 size = entry_size(&dir->entries[i]);

		if (used + size > EROFS_BLOCK_SIZE) {
			blocks++;
			used = 0;
		}
		used += size;
	}
	return blocks;
}

void erofs_directory_divide(struct erofs_directory *dir, bool afresh)
{
	u32 first = 0, end;

	dir->blocks = 0;
	/*
	 * A group: the entries of one old block, and the new ones after them.
	 */
	for (first = 0; !afresh && first < dir->count; first = end) {
		u32 old = dir->entries[first].block;
		u64 size = 0, parts;

		for (end = first; end < dir->count; end++) {
			u32 block = dir->entries[end].block;

			if (old == EROFS_ENTRY_NEW)
				old = block;
			if (block != EROFS_ENTRY_NEW && block != old)
				break;
			size += entry_size(&dir->entries[end]);
		}
		parts = (size + EROFS_BLOCK_SIZE - 1) / EROFS_BLOCK_SIZE;
		fill_blocks(dir, first, end,
			    parts == 1 ? EROFS_BLOCK_SIZE :
			    (u32)((size + parts - 1) / parts));
	}
	if (afresh || dir->blocks > 2 * fewest_blocks(dir)) {
		dir->blocks = 0;
		fill_blocks(dir, 0, dir->count, EROFS_BLOCK_SIZE);
	}
}

u32 erofs_directory_block(const struct erofs_directory *dir, u32 first,
			  u8 *block)
{
	u32 end = first, name, i;

	while (end < dir->count &&
	       dir->entries[end].block == dir->entries[first].block)
		end++;
	memset(block, 0, EROFS_BLOCK_SIZE);
	name = (end - first) * (u32)sizeof(struct erofs_disk_entry);
	for (i = first; i < end; i++) {
		const struct erofs_entry *entry = &dir->entries[i];
		struct erofs_disk_entry disk = {
			.nid = cpu_to_le64(entry->node->inode.nid),
			.name = cpu_to_le16((u16)name),
			.type = erofs_entry_type(entry->node->inode.mode),
		};

		memcpy(block + (i - first) * sizeof(disk), &disk,
		       sizeof(disk));
		memcpy(block + name, entry->name, entry->length);
		name += entry->length;
	}
	return end;
}

bool erofs_directory_differs(const struct erofs_directory *dir)
{
	u32 i;

	if (dir->changed)
		return true;
	for (i = 0; i < dir->count; i++) {
		const struct erofs_entry *entry = &dir->entries[i];

		if (entry->nid != entry->node->inode.nid ||
		    entry->type != erofs_entry_type(entry->node->inode.mode))
			return true;
	}
	return false;
}
