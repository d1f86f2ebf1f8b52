// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libext2fs on an overlay; see ext4.h.
 */
#include <unistd.h>
#include "common/message.h"
#include "ext4/ext4.h"
#include "spool.h"

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

io_manager ext4_io_manager(struct overlay *overlay)
{
	opening = overlay;
	return &manager;
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
	message_error(SPOOL_NAME ": %s", strerror(code));
	return -code;
}
