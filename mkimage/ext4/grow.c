// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where new blocks and inodes of an ext4 come from; see ext4.h.
 *
 * New blocks go into rows of consecutive blocks: scattered blocks would each
 * cost a page of the map and one of the hash tree. Short free rows are left
 * alone as long as not too much is free in all: growing the device costs
 * nothing beyond the new blocks.
 *
 * The bitmap is searched once, not for each row: ext4->searched has the
 * position. Blocks that are freed meanwhile are noted once they are a row.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/ext4.h"

/* Lengths of free rows that are used, longest first; the last in need only. */
static const u32 rows[EXT4_ROWS] = { 128, 16, 1 };

/* The filesystem ends at a multiple of that: the blocks of a page of the tree. */
#define STEP		128u

static void next_group(ext2_filsys fs, dgrp_t group)
{
	blk64_t at = ext2fs_group_first_block2(fs, group);
	u32 tables = fs->inode_blocks_per_group, i;
	u32 inodes = fs->super->s_inodes_per_group;

	memset(ext2fs_group_desc(fs, fs->group_desc, group), 0,
	       EXT2_DESC_SIZE(fs->super));
	ext2fs_reserve_super_and_bgd(fs, group, fs->block_map);
	while (ext2fs_test_block_bitmap2(fs->block_map, at))
		at++;
	ext2fs_block_bitmap_loc_set(fs, group, at);
	ext2fs_inode_bitmap_loc_set(fs, group, at + 1);
	ext2fs_inode_table_loc_set(fs, group, at + 2);
	for (i = 0; i < 2 + tables; i++)
		ext2fs_mark_block_bitmap2(fs->block_map, at + i);
	ext2fs_bg_free_inodes_count_set(fs, group, inodes);
	if (ext2fs_has_group_desc_csum(fs)) {
		/* Tables are zeros, as all of a device that grew. */
		ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_UNINIT |
					       EXT2_BG_INODE_ZEROED);
		ext2fs_bg_itable_unused_set(fs, group, inodes);
	}
	fs->super->s_free_inodes_count += inodes;
}

static u32 count_free(ext2_filsys fs, dgrp_t group)
{
	blk64_t at = ext2fs_group_first_block2(fs, group);
	blk64_t last = ext2fs_group_last_block2(fs, group);
	u32 count = 0;

	for (; at <= last; at++)
		count += !ext2fs_test_block_bitmap2(fs->block_map, at);
	return count;
}

/* @count blocks more are free in a group. */
static void add_free(ext2_filsys fs, dgrp_t group, u64 count)
{
	ext2fs_bg_free_blocks_count_set(fs, group, (u32)(count +
			ext2fs_bg_free_blocks_count(fs, group)));
	ext2fs_group_desc_csum_set(fs, group);
	ext2fs_free_blocks_count_set(fs->super, count +
				     ext2fs_free_blocks_count(fs->super));
}

/*
 * Check that the device is zeros from byte @from up to byte @end, after the
 * filesystem. Holes of the image are not read.
 */
static errcode_t check_zeros(struct ext4 *ext4, u64 from, u64 end)
{
	struct overlay *overlay = ext4->overlay;
	static const u8 zeros[INC_BLOCK_SIZE];
	u64 size, next = from;
	bool same = true;

	if (!overlay)
		return 0;
	size = overlay_blocks(overlay) << INC_BLOCK_SHIFT;
	if (end > size)
		end = size;
	for (; same && from < end; from = next) {
		u64 block = from >> INC_BLOCK_SHIFT;
		u8 data[INC_BLOCK_SIZE];
		int ret;

		next = (block + 1) << INC_BLOCK_SHIFT;
		if (next > end)
			next = end;
		if (next - from == INC_BLOCK_SIZE) {
			ret = overlay_same(overlay, block, zeros, &same);
		} else {
			ret = overlay_read(overlay, from, next - from, data);
			same = !ret && !memcmp(data, zeros, next - from);
		}
		if (ret)
			return EXT2_ET_SHORT_READ;
	}
	if (same)
		return 0;
	message_error("%s: its ext4 is full, and there are bytes behind it that are not zero, before offset %llu, over which it would grow; make room in a copy, and take the difference with --raw",
		      ext4->name, (unsigned long long)next);
	return EXT4_TOLD;
}

