// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors of libext2fs, and claiming blocks and directories; see ext4.h.
 */
#include "common/message.h"
#include "ext4/ext4.h"

int ext4_failed(const char *path, const char *doing, errcode_t code)
{
	if (code != EXT4_TOLD)
		message_error("%s: %s: %s", path, doing, error_message(code));
	return -EIO;
}

errcode_t ext4_claim(struct ext4 *ext4, blk64_t block)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = 0;

	if (block < fs->super->s_first_data_block ||
	    block >= ext2fs_blocks_count(fs->super))
		return EXT2_ET_BAD_BLOCK_NUM;
	if (!ext4->claimed)
		code = ext2fs_allocate_block_bitmap(fs, "claimed",
						    &ext4->claimed);
	if (code || !ext2fs_mark_block_bitmap2(ext4->claimed, block))
		return code;
	message_error("%s: block %llu of its ext4 is in two places: run e2fsck on the raw image first",
		      ext4->name, (unsigned long long)block);
	return EXT4_TOLD;
}

errcode_t ext4_claim_directory(struct ext4 *ext4, ext2_ino_t number)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = 0;

	if (!number || number > fs->super->s_inodes_count)
		return EXT2_ET_BAD_INODE_NUM;
	if (!ext4->claimed_directories)
		code = ext2fs_allocate_inode_bitmap(fs, "claimed",
						    &ext4->claimed_directories);
	if (code ||
	    !ext2fs_mark_inode_bitmap2(ext4->claimed_directories, number))
		return code;
	message_error("%s: directory %u of its ext4 is in two places: run e2fsck on the raw image first",
		      ext4->name, number);
	return EXT4_TOLD;
}

void ext4_claim_none(struct ext4 *ext4)
{
	if (ext4->claimed)
		ext2fs_clear_block_bitmap(ext4->claimed);
	if (ext4->claimed_directories)
		ext2fs_clear_inode_bitmap(ext4->claimed_directories);
}

void ext4_claim_free(struct ext4 *ext4)
{
	ext2fs_free_block_bitmap(ext4->claimed);
	ext2fs_free_inode_bitmap(ext4->claimed_directories);
}
