// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libext2fs on an overlay; see ext4.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "ext4/ext4.h"

/*
 * What was not made for being changed here, or not by libext2fs: accounts that
 * would have to be kept, names that are not what they seem, blocks or inodes that
 * belong to several files.
 */
static const struct {
	const char *name;
	__u32 incompat, ro_compat;
} refused[] = {
	{ "journal_dev", EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, 0 },
	{ "ea_inode", EXT4_FEATURE_INCOMPAT_EA_INODE, 0 },
	{ "inline_data", EXT4_FEATURE_INCOMPAT_INLINE_DATA, 0 },
	{ "encrypt", EXT4_FEATURE_INCOMPAT_ENCRYPT, 0 },
	{ "casefold", EXT4_FEATURE_INCOMPAT_CASEFOLD, 0 },
	{ "bigalloc", 0, EXT4_FEATURE_RO_COMPAT_BIGALLOC },
	{ "quota", 0, EXT4_FEATURE_RO_COMPAT_QUOTA },
	{ "project", 0, EXT4_FEATURE_RO_COMPAT_PROJECT },
	{ "shared_blocks", 0, EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS },
	{ "verity", 0, EXT4_FEATURE_RO_COMPAT_VERITY },
};

/* More than 16 TiB with blocks of 1024 bytes have. */
#define GROUPS_MAX	(1u << 22)

/* libext2fs opens by name; this is what the name stands for. */
static struct overlay *opening;

static errcode_t channel_open(const char *name, int flags, io_channel *channel);

static errcode_t channel_close(io_channel channel)
{
	return ext2fs_free_mem(&channel);
}

static errcode_t channel_set_blksize(io_channel channel, int blksize)
{
	channel->block_size = blksize;
	return 0;
}

/* A count below zero is one of bytes. */
static size_t channel_bytes(io_channel channel, int count)
{
	return count < 0 ? (size_t)-count :
			   (size_t)count * (size_t)channel->block_size;
}

static errcode_t channel_read(io_channel channel, unsigned long long block,
			      int count, void *data)
{
	int ret = overlay_read(channel->private_data,
			       block * (u64)channel->block_size,
			       channel_bytes(channel, count), data);

	return ret ? EXT2_ET_SHORT_READ : 0;
}

static errcode_t channel_write(io_channel channel, unsigned long long block,
			       int count, const void *data)
{
	int ret = overlay_write(channel->private_data,
				block * (u64)channel->block_size,
				channel_bytes(channel, count), data);

	return ret ? EXT2_ET_SHORT_WRITE : 0;
}

static errcode_t channel_read32(io_channel channel, unsigned long block,
				int count, void *data)
{
	return channel_read(channel, block, count, data);
}

static errcode_t channel_write32(io_channel channel, unsigned long block,
				 int count, const void *data)
{
	return channel_write(channel, block, count, data);
}

static errcode_t channel_write_byte(io_channel channel, unsigned long offset,
				    int count, const void *data)
{
	int ret = overlay_write(channel->private_data, offset, (size_t)count,
				data);

	return ret ? EXT2_ET_SHORT_WRITE : 0;
}

static errcode_t channel_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "overlay",
	.open = channel_open,
	.close = channel_close,
	.set_blksize = channel_set_blksize,
	.read_blk = channel_read32,
	.write_blk = channel_write32,
	.flush = channel_flush,
	.write_byte = channel_write_byte,
	.read_blk64 = channel_read,
	.write_blk64 = channel_write,
};

static errcode_t channel_open(const char *name, int flags, io_channel *channel)
{
	errcode_t code = ext2fs_get_memzero(sizeof(**channel), channel);

	(void)flags;
	if (code)
		return code;
	(*channel)->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	(*channel)->manager = &manager;
	(*channel)->name = (char *)name;
	(*channel)->block_size = 1024;
	(*channel)->refcount = 1;
	(*channel)->private_data = opening;
	return 0;
}

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

errcode_t ext4_claim_folder(struct ext4 *ext4, ext2_ino_t number)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = 0;

	if (!number || number > fs->super->s_inodes_count)
		return EXT2_ET_BAD_INODE_NUM;
	if (!ext4->claimed_folders)
		code = ext2fs_allocate_inode_bitmap(fs, "claimed",
						    &ext4->claimed_folders);
	if (code || !ext2fs_mark_inode_bitmap2(ext4->claimed_folders, number))
		return code;
	message_error("%s: directory %u of its ext4 is in two places: run e2fsck on the raw image first",
		      ext4->name, number);
	return EXT4_TOLD;
}

void ext4_claim_none(struct ext4 *ext4)
{
	if (ext4->claimed)
		ext2fs_clear_block_bitmap(ext4->claimed);
	if (ext4->claimed_folders)
		ext2fs_clear_inode_bitmap(ext4->claimed_folders);
}

static int check_features(struct ext4 *ext4)
{
	const struct ext2_super_block *super = ext4->fs->super;
	size_t i;

	if (super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER ||
	    super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT ||
	    !(super->s_state & EXT2_VALID_FS) ||
	    super->s_state & EXT2_ERROR_FS || super->s_last_orphan) {
		message_error("%s: its ext4 was not unmounted cleanly, or has errors: run e2fsck on the raw image first",
			      ext4->name);
		return -EUCLEAN;
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (!(super->s_feature_incompat & refused[i].incompat) &&
		    !(super->s_feature_ro_compat & refused[i].ro_compat))
			continue;
		message_error("%s: its ext4 has features that cannot be changed here (%s); change a copy, and take the difference with --raw",
			      ext4->name, refused[i].name);
		return -ENOTSUP;
	}
	return 0;
}