/* Why the filesystem cannot have @groups groups and @blocks blocks. */
static const char *why_not(ext2_filsys fs, u64 groups, u64 blocks)
{
	if (!ext4_descriptors_fit(fs, groups))
		return "it is full, and there is no room for more group descriptors; grow a copy with resize2fs, and take the difference with --raw";
	if (groups * fs->super->s_inodes_per_group > UINT32_MAX)
		return "it is full, and cannot have more inodes";
	if (blocks * fs->blocksize / INC_BLOCK_SIZE > INC_BLOCKS_MAX ||
	    (blocks > UINT32_MAX && !ext2fs_has_feature_64bit(fs->super)))
		return "it is full, and as large as it can be";
	return NULL;
}

static errcode_t resize_blocks(ext2_filsys fs, ext2fs_block_bitmap bitmap)
{
	u64 end = ext2fs_blocks_count(fs->super);
	u64 real_end = fs->super->s_first_data_block +
		       (u64)fs->group_desc_count *
		       fs->super->s_blocks_per_group;

	return ext2fs_resize_block_bitmap2(end - 1, real_end - 1, bitmap);
}

static errcode_t resize_inodes(ext2_filsys fs, ext2fs_inode_bitmap bitmap)
{
	return ext2fs_resize_inode_bitmap2(fs->super->s_inodes_count,
					   fs->super->s_inodes_count, bitmap);
}

/* Let the filesystem have @blocks blocks. */
static errcode_t grow(struct ext4 *ext4, u64 blocks)
{
	ext2_filsys fs = ext4->fs;
	struct ext2_super_block *super = fs->super;
	u64 first = super->s_first_data_block;
	dgrp_t groups = (dgrp_t)((blocks - first + super->s_blocks_per_group -
				  1) / super->s_blocks_per_group);
	dgrp_t group, last = fs->group_desc_count - 1;
	const char *why = why_not(fs, groups, blocks);
	u64 old_blocks = ext2fs_blocks_count(super);
	u64 device = blocks * fs->blocksize >> INC_BLOCK_SHIFT;
	errcode_t code;

	if (why) {
		message_error("%s: %s", ext4->name, why);
		return EXT4_TOLD;
	}
	/* The device may be larger; it is not cut off. */
	code = check_zeros(ext4, old_blocks * fs->blocksize,
			   blocks * fs->blocksize);
	if (code)
		return code;
	if (ext4_resize_device(ext4, device))
		return EXT4_TOLD;
	code = ext4_descriptors_grow(fs, groups);
	if (code)
		return code;
	ext2fs_blocks_count_set(super, blocks);
	super->s_inodes_count = groups * super->s_inodes_per_group;
	fs->group_desc_count = groups;
	code = resize_blocks(fs, fs->block_map);
	if (!code)
		code = resize_inodes(fs, fs->inode_map);
	if (!code && ext4->claimed)
		code = resize_blocks(fs, ext4->claimed);
	if (!code && ext4->claimed_directories)
		code = resize_inodes(fs, ext4->claimed_directories);
	for (group = last + 1; !code && group < groups; group++)
		next_group(fs, group);
	if (code)
		return code;
	add_free(fs, last, ext2fs_group_last_block2(fs, last) + 1 - old_blocks);
	for (group = last + 1; group < groups; group++)
		add_free(fs, group, count_free(fs, group));
	/* The kernel computes what statfs() takes off the size. */
	super->s_overhead_clusters = 0;
	ext2fs_mark_super_dirty(fs);
	ext2fs_mark_bb_dirty(fs);
	ext2fs_mark_ib_dirty(fs);
	return 0;
}

