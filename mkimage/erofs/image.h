/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading an erofs: superblock and inodes. Nothing read is trusted: every place
 * is checked to lie on the device before it is used, and unknown features are
 * refused. What lists of chunks and of logical clusters say is checked where it
 * is used (content.h, runs.h).
 *
 * Functions return 0, or a negative errno after an error message: EINVAL for a
 * damaged filesystem, ENOTSUP for one with features that are not known here.
 * One thread at a time.
 */
#ifndef MKIMAGE_EROFS_IMAGE_H
#define MKIMAGE_EROFS_IMAGE_H

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "erofs/layout.h"

/**
 * struct erofs_device - where the filesystem is
 * @read: read @length bytes at @offset, all within @blocks; 0, or a negative
 * errno after an error message
 * @write: the same for writing; NULL if nothing is going to be written
 * @resize: give it @blocks blocks, more than it has; the added ones are zeros
 * @note_old: see overlay_note_old(); NULL: nothing is to be noted
 * @context: passed to these
 * @name: for messages, not copied
 * @blocks: size, in blocks of 4096 bytes
 */
struct erofs_device {
	int (*read)(void *context, u64 offset, void *data, size_t length);
	int (*write)(void *context, u64 offset, const void *data,
		     size_t length);
	int (*resize)(void *context, u64 blocks);
	int (*note_old)(void *context, u64 block, u64 count);
	void *context;
	const char *name;
	u64 blocks;
};

/* An overlay as such a device, to be read. */
struct overlay;
struct erofs_device erofs_on_overlay(struct overlay *overlay);

/**
 * struct erofs_image - an open filesystem; fields are for reading only
 * @super: as it is on the device
 * @bytes: of the device
 * @meta_offset: where slot 0 is, in bytes
 * @super_end: end of the superblock and what belongs to it, in bytes
 * @cluster_blocks: blocks that a physical cluster may have
 */
struct erofs_image {
	const struct erofs_device *device;
	struct erofs_disk_super super;
	u64 bytes;
	u64 meta_offset;
	u64 super_end;
	u32 cluster_blocks;

	u64 *cached;		/* block numbers, in a cache of metadata */
	u8 *cache;
};

/**
 * struct erofs_inode - an inode, in the machine's byte order
 * @address: first block of the contents, device number, format of the chunks,
 *	or number of compressed blocks, as its type and layout have it
 * @xattr_size: bytes of extended attributes after the header
 * @compact: it is a struct erofs_disk_compact; its time is the filesystem's
 */
struct erofs_inode {
	u64 nid;
	u64 size;
	int64_t mtime;
	u32 mtime_nanoseconds;
	u32 uid;
	u32 gid;
	u32 nlink;
	u32 ino;
	u32 address;
	u32 xattr_size;
	u16 mode;
	u8 layout;
	bool compact;
};

/* The device stays the caller's; closed by erofs_close(), also after errors. */
int erofs_open(struct erofs_image *image, const struct erofs_device *device);
void erofs_close(struct erofs_image *image);

/* Read @length bytes of metadata at @offset, wherever that is. */
int erofs_meta_read(struct erofs_image *image, u64 offset, void *data,
		    size_t length);

/* Read inode @nid and check that all of it and its blocks are on the device. */
int erofs_inode_read(struct erofs_image *image, u64 nid,
		     struct erofs_inode *inode);

/* Write @inode's header, erofs_header_size() bytes. */
void erofs_inode_write(const struct erofs_inode *inode, void *header);

static inline u64 erofs_inode_offset(const struct erofs_image *image, u64 nid)
{
	return image->meta_offset + (nid << EROFS_SLOT_SHIFT);
}

static inline u32 erofs_header_size(const struct erofs_inode *inode)
{
	return inode->compact ? sizeof(struct erofs_disk_compact) :
				sizeof(struct erofs_disk_inode);
}

/* Blocks for @size bytes. */
static inline u64 erofs_blocks(u64 size)
{
	return (size >> EROFS_BLOCK_SHIFT) + !!(size & (EROFS_BLOCK_SIZE - 1));
}

/* @bytes up to the end of a slot. */
static inline u64 erofs_whole_slots(u64 bytes)
{
	return (bytes + EROFS_SLOT_SIZE - 1) & ~(u64)(EROFS_SLOT_SIZE - 1);
}

/* Blocks of contents that are not inline; of a compressed file, expanded. */
static inline u64 erofs_full_blocks(const struct erofs_inode *inode)
{
	u64 blocks = erofs_blocks(inode->size);

	return inode->layout == EROFS_INLINE && blocks ? blocks - 1 : blocks;
}

/* Bytes of contents that are inline. */
static inline u32 erofs_tail_size(const struct erofs_inode *inode)
{
	if (inode->layout != EROFS_INLINE)
		return 0;
	return (u32)(inode->size -
		     (erofs_full_blocks(inode) << EROFS_BLOCK_SHIFT));
}

static inline u32 erofs_chunk_shift(const struct erofs_inode *inode)
{
	return EROFS_BLOCK_SHIFT + (inode->address & EROFS_CHUNK_SHIFT_MASK);
}

static inline u32 erofs_chunk_entry(const struct erofs_inode *inode)
{
	return inode->address & EROFS_CHUNK_INDEXES ?
	       sizeof(struct erofs_disk_chunk) : sizeof(__le32);
}

/* Does a list follow the inode, of chunks or of logical clusters? */
static inline bool erofs_has_list(const struct erofs_inode *inode)
{
	return inode->layout == EROFS_CHUNKS ||
	       inode->layout == EROFS_COMPRESSED;
}

static inline bool erofs_is_compressed(const struct erofs_inode *inode)
{
	return S_ISREG(inode->mode) && inode->layout == EROFS_COMPRESSED;
}

/* Bytes of a list of logical clusters, and what is in front of it. */
static inline u64 erofs_lclusters_size(u64 file_size)
{
	return sizeof(struct erofs_disk_map) + erofs_blocks(file_size) *
	       sizeof(struct erofs_disk_lcluster);
}

/*
 * Where that list starts, with the struct erofs_disk_map if there is one, from
 * the inode's start; sets its bytes.
 */
u64 erofs_list_start(const struct erofs_inode *inode, u64 *bytes);

/* Of the address of a device node; as the kernel's new_decode_dev(). */
static inline dev_t erofs_device_number(u32 address)
{
	return makedev(address >> 8 & 0xfff,
		       (address & 0xff) | (address >> 12 & 0xfff00));
}

/* Do regular files, directories and links of this mode have contents? */
bool erofs_has_content(u16 mode);

/* Bytes of the header and all that follows it, with the padding to a slot. */
u64 erofs_inode_room(const struct erofs_inode *inode);

/* An entry's type for an inode's mode; 0 for none. */
u8 erofs_entry_type(u16 mode);

/* Say that the filesystem is damaged. Return: -EINVAL. */
int erofs_damaged(const struct erofs_image *image, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The checksum of the block that the superblock is in. */
u32 erofs_checksum(const u8 *block);

#endif /* MKIMAGE_EROFS_IMAGE_H */
