// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an erofs; see image.h.
 */
#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/message.h"
#include "erofs/image.h"
#include "fs/overlay.h"

#define CACHE_BLOCKS	256u

static int read_overlay(void *context, u64 offset, void *data, size_t length)
{
	return overlay_read(context, offset, length, data);
}

struct erofs_device erofs_on_overlay(struct overlay *overlay)
{
	return (struct erofs_device){
		.read = read_overlay,
		.context = overlay,
		.name = overlay_name(overlay),
		.blocks = overlay_blocks(overlay),
	};
}

int erofs_damaged(const struct erofs_image *image, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	message_error("%s: the erofs is damaged: %s", image->device->name,
		      text);
	return -EINVAL;
}

bool erofs_has_content(u16 mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

u8 erofs_entry_type(u16 mode)
{
	/* The same numbers as the kernel's FT_* have. */
	static const u8 types[16] = {
		[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3,
		[S_IFBLK >> 12] = 4, [S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6,
		[S_IFLNK >> 12] = 7,
	};

	return types[mode >> 12];
}

u32 erofs_checksum(const u8 *block)
{
	u8 copy[EROFS_BLOCK_SIZE - EROFS_SUPER_OFFSET];

	memcpy(copy, block + EROFS_SUPER_OFFSET, sizeof(copy));
	memset(copy + offsetof(struct erofs_disk_super, checksum), 0, 4);
	return ext2fs_crc32c_le(~0u, copy, sizeof(copy));
}

/* With large clusters, how LZ4 was used follows the superblock. */
static int check_compression(struct erofs_image *image, const u8 *block)
{
	struct erofs_disk_lz4 lz4;
	u16 known;

	image->cluster_blocks = 1;
	if (!(le32_to_cpu(image->super.incompat) &
	      EROFS_INCOMPAT_LARGE_CLUSTERS))
		return 0;
	known = le16_to_cpu(image->super.compression);
	if (known != EROFS_COMPRESSION_LZ4) {
		message_error("%s: the erofs is compressed by more than LZ4 (algorithms 0x%x)",
			      image->device->name, known);
		return -ENOTSUP;
	}
	if (image->super_end + sizeof(lz4) > EROFS_BLOCK_SIZE)
		return erofs_damaged(image, "the superblock has %u extra slots",
				     image->super.extra_slots);
	memcpy(&lz4, block + image->super_end, sizeof(lz4));
	image->super_end += sizeof(lz4);
	image->cluster_blocks = le16_to_cpu(lz4.cluster_blocks);
	if (le16_to_cpu(lz4.size) == sizeof(lz4) - sizeof(lz4.size) &&
	    image->cluster_blocks &&
	    image->cluster_blocks <= EROFS_CLUSTER_BLOCKS_MAX)
		return 0;
	return erofs_damaged(image, "it has clusters of %u blocks",
			     image->cluster_blocks);
}

static int check_super(struct erofs_image *image, const u8 *block)
{
	const struct erofs_disk_super *super = &image->super;
	const char *name = image->device->name;
	u32 incompat = le32_to_cpu(super->incompat);

	if (le32_to_cpu(super->magic) != EROFS_MAGIC) {
		message_error("%s: there is no erofs in it", name);
		return -EINVAL;
	}
	if (super->block_shift != EROFS_BLOCK_SHIFT || super->directory_shift) {
		message_error("%s: the erofs has blocks of another size than 4096 bytes",
			      name);
		return -ENOTSUP;
	}
	if (le32_to_cpu(super->compat) & EROFS_COMPAT_CHECKSUM &&
	    erofs_checksum(block) != le32_to_cpu(super->checksum))
		return erofs_damaged(image, "wrong checksum of the superblock");
	incompat &= ~(EROFS_INCOMPAT_PADDING | EROFS_INCOMPAT_LARGE_CLUSTERS |
		      EROFS_INCOMPAT_CHUNKS);
	if (incompat) {
		message_error("%s: the erofs has features that are not known here (incompatible 0x%x)",
			      name, incompat);
		return -ENOTSUP;
	}
	if (!le32_to_cpu(super->blocks) ||
	    le32_to_cpu(super->blocks) > image->device->blocks)
		return erofs_damaged(image, "it has %u blocks, the device %llu",
				     le32_to_cpu(super->blocks),
				     (unsigned long long)image->device->blocks);
	if (image->super_end > EROFS_BLOCK_SIZE)
		return erofs_damaged(image, "the superblock has %u extra slots",
				     super->extra_slots);
	return check_compression(image, block);
}

int erofs_open(struct erofs_image *image, const struct erofs_device *device)
{
	u8 block[EROFS_BLOCK_SIZE];
	u32 i;
	int ret;

	memset(image, 0, sizeof(*image));
	image->device = device;
	if (!device->blocks || device->blocks > INC_BLOCKS_MAX) {
		message_error("%s: there is no erofs in it", device->name);
		return -EINVAL;
	}
	image->bytes = device->blocks << EROFS_BLOCK_SHIFT;
	image->cached = calloc(CACHE_BLOCKS, sizeof(*image->cached));
	image->cache = calloc(CACHE_BLOCKS, EROFS_BLOCK_SIZE);
	if (!image->cached || !image->cache) {
		message_error("%s: out of memory", device->name);
		return -ENOMEM;
	}
	for (i = 0; i < CACHE_BLOCKS; i++)
		image->cached[i] = UINT64_MAX;
	ret = erofs_meta_read(image, 0, block, sizeof(block));
	if (ret)
		return ret;
	memcpy(&image->super, block + EROFS_SUPER_OFFSET,
	       sizeof(image->super));
	image->meta_offset = (u64)le32_to_cpu(image->super.meta_block) <<
			     EROFS_BLOCK_SHIFT;
	image->super_end = EROFS_SUPER_OFFSET + sizeof(image->super) +
			   16u * image->super.extra_slots;
	return check_super(image, block);
}

void erofs_close(struct erofs_image *image)
{
	free(image->cached);
	free(image->cache);
	image->cached = NULL;
	image->cache = NULL;
}

int erofs_meta_read(struct erofs_image *image, u64 offset, void *data,
		    size_t length)
{
	if (offset > image->bytes || length > image->bytes - offset)
		return erofs_damaged(image, "metadata at byte %llu, behind the device's end",
				     (unsigned long long)offset);
	while (length) {
		u64 block = offset >> EROFS_BLOCK_SHIFT;
		u32 slot = (u32)(block % CACHE_BLOCKS);
		u32 start = (u32)(offset & (EROFS_BLOCK_SIZE - 1));
		size_t part = EROFS_BLOCK_SIZE - start;
		u8 *cached = image->cache + (size_t)slot * EROFS_BLOCK_SIZE;
		int ret;

		if (part > length)
			part = length;
		if (image->cached[slot] != block) {
			image->cached[slot] = UINT64_MAX;
			ret = image->device->read(image->device->context,
						  block << EROFS_BLOCK_SHIFT,
						  cached, EROFS_BLOCK_SIZE);
			if (ret)
				return ret;
			image->cached[slot] = block;
		}
		memcpy(data, cached + start, part);
		data = (u8 *)data + part;
		offset += part;
		length -= part;
	}
	return 0;
}

u64 erofs_list_start(const struct erofs_inode *inode, u64 *bytes)
{
	u64 start = erofs_header_size(inode) + inode->xattr_size, entry;

	if (inode->layout == EROFS_COMPRESSED) {
		entry = sizeof(struct erofs_disk_lcluster);
		*bytes = erofs_lclusters_size(inode->size);
	} else {
		entry = erofs_chunk_entry(inode);
		*bytes = inode->size ? (((inode->size - 1) >>
				 erofs_chunk_shift(inode)) + 1) * entry : 0;
	}
	/* Inodes are aligned to more than an entry. */
	return (start + entry - 1) / entry * entry;
}

u64 erofs_inode_room(const struct erofs_inode *inode)
{
	u64 size = erofs_header_size(inode) + inode->xattr_size, list;

	if (!erofs_has_content(inode->mode))
		;
	else if (erofs_has_list(inode))
		size = erofs_list_start(inode, &list) + list;
	else
		size += erofs_tail_size(inode);
	return erofs_whole_slots(size);
}

static void parse_compact(const struct erofs_image *image,
			  const struct erofs_disk_compact *disk,
			  struct erofs_inode *inode)
{
	inode->mode = le16_to_cpu(disk->mode);
	inode->nlink = le16_to_cpu(disk->nlink);
	inode->size = le32_to_cpu(disk->size);
	inode->address = le32_to_cpu(disk->address);
	inode->ino = le32_to_cpu(disk->ino);
	inode->uid = le16_to_cpu(disk->uid);
	inode->gid = le16_to_cpu(disk->gid);
	inode->mtime = (int64_t)le64_to_cpu(image->super.build_time);
	inode->mtime_nanoseconds = le32_to_cpu(image->super.build_nanoseconds);
}

static void parse_extended(const struct erofs_disk_inode *disk,
			   struct erofs_inode *inode)
{
	inode->mode = le16_to_cpu(disk->mode);
	inode->nlink = le32_to_cpu(disk->nlink);
	inode->size = le64_to_cpu(disk->size);
	inode->address = le32_to_cpu(disk->address);
	inode->ino = le32_to_cpu(disk->ino);
	inode->uid = le32_to_cpu(disk->uid);
	inode->gid = le32_to_cpu(disk->gid);
	inode->mtime = (int64_t)le64_to_cpu(disk->mtime);
	inode->mtime_nanoseconds = le32_to_cpu(disk->mtime_nanoseconds);
}

void erofs_inode_write(const struct erofs_inode *inode, void *header)
{
	u16 format = (u16)(inode->layout << EROFS_LAYOUT_SHIFT |
			   (inode->compact ? 0 : EROFS_EXTENDED));
	u16 count = inode->xattr_size ?
		    (u16)((inode->xattr_size -
			   sizeof(struct erofs_disk_xattrs)) / 4 + 1) : 0;

	if (inode->compact) {
		struct erofs_disk_compact disk = {
			.format = cpu_to_le16(format),
			.xattr_count = cpu_to_le16(count),
			.mode = cpu_to_le16(inode->mode),
			.nlink = cpu_to_le16((u16)inode->nlink),
			.size = cpu_to_le32((u32)inode->size),
			.address = cpu_to_le32(inode->address),
			.ino = cpu_to_le32(inode->ino),
			.uid = cpu_to_le16((u16)inode->uid),
			.gid = cpu_to_le16((u16)inode->gid),
		};

		memcpy(header, &disk, sizeof(disk));
	} else {
		struct erofs_disk_inode disk = {
			.format = cpu_to_le16(format),
			.xattr_count = cpu_to_le16(count),
			.mode = cpu_to_le16(inode->mode),
			.size = cpu_to_le64(inode->size),
			.address = cpu_to_le32(inode->address),
			.ino = cpu_to_le32(inode->ino),
			.uid = cpu_to_le32(inode->uid),
			.gid = cpu_to_le32(inode->gid),
			.mtime = cpu_to_le64((u64)inode->mtime),
			.mtime_nanoseconds =
				cpu_to_le32(inode->mtime_nanoseconds),
			.nlink = cpu_to_le32(inode->nlink),
		};

		memcpy(header, &disk, sizeof(disk));
	}
}

/* Are the contents on the device? The caller checks inline ones. */
static int check_content(const struct erofs_image *image,
			 const struct erofs_inode *inode, u64 offset)
{
	unsigned long long nid = inode->nid;
	u64 blocks;

	if (inode->size >> 62)
		return erofs_damaged(image, "inode %llu has %llu bytes", nid,
				     (unsigned long long)inode->size);
	if (S_ISLNK(inode->mode) && inode->size > EROFS_LINK_MAX)
		return erofs_damaged(image, "inode %llu is a link of %llu bytes",
				     nid, (unsigned long long)inode->size);
	if (inode->layout == EROFS_CHUNKS) {
		if (inode->address & ~EROFS_CHUNK_KNOWN)
			return erofs_damaged(image, "inode %llu has chunks of format 0x%x",
					     nid, inode->address);
		if (S_ISREG(inode->mode))
			return 0;
		return erofs_damaged(image, "inode %llu has chunks but is no file",
				     nid);
	}
	if (inode->layout == EROFS_COMPRESSED) {
		if (!S_ISREG(inode->mode))
			return erofs_damaged(image, "inode %llu is compressed but is no file",
					     nid);
		if (le32_to_cpu(image->super.incompat) & EROFS_INCOMPAT_PADDING)
			return 0;
		message_error("%s: inode %llu of the erofs is compressed without padding; of compressed files those that mkimage makes can be used",
			      image->device->name, nid);
		return -ENOTSUP;
	}
	blocks = erofs_full_blocks(inode);
	if (blocks && (inode->address >= image->device->blocks ||
		       blocks > image->device->blocks - inode->address))
		return erofs_damaged(image, "contents of inode %llu reach behind the device's end",
				     nid);
	offset += erofs_header_size(inode) + inode->xattr_size;
	if ((offset & (EROFS_BLOCK_SIZE - 1)) + erofs_tail_size(inode) >
	    EROFS_BLOCK_SIZE)
		return erofs_damaged(image, "inline contents of inode %llu are in two blocks",
				     nid);
	return 0;
}

int erofs_inode_read(struct erofs_image *image, u64 nid,
		     struct erofs_inode *inode)
{
	union {
		__le16 start[2];	/* both forms start with these */
		struct erofs_disk_compact compact;
		struct erofs_disk_inode extended;
	} disk;
	u64 offset = erofs_inode_offset(image, nid);
	u16 format, count;
	u64 room;
	int ret;

	if (nid >= image->bytes >> EROFS_SLOT_SHIFT || offset >= image->bytes)
		return erofs_damaged(image, "inode %llu is behind the device's end",
				     (unsigned long long)nid);
	ret = erofs_meta_read(image, offset, &disk.compact,
			      sizeof(disk.compact));
	if (ret)
		return ret;
	format = le16_to_cpu(disk.start[0]);
	count = le16_to_cpu(disk.start[1]);
	if (format & ~EROFS_FORMAT_KNOWN)
		return erofs_damaged(image, "inode %llu has format 0x%x",
				     (unsigned long long)nid, format);
	memset(inode, 0, sizeof(*inode));
	inode->nid = nid;
	inode->layout = (u8)(format >> EROFS_LAYOUT_SHIFT);
	inode->compact = !(format & EROFS_EXTENDED);
	inode->xattr_size = count ? sizeof(struct erofs_disk_xattrs) +
				    4u * (count - 1u) : 0;
	if (inode->compact) {
		parse_compact(image, &disk.compact, inode);
	} else {
		ret = erofs_meta_read(image, offset, &disk.extended,
				      sizeof(disk.extended));
		if (ret)
			return ret;
		parse_extended(&disk.extended, inode);
	}
	if (inode->layout == EROFS_COMPACT_INDEX) {
		message_error("%s: inode %llu of the erofs is compressed with a compact index; of compressed files those that mkimage makes can be used",
			      image->device->name, (unsigned long long)nid);
		return -ENOTSUP;
	}
	if (inode->layout > EROFS_CHUNKS || !erofs_entry_type(inode->mode))
		return erofs_damaged(image, "inode %llu has mode 0%o and layout %u",
				     (unsigned long long)nid, inode->mode,
				     inode->layout);
	if (erofs_has_content(inode->mode)) {
		ret = check_content(image, inode, offset);
		if (ret)
			return ret;
	}
	room = erofs_inode_room(inode);
	if (room > image->bytes - offset)
		return erofs_damaged(image, "inode %llu reaches behind the device's end",
				     (unsigned long long)nid);
	return 0;
}