/* The smallest size with one more group that has some blocks. */
static u64 with_another_group(ext2_filsys fs)
{
	u64 start = fs->super->s_first_data_block +
		    (u64)fs->group_desc_count * fs->super->s_blocks_per_group;
	u64 own = 3 + fs->desc_blocks + fs->super->s_reserved_gdt_blocks +
		  fs->inode_blocks_per_group;

	return (start + own + 2 * STEP - 1) / STEP * STEP;
}

static u64 next_size(ext2_filsys fs)
{
	u64 blocks = ext2fs_blocks_count(fs->super);
	u64 room = fs->super->s_first_data_block +
		   (u64)fs->group_desc_count * fs->super->s_blocks_per_group;
	u64 wanted = (blocks / STEP + 1) * STEP;

	return wanted <= room ? wanted : with_another_group(fs);
}

/* The next row of at least rows[@kind] free blocks; the search goes on there. */
static bool search_row(struct ext4 *ext4, u32 kind)
{
	ext2_filsys fs = ext4->fs;
	u64 last = ext2fs_blocks_count(fs->super) - 1;
	blk64_t at = ext4->searched[kind], start, end;

	while (at <= last &&
	       !ext2fs_find_first_zero_block_bitmap2(fs->block_map, at, last,
						     &start)) {
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map, start,
							last, &end))
			end = last + 1;
		at = end;
		if (end - start >= rows[kind]) {
			ext4->next = start;
			ext4->end = end;
			ext4->searched[kind] = start;
			return true;
		}
	}
	/* The last row may get longer at its end. */
	ext4->searched[kind] = last + 1 > rows[kind] ?
			       last + 1 - rows[kind] : 0;
	if (ext4->searched[kind] < fs->super->s_first_data_block)
		ext4->searched[kind] = fs->super->s_first_data_block;
	return false;
}

/* A row that was freed and is free still. */
static bool take_freed(struct ext4 *ext4)
{
	ext2_filsys fs = ext4->fs;
	u64 last = ext2fs_blocks_count(fs->super) - 1;

	while (ext4->freed_count) {
		ext4->next = ext4->freed[--ext4->freed_count];
		if (ext2fs_test_block_bitmap2(fs->block_map, ext4->next))
			continue;
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map,
							ext4->next, last,
							&ext4->end))
			ext4->end = last + 1;
		return true;
	}
	return false;
}

/*
 * Note that a block is free again. (Rows are freed in their order.) A row that
 * cannot be noted, without memory, is found when single blocks are.
 */
static void note_freed(ext2_filsys fs, blk64_t block)
{
	struct ext4 *ext4 = fs->priv_data;
	size_t room = ext4->freed_room ? 2 * ext4->freed_room : 64;
	void *more;

	if (block < ext4->searched[EXT4_ROWS - 1])
		ext4->searched[EXT4_ROWS - 1] = block;
	if (block != ext4->run_end)
		ext4->run = block;
	ext4->run_end = block + 1;
	if (ext4->run_end - ext4->run != rows[1])
		return;
	if (ext4->freed_count == ext4->freed_room) {
		more = realloc(ext4->freed, room * sizeof(*ext4->freed));
		if (!more)
			return;
		ext4->freed = more;
		ext4->freed_room = room;
	}
	ext4->freed[ext4->freed_count++] = ext4->run;
}

/* A freed block may be claimed again, by another directory. */
static void free_block(ext2_filsys fs, blk64_t block)
{
	struct ext4 *ext4 = fs->priv_data;

	if (ext4->claimed)
		ext2fs_unmark_block_bitmap2(ext4->claimed, block);
	note_freed(fs, block);
}

static void count_block(ext2_filsys fs, blk64_t block, int inuse)
{
	if (inuse < 0)
		free_block(fs, block);
}