static int open_on(struct ext4 *ext4, const char *file, io_manager manager,
		   int64_t now, int flags)
{
	struct ext2_super_block *super;
	errcode_t code;

	add_error_table(&et_ext2_error_table);
	/* Its block says which machine has it mounted: no other knows our file. */
	code = ext2fs_open(file, flags | EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP,
			   0, 0, manager, &ext4->fs);
	if (code)
		return ext4_failed(ext4->name, "cannot open its ext4", code);
	super = ext4->fs->super;
	ext4->groups = ext4->fs->group_desc_count;
	/* To libext2fs 0 is the present time. */
	ext4->now = now ? now : super->s_wtime ? super->s_wtime : 1;
	ext4->fs->now = (time_t)ext4->now;
	ext4->fs->priv_data = ext4;
	return 0;
}

static int prepare_changes(struct ext4 *ext4)
{
	errcode_t code = ext2fs_read_bitmaps(ext4->fs);

	if (code)
		return ext4_failed(ext4->name,
				   "cannot read its ext4's bitmaps", code);
	ext4_allocate_blocks(ext4);
	return 0;
}

void ext4_abandon(struct ext4 *ext4)
{
	ext2fs_free_block_bitmap(ext4->claimed);
	ext2fs_free_inode_bitmap(ext4->claimed_folders);
	free(ext4->freed);
	ext2fs_free(ext4->fs);
	remove_error_table(&et_ext2_error_table);
}

/*
 * A filesystem that ends behind the device cannot be read, let alone grow; libext2fs
 * has memory for as many groups as the superblock says.
 */
static int check_size(struct ext4 *ext4)
{
	u64 size = overlay_blocks(ext4->overlay) << INC_BLOCK_SHIFT, blocks;
	struct ext2_super_block super = { 0 };
	u32 shift, in_group;
	int ret = size < 2 * SUPERBLOCK_OFFSET ? -EUCLEAN :
		  overlay_read(ext4->overlay, SUPERBLOCK_OFFSET, sizeof(super),
			       &super);

	if (ret && ret != -EUCLEAN)
		return ret;
	shift = EXT2_MIN_BLOCK_LOG_SIZE +
		ext2fs_le32_to_cpu(super.s_log_block_size);
	blocks = ext2fs_le32_to_cpu(super.s_blocks_count);
	in_group = ext2fs_le32_to_cpu(super.s_blocks_per_group);
	if (ext2fs_le32_to_cpu(super.s_feature_incompat) &
	    EXT4_FEATURE_INCOMPAT_64BIT)
		blocks |= (u64)ext2fs_le32_to_cpu(super.s_blocks_count_hi) << 32;
	if (!ret && shift >= EXT2_MIN_BLOCK_LOG_SIZE &&
	    shift <= EXT2_MAX_BLOCK_LOG_SIZE && blocks <= size >> shift &&
	    in_group && blocks / in_group < GROUPS_MAX)
		return 0;
	message_error("%s: its ext4 says that it has %llu blocks of 2^%u bytes in groups of %u, which cannot be on its device of %llu bytes",
		      ext4->name, (unsigned long long)blocks, shift, in_group,
		      (unsigned long long)size);
	return -EUCLEAN;
}

int ext4_open(struct ext4 *ext4, struct overlay *overlay, int64_t now,
	      bool writable)
{
	int ret;

	memset(ext4, 0, sizeof(*ext4));
	ext4->name = overlay_name(overlay);
	ext4->overlay = opening = overlay;
	ret = check_size(ext4);
	if (!ret)
		ret = open_on(ext4, "overlay", &manager, now,
			      writable ? EXT2_FLAG_RW : 0);
	if (ret)
		return ret;
	if (writable)
		ret = check_features(ext4);
	if (!ret && writable)
		ret = prepare_changes(ext4);
	if (ret)
		ext4_abandon(ext4);
	return ret;
}

int ext4_open_file(struct ext4 *ext4, int fd, const char *name, int64_t now,
		   bool writable)
{
	char file[32];
	int ret;

	memset(ext4, 0, sizeof(*ext4));
	ext4->name = name;
	ext4->fd = fd;
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	ret = open_on(ext4, file, unix_io_manager, now,
		      writable ? EXT2_FLAG_RW : 0);
	if (ret || !writable)
		return ret;
	ret = prepare_changes(ext4);
	if (ret)
		ext4_abandon(ext4);
	return ret;
}

int ext4_resize_device(struct ext4 *ext4, u64 blocks)
{
	int code;

	if (ext4->overlay)
		return blocks > overlay_blocks(ext4->overlay) ?
		       overlay_resize(ext4->overlay, blocks) : 0;
	if (!ftruncate(ext4->fd, (off_t)(blocks << INC_BLOCK_SHIFT)))
		return 0;
	code = errno;
	message_error("temporary file: %s", strerror(code));
	return -code;
}

int ext4_close(struct ext4 *ext4)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = 0, close_code;

	/*
	 * Copies of the superblock would each cost pages of map and tree. They
	 * are to find the filesystem when the first one is lost, for which the
	 * old ones do as long as the groups are the same.
	 */
	if (fs->group_desc_count != ext4->groups)
		code = ext4_descriptors_reserve(fs);
	else if (ext4->overlay)
		fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	ext2fs_free_block_bitmap(ext4->claimed);
	ext2fs_free_inode_bitmap(ext4->claimed_folders);
	free(ext4->freed);
	close_code = ext2fs_close_free(&fs);
	if (!code)
		code = close_code;
	remove_error_table(&et_ext2_error_table);
	return code ? ext4_failed(ext4->name, "cannot write its ext4", code) :
		      0;
}
