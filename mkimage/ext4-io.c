// SPDX-License-Identifier: GPL-2.0-only
/*
 * libext2fs on an overlay; see ext4.h.
 */
#include <stdlib.h>
#include "ext4.h"
#include "message.h"

/*
 * What was not made for being changed here, or not by libext2fs: accounts that
 * would have to be kept, names that are not what they seem, blocks that belong
 * to several files.
 */
#define INCOMPAT_REFUSED	(EXT3_FEATURE_INCOMPAT_RECOVER | \
				 EXT3_FEATURE_INCOMPAT_JOURNAL_DEV | \
				 EXT4_FEATURE_INCOMPAT_INLINE_DATA | \
				 EXT4_FEATURE_INCOMPAT_ENCRYPT | \
				 EXT4_FEATURE_INCOMPAT_CASEFOLD)
#define RO_COMPAT_REFUSED	(EXT4_FEATURE_RO_COMPAT_BIGALLOC | \
				 EXT4_FEATURE_RO_COMPAT_QUOTA | \
				 EXT4_FEATURE_RO_COMPAT_PROJECT | \
				 EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS | \
				 EXT4_FEATURE_RO_COMPAT_VERITY)

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
	message_error("%s: %s: %s", path, doing, error_message(code));
	return -EIO;
}

static const char *why_refused(const struct ext2_super_block *super)
{
	if (!(super->s_state & EXT2_VALID_FS) ||
	    super->s_state & EXT2_ERROR_FS || super->s_last_orphan)
		return "its ext4 was not unmounted cleanly, or has errors: run e2fsck on the raw image first";
	if (super->s_feature_incompat & INCOMPAT_REFUSED ||
	    super->s_feature_ro_compat & RO_COMPAT_REFUSED)
		return "its ext4 has features that cannot be changed here; change a copy, and take the difference with --raw";
	return NULL;
}

int ext4_open(struct ext4 *ext4, struct overlay *overlay, int64_t now,
	      bool writable)
{
	int flags = EXT2_FLAG_64BITS | (writable ? EXT2_FLAG_RW : 0);
	const char *name = overlay_name(overlay), *why;
	struct ext2_super_block *super;
	errcode_t code;

	memset(ext4, 0, sizeof(*ext4));
	add_error_table(&et_ext2_error_table);
	opening = overlay;
	code = ext2fs_open("overlay", flags, 0, 0, &manager, &ext4->fs);
	if (code)
		return ext4_failed(name, "cannot open its ext4", code);
	super = ext4->fs->super;
	ext4->overlay = overlay;
	ext4->groups = ext4->fs->group_desc_count;
	/* To libext2fs 0 is the present time. */
	ext4->now = now ? now : super->s_wtime ? super->s_wtime : 1;
	ext4->fs->now = (time_t)ext4->now;
	ext4->fs->priv_data = ext4;
	if (!writable)
		return 0;
	why = why_refused(super);
	if (why) {
		message_error("%s: %s", name, why);
		ext2fs_free(ext4->fs);
		return -ENOTSUP;
	}
	code = ext2fs_read_bitmaps(ext4->fs);
	if (code) {
		ext2fs_free(ext4->fs);
		return ext4_failed(name, "cannot read its ext4's bitmaps",
				   code);
	}
	ext4_allocate_blocks(ext4);
	return 0;
}

int ext4_close(struct ext4 *ext4)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code;

	/*
	 * Copies of the superblock would each cost pages of map and tree. They
	 * are to find the filesystem when the first one is lost, for which the
	 * old ones do as long as the groups are the same.
	 */
	if (fs->group_desc_count == ext4->groups)
		fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	code = ext2fs_close_free(&fs);
	free(ext4->freed);
	remove_error_table(&et_ext2_error_table);
	return code ? ext4_failed(overlay_name(ext4->overlay),
				  "cannot write its ext4", code) : 0;
}
