/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structures of an erofs on disk, as the kernel's
 * Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h describe them.
 *
 *	block	4096 bytes; block numbers have 32 bits
 *	slot	32 bytes; an inode starts at one
 *	nid	number of an inode: its slot, counted from the metadata's start
 *
 * An inode is followed by its extended attributes, and these by the last part
 * of its contents (layout "inline"), by the list of its chunks, or by the list of
 * its logical clusters.
 *
 * A compressed file is divided into runs of bytes. Each is stored in a physical
 * cluster: a block with the bytes themselves, or one or more blocks with what LZ4
 * made of them, behind zeros. A logical cluster is a block of the file; its entry
 * in the list has the run that starts in it. At most one does.
 */
#ifndef MKIMAGE_EROFS_LAYOUT_H
#define MKIMAGE_EROFS_LAYOUT_H

#include "format.h"

#define EROFS_MAGIC		0xe0f5e1e2u
#define EROFS_SUPER_OFFSET	1024u
#define EROFS_BLOCK_SHIFT	12
#define EROFS_BLOCK_SIZE	4096u
#define EROFS_SLOT_SHIFT	5
#define EROFS_SLOT_SIZE		32u
#define EROFS_NAME_MAX		255u
#define EROFS_LINK_MAX		4096u	/* a symbolic link's text */
#define EROFS_NO_BLOCK		0xffffffffu

#define EROFS_COMPAT_CHECKSUM	0x1u	/* the superblock's block has one */
#define EROFS_COMPAT_MTIME	0x2u	/* times are those of modification */
/* May be set without any compressed file. */
#define EROFS_INCOMPAT_PADDING	0x1u	/* zeros in front of LZ4's bytes */
#define EROFS_INCOMPAT_LARGE_CLUSTERS 0x2u	/* and struct erofs_disk_lz4 */
#define EROFS_INCOMPAT_CHUNKS	0x4u

/* Bytes 1024 to 1151 of the device. */
struct erofs_disk_super {
	__le32 magic;
	__le32 checksum;	/* CRC-32C from here to the block's end */
	__le32 compat;
	__u8 block_shift;
	__u8 extra_slots;	/* of 16 bytes, directly after this */
	__le16 root_nid;
	__le64 inodes;
	__le64 build_time;	/* time of all compact inodes */
	__le32 build_nanoseconds;
	__le32 blocks;
	__le32 meta_block;	/* where slot 0 is */
	__le32 xattr_block;	/* where shared attributes are counted from */
	__u8 uuid[16];
	__u8 volume[16];
	__le32 incompat;
	__le16 compression;	/* with large clusters, EROFS_COMPRESSION_* */
	__le16 devices;
	__le16 device_slot;
	__u8 directory_shift;	/* of directory blocks, above block_shift */
	__u8 reserved[5];
	__le64 packed_nid;
	__u8 reserved2[24];
};

#define EROFS_COMPRESSION_LZ4	0x1u

/* Follows the superblock's extra slots if there are large clusters. */
struct erofs_disk_lz4 {
	__le16 size;		/* bytes that follow */
	__le16 distance;	/* of LZ4's matches; 0: any */
	__le16 cluster_blocks;	/* of the largest physical cluster */
	__u8 reserved[10];
};

/* Linux takes 1 MiB; a read of one byte reads and expands a whole cluster. */
#define EROFS_CLUSTER_BLOCKS_MAX 16u

/* In the bits of an inode's format above EROFS_EXTENDED. */
enum erofs_layout {
	EROFS_PLAIN		= 0,	/* contents in consecutive blocks */
	EROFS_COMPRESSED	= 1,	/* a list of logical clusters */
	EROFS_INLINE		= 2,	/* the last, partial block is inline */
	EROFS_COMPACT_INDEX	= 3,	/* compressed, with a shorter list */
	EROFS_CHUNKS		= 4,	/* a list of chunks */
};

#define EROFS_EXTENDED		0x1u	/* struct erofs_disk_inode, not compact */
#define EROFS_LAYOUT_SHIFT	1
#define EROFS_FORMAT_KNOWN	0xfu

/* In @address of a file of chunks. */
#define EROFS_CHUNK_SHIFT_MASK	0x1fu	/* above the block's */
#define EROFS_CHUNK_INDEXES	0x20u	/* struct erofs_disk_chunk, not __le32 */
#define EROFS_CHUNK_KNOWN	0x3fu

/* Of the lists of chunks that are written: chunks of 256 KiB, and no indexes. */
#define EROFS_CHUNK_BLOCKS_SHIFT 6u
#define EROFS_CHUNK_BLOCKS	(1u << EROFS_CHUNK_BLOCKS_SHIFT)

/* 32 bytes: no time, narrow fields. */
struct erofs_disk_compact {
	__le16 format;
	__le16 xattr_count;	/* 0, or (bytes of attributes - 12) / 4 + 1 */
	__le16 mode;
	__le16 nlink;
	__le32 size;
	__le32 reserved;
	__le32 address;		/* first block, device number or chunk format */
	__le32 ino;		/* for 32-bit systems; not needed */
	__le16 uid;
	__le16 gid;
	__le32 reserved2;
};

