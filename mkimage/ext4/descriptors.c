// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the descriptors of more groups go when an ext4 grows; see ext4.h.
 *
 * Behind the superblock, and each of its copies, is the table of descriptors.
 * There may be blocks reserved behind that, for a longer one: these belong to the
 * resize inode. Its map is a block (named by the inode as its double indirect one)
 * that lists the reserved blocks behind the superblock, each of which lists those
 * in its place behind the copies.
 *
 * Without a resize inode nothing is reserved. Then the feature meta_bg takes over,
 * as in the kernel's own growing: from s_first_meta_bg on, each block of
 * descriptors is in the groups that it describes.
 */
#include "ext4/ext4.h"

static u64 blocks_for(ext2_filsys fs, u64 groups)
{
	u32 in_block = EXT2_DESC_PER_BLOCK(fs->super);

	return (groups + in_block - 1) / in_block;
}

bool ext4_descriptors_fit(ext2_filsys fs, u64 groups)
{
	u64 reserved = fs->super->s_reserved_gdt_blocks;

	return blocks_for(fs, groups) <= fs->desc_blocks + reserved ||
	       ext2fs_has_feature_meta_bg(fs->super) ||
	       (!ext2fs_has_feature_resize_inode(fs->super) && !reserved);
}

errcode_t ext4_descriptors_grow(ext2_filsys fs, u64 groups)
{
	struct ext2_super_block *super = fs->super;
	u64 blocks = blocks_for(fs, groups), before = fs->desc_blocks;
	errcode_t code;

	if (blocks <= before)
		return 0;
	code = ext2fs_resize_mem(before * fs->blocksize,
				 blocks * fs->blocksize, &fs->group_desc);
	if (code)
		return code;
	memset((char *)fs->group_desc + before * fs->blocksize, 0,
	       (blocks - before) * fs->blocksize);
	fs->desc_blocks = blocks;
	if (ext2fs_has_feature_meta_bg(super))
		return 0;
	if (super->s_reserved_gdt_blocks) {
		super->s_reserved_gdt_blocks =
			(__u16)(super->s_reserved_gdt_blocks -
				(blocks - before));
	} else {
		ext2fs_set_feature_meta_bg(super);
		super->s_first_meta_bg = (__u32)before;
	}
	return 0;
}

/* Its map is made anew, in the block that it has. */
errcode_t ext4_descriptors_reserve(ext2_filsys fs)
{
	struct ext2_inode inode;
	errcode_t code;
	blk64_t map;

	if (!ext2fs_has_feature_resize_inode(fs->super))
		return 0;
	code = ext2fs_read_inode(fs, EXT2_RESIZE_INO, &inode);
	if (code)
		return code;
	map = inode.i_block[EXT2_DIND_BLOCK];
	if (map <= fs->super->s_first_data_block ||
	    map >= ext2fs_blocks_count(fs->super))
		return EXT2_ET_RESIZE_INODE_CORRUPT;
	code = ext2fs_zero_blocks2(fs, map, 1, NULL, NULL);
	if (!code)
		code = ext2fs_iblk_set(fs, &inode, 1);
	if (!code)
		code = ext2fs_write_inode(fs, EXT2_RESIZE_INO, &inode);
	return code ? code : ext2fs_create_resize_inode(fs);
}
