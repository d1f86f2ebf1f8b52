// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory becomes an erofs, an uncompressed one unless told otherwise: the
 * image compresses it. It is an extension of an erofs that has nothing but a
 * superblock.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "erofs/change.h"
#include "erofs/filesystem.h"
#include "fs/check.h"
#include "fs/derive.h"
#include "fs/source.h"
#include "fs/walk.h"
#include "io.h"
#include "spool.h"

/* The file that it is made in. */
struct target {
	const char *name;	/* for messages */
	int fd;
};

static int read_file(void *context, u64 offset, void *data, size_t length)
{
	const struct target *target = context;

	return read_all(target->fd, offset, data, length, target->name);
}

static int write_file(void *context, u64 offset, const void *data,
		      size_t length)
{
	const struct target *target = context;

	return write_all(target->fd, offset, data, length, target->name);
}

static int resize_file(void *context, u64 blocks)
{
	const struct target *target = context;
	int code;

	if (!ftruncate(target->fd, (off_t)(blocks << EROFS_BLOCK_SHIFT)))
		return 0;
	code = errno;
	message_error("%s: no room for its erofs: %s", target->name,
		      strerror(code));
	return -code;
}

/* The time is the newest file's, so that its inode can be compact. */
static int write_super(const struct erofs_device *device,
		       const struct walk *walk, u32 compression)
{
	u8 block[EROFS_BLOCK_SIZE] = { 0 };
	struct erofs_disk_lz4 lz4 = {
		.size = cpu_to_le16(sizeof(lz4) - sizeof(lz4.size)),
		.cluster_blocks = cpu_to_le16((u16)compression),
	};
	struct erofs_disk_super super = {
		.magic = cpu_to_le32(EROFS_MAGIC),
		.compat = cpu_to_le32(EROFS_COMPAT_CHECKSUM |
				      EROFS_COMPAT_MTIME),
		.block_shift = EROFS_BLOCK_SHIFT,
		.build_time = cpu_to_le64((u64)walk->epoch),
		.build_nanoseconds = cpu_to_le32(walk->epoch_nanoseconds),
		.blocks = cpu_to_le32(1),
	};
	int ret = device->resize(device->context, 1);

	if (ret)
		return ret;
	derive_uuid(walk->id, "filesystem", super.uuid);
	if (compression)
		super.incompat = cpu_to_le32(EROFS_INCOMPAT_PADDING);
	if (compression > 1) {
		super.incompat |= cpu_to_le32(EROFS_INCOMPAT_LARGE_CLUSTERS);
		super.compression = cpu_to_le16(EROFS_COMPRESSION_LZ4);
		memcpy(block + EROFS_SUPER_OFFSET + sizeof(super), &lz4,
		       sizeof(lz4));
	}
	memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof(super));
	super.checksum = cpu_to_le32(erofs_checksum(block));
	memcpy(block + EROFS_SUPER_OFFSET, &super, sizeof(super));
	return device->write(device->context, 0, block, sizeof(block));
}

static void set_device(struct erofs_device *device, struct target *target)
{
	device->read = read_file;
	device->write = write_file;
	device->resize = resize_file;
	device->context = target;
	device->name = target->name;
}

int erofs_build(const struct tree *tree, const struct walk *walk, int fd,
		const struct build_options *options)
{
	struct target target = { .name = tree->name, .fd = fd };
	const struct extend_plan plan = {
		.source = tree,
		.epoch = walk->epoch,
		.threads = options->threads,
		.dir = options->dir,
	};
	struct erofs_change change = {
		.plan = &plan,
		.compression = options->compression,
		.device.blocks = 1,
	};
	int ret;

	set_device(&change.device, &target);
	target.name = SPOOL_NAME;	/* of what goes wrong with the file itself */
	ret = write_super(&change.device, walk, options->compression);
	if (!ret)
		ret = erofs_open(&change.image, &change.device);
	if (!ret)
		ret = erofs_tree_start(&change.tree, &change.image);
	if (!ret)
		ret = erofs_merge(&change);
	return erofs_finish(&change, ret);
}

int erofs_check_file(int fd, struct check *check)
{
	struct target target = { .name = check->tree->name, .fd = fd };
	off_t size = lseek(fd, 0, SEEK_END);
	struct erofs_device device = {
		.blocks = (u64)size >> EROFS_BLOCK_SHIFT,
	};

	set_device(&device, &target);
	return erofs_check_device(&device, check);
}