/* 64 bytes. */
struct erofs_disk_inode {
	__le16 format;
	__le16 xattr_count;
	__le16 mode;
	__le16 reserved;
	__le64 size;
	__le32 address;
	__le32 ino;
	__le32 uid;
	__le32 gid;
	__le64 mtime;
	__le32 mtime_nanoseconds;
	__le32 nlink;
	__u8 reserved2[16];
};

/* An inode's attributes: this, identifiers of shared ones, own ones. */
struct erofs_disk_xattrs {
	__le32 reserved;
	__u8 shared;		/* identifiers: 4-byte units from xattr_block */
	__u8 reserved2[7];
};

/* Followed by the name without its prefix and the value; padded to 4 bytes. */
struct erofs_disk_xattr {
	__u8 name_length;
	__u8 prefix;
	__le16 value_length;
};

enum erofs_prefix {
	EROFS_PREFIX_USER	= 1,
	EROFS_PREFIX_ACL	= 2,	/* system.posix_acl_access, no more name */
	EROFS_PREFIX_ACL_DEFAULT = 3,	/* system.posix_acl_default */
	EROFS_PREFIX_TRUSTED	= 4,
	EROFS_PREFIX_SECURITY	= 6,
};

/*
 * A directory's block starts with entries; their names follow, in the same
 * order, and zeros. The first entry's @name tells how many entries there are.
 * Names are in the order of their bytes, "." and ".." among them.
 */
struct erofs_disk_entry {
	__le64 nid;
	__le16 name;		/* where the name starts in this block */
	__u8 type;
	__u8 reserved;
} __attribute__((packed));

/* For files of chunks with EROFS_CHUNK_INDEXES; else only @block. */
struct erofs_disk_chunk {
	__le16 advice;
	__le16 device;
	__le32 block;		/* EROFS_NO_BLOCK: zeros */
};

/* In front of the list of logical clusters. */
struct erofs_disk_map {
	__le32 reserved;
	__le16 advice;		/* EROFS_ADVICE_* */
	__u8 algorithms;	/* 0: LZ4 */
	__u8 cluster_bits;	/* of a logical one, less 12, and flags */
	__le64 reserved2;
};

#define EROFS_ADVICE_LARGE_CLUSTERS 0x2u

enum erofs_lcluster_kind {
	EROFS_LCLUSTER_PLAIN	= 0,	/* a run that is stored as it is starts */
	EROFS_LCLUSTER_HEAD	= 1,	/* a compressed one does */
	EROFS_LCLUSTER_BODY	= 2,	/* none does */
};

#define EROFS_LCLUSTER_KIND	0x3u

/*
 * Behind a run that ends with the file, within a block in which it does not
 * start, this is a plain run of no bytes.
 */
struct erofs_disk_lcluster {
	__le16 advice;		/* enum erofs_lcluster_kind */
	__le16 offset;		/* where in it the run starts */
	union {
		__le32 block;	/* of the run that starts here */
		struct {
			__le16 back;	/* logical clusters to where it starts */
			__le16 ahead;	/* and to where the next one does */
		};
	};
};

/*
 * In @back of the first one behind a run's start, with large clusters: the blocks
 * of the physical cluster. (@back is 1 there anyway.)
 */
#define EROFS_LCLUSTER_BLOCKS	0x800u

static_assert(sizeof(struct erofs_disk_super) == 128, "superblock");
static_assert(offsetof(struct erofs_disk_super, build_time) == 24, "superblock");
static_assert(offsetof(struct erofs_disk_super, uuid) == 48, "superblock");
static_assert(offsetof(struct erofs_disk_super, incompat) == 80, "superblock");
static_assert(offsetof(struct erofs_disk_super, packed_nid) == 96, "superblock");
static_assert(sizeof(struct erofs_disk_compact) == 32, "compact inode");
static_assert(offsetof(struct erofs_disk_compact, address) == 16, "compact inode");
static_assert(offsetof(struct erofs_disk_compact, uid) == 24, "compact inode");
static_assert(sizeof(struct erofs_disk_inode) == 64, "inode");
static_assert(offsetof(struct erofs_disk_inode, address) == 16, "inode");
static_assert(offsetof(struct erofs_disk_inode, mtime) == 32, "inode");
static_assert(offsetof(struct erofs_disk_inode, nlink) == 44, "inode");
static_assert(sizeof(struct erofs_disk_xattrs) == 12, "attributes");
static_assert(sizeof(struct erofs_disk_xattr) == 4, "attribute");
static_assert(sizeof(struct erofs_disk_entry) == 12, "directory entry");
static_assert(sizeof(struct erofs_disk_chunk) == 8, "chunk");
static_assert(sizeof(struct erofs_disk_lz4) == 16, "LZ4's parameters");
static_assert(sizeof(struct erofs_disk_map) == 16, "map header");
static_assert(sizeof(struct erofs_disk_lcluster) == 8, "logical cluster");

#endif /* MKIMAGE_EROFS_LAYOUT_H */