static void count_range(ext2_filsys fs, blk64_t block, blk_t count, int inuse)
{
	for (; inuse < 0 && count; count--)
		free_block(fs, block++);
}

/* Find a row of free blocks, or make one. */
static errcode_t find_row(struct ext4 *ext4)
{
	ext2_filsys fs = ext4->fs;
	u64 blocks = ext2fs_blocks_count(fs->super);
	u64 free = ext2fs_free_blocks_count(fs->super);
	errcode_t code;

	if (take_freed(ext4) || search_row(ext4, 0) || search_row(ext4, 1) ||
	    (free > blocks / 4 && search_row(ext4, 2)))
		return 0;
	code = grow(ext4, next_size(fs));
	if (code)
		return code;
	/* The old end may have been in the middle of free blocks. */
	while (blocks > fs->super->s_first_data_block + 1 &&
	       !ext2fs_test_block_bitmap2(fs->block_map, blocks - 1))
		blocks--;
	code = ext2fs_find_first_zero_block_bitmap2(fs->block_map, blocks,
				ext2fs_blocks_count(fs->super) - 1,
				&ext4->next);
	if (code)
		return code;
	blocks = ext2fs_blocks_count(fs->super);
	if (ext2fs_find_first_set_block_bitmap2(fs->block_map, ext4->next,
						blocks - 1, &ext4->end))
		ext4->end = blocks;
	return 0;
}

/* Make ext4->next a free block. */
static errcode_t next_block(struct ext4 *ext4)
{
	if (ext4->next < ext4->end &&
	    !ext2fs_test_block_bitmap2(ext4->fs->block_map, ext4->next))
		return 0;
	return find_row(ext4);
}

static errcode_t new_block(ext2_filsys fs, blk64_t goal, blk64_t *block)
{
	struct ext4 *ext4 = fs->priv_data;
	errcode_t code = next_block(ext4);

	(void)goal;
	if (code)
		return code;
	*block = ext4->next++;
	ext2fs_clear_block_uninit(fs, ext2fs_group_of_blk2(fs, *block));
	return 0;
}

/*
 * libext2fs takes the blocks for more names in a directory with an index from
 * here, one at a time, by way of ext2fs_fallocate(). Left to itself it finds
 * none in a full filesystem.
 */
static errcode_t new_range(ext2_filsys fs, int flags, blk64_t goal,
			   blk64_t count, blk64_t *start, blk64_t *got)
{
	struct ext4 *ext4 = fs->priv_data;
	errcode_t code = next_block(ext4);

	if (code)
		return code;
	if (flags & EXT2_NEWRANGE_FIXED_GOAL && goal != ext4->next)
		return EXT2_ET_BLOCK_ALLOC_FAIL;
	if (flags & EXT2_NEWRANGE_MIN_LENGTH && count > 1)
		return EXT2_ET_BLOCK_ALLOC_FAIL;
	*got = 1;
	return new_block(fs, goal, start);
}

void ext4_allocate_blocks(struct ext4 *ext4)
{
	u32 i;

	for (i = 0; i < EXT4_ROWS; i++)
		ext4->searched[i] = ext4->fs->super->s_first_data_block;
	ext2fs_set_alloc_block_callback(ext4->fs, new_block, NULL);
	ext2fs_set_new_range_callback(ext4->fs, new_range, NULL);
	ext2fs_set_block_alloc_stats_callback(ext4->fs, count_block, NULL);
	ext2fs_set_block_alloc_stats_range_callback(ext4->fs, count_range,
						    NULL);
}

errcode_t ext4_new_inode(struct ext4 *ext4, ext2_ino_t dir, int mode,
			 ext2_ino_t *number)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = ext2fs_new_inode(fs, dir, mode, fs->inode_map,
					  number);

	if (code != EXT2_ET_INODE_ALLOC_FAIL)
		return code;
	code = grow(ext4, with_another_group(fs));
	return code ? code : ext2fs_new_inode(fs, dir, mode, fs->inode_map,
					      number);
}
