/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The on-disk format of an incremental image, and its arithmetic.
 *
 * This header and format.c are freestanding: the kernel module and
 * libincremental compile the same text, so that what meets hostile images in
 * the kernel is what unit tests, sanitizers and fuzzers meet in userspace.
 * docs/format.md explains the format in prose; the two must agree.
 *
 *	image    one segment after another in one file
 *	segment  head | presence bitmap | metadata pages | data
 *	head     superblock | signature area | map directory | tree directory
 *	metadata guard | dictionary | owner table | map pages | tree pages
 *	block    4096 bytes of the virtual device, the unit of hashing
 *	cluster  1 to 64 blocks, aligned in the virtual device, one extent
 *	extent   the stored bytes of one cluster, byte-packed in the data
 *	chunk    the unit of presence in the image file
 *	page     4096 bytes of metadata (map or tree), aligned in the file
 *
 * Every integer on disk is little-endian. Every offset is in bytes from the
 * start of the image file (not of the segment) unless its name says "page",
 * which counts 4096-byte units of the image file.
 */
#ifndef DM_INCREMENTAL_FORMAT_H
#define DM_INCREMENTAL_FORMAT_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#else
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)
#define cpu_to_le16(x)	htole16(x)
#define cpu_to_le32(x)	htole32(x)
#define cpu_to_le64(x)	htole64(x)
#endif

#define INC_MAGIC		"dm-incr\n"
#define INC_VERSION		1

/* A writer that appends a segment writes these bytes last: a disk's smallest write. */
#define INC_FIRST_SECTOR	512u

#define INC_BLOCK_SHIFT		12
#define INC_BLOCK_SIZE		(1u << INC_BLOCK_SHIFT)
#define INC_PAGE_SHIFT		12
#define INC_PAGE_SIZE		(1u << INC_PAGE_SHIFT)

#define INC_CHUNK_SHIFT_MIN	12
#define INC_CHUNK_SHIFT_MAX	16
#define INC_CLUSTER_SHIFT_MAX	6	/* 64 blocks, 256 KiB */

/* Limits; nothing larger is opened, so no allocation grows past them. */
#define INC_BLOCKS_MAX		0xffffffffull		/* 16 TiB less a block */
#define INC_IMAGE_SIZE_MAX	(1ull << 40)		/* map entries: 40 bits */
#define INC_HEAD_SIZE_MAX	(9u << 20)		/* two directories: 8 */
#define INC_RUNS_MAX		(1u << 18)		/* in one directory */
#define INC_SEGMENTS_MAX	4096u

#define INC_SALT_MAX		256
#define INC_DIGEST_MAX		64
#define INC_HASH_NAME_MAX	32
#define INC_DICTIONARY_MAX	65536u
#define INC_LEVELS_MAX		8

/* Signature area that mkimage reserves; no signature is longer. */
#define INC_SIGNATURE_AREA	8192u

/*
 * Block 0 of a device that is to be signed begins with so many zeros, as it does
 * in erofs and ext4; "Signatures" in docs/format.md says what for.
 */
#define INC_SIGNED_ZEROS	INC_DIGEST_MAX

/* Bytes of a start-up list. */
#define INC_STARTUP_MAX		(2u << 20)

/*
 * Features that a reader which does not know them may ignore. REREADS is about
 * the filesystem on the device: what its readahead did not bring it reads again
 * by itself, before any task is told of the failure. NEAR and STARTUP are about the
 * segment; see INC_WALK_PAGES, and @startup_offset.
 */
#define INC_COMPAT_REREADS	1ull
#define INC_COMPAT_NEAR		2ull
#define INC_COMPAT_STARTUP	4ull
/* Those that hold for another segment with the same filesystem, too. */
#define INC_COMPAT_DEVICE	INC_COMPAT_REREADS
#define INC_COMPAT_KNOWN	(INC_COMPAT_REREADS | INC_COMPAT_NEAR | \
				 INC_COMPAT_STARTUP)
/* Features that a reader which does not know them must refuse. */
#define INC_INCOMPAT_DICTIONARY	1ull		/* dictionary_size is not 0 */
#define INC_INCOMPAT_REFERENCES	2ull		/* of INC_CODEC_LZ4_REFERENCES */
#define INC_INCOMPAT_KNOWN	(INC_INCOMPAT_DICTIONARY | \
				 INC_INCOMPAT_REFERENCES)

/**
 * struct inc_super - a segment's superblock, its first 4096 bytes
 * @magic: INC_MAGIC, without a terminating zero
 * @version: INC_VERSION
 * @head_size: bytes of the head, superblock included; a multiple of the chunk
 *	size
 * @compat: feature bits that a reader may ignore
 * @incompat: feature bits that a reader must know
 * @head_digest: SHA-256 of the whole head with this field zero. It finds
 *	damage; it is not a signature.
 * @uuid: identifies the image; the same in all its segments
 * @generation: number of this segment, 0 for the base
 * @block_shift: log2 of the block size in bytes, always 12
 * @chunk_shift: log2 of the chunk size in bytes, 12 to 16; the same in all
 *	segments of an image
 * @cluster_shift: log2 of the blocks in the largest cluster, 0 to 6
 * @device_blocks: size of the virtual device at this generation, in blocks
 * @segment_offset: where this segment starts, a multiple of the chunk size
 * @segment_size: bytes of this segment, a multiple of the chunk size
 * @bitmap_offset: presence bitmap, directly after the head
 * @bitmap_size: its bytes, a multiple of the chunk size
 * @owners_offset: owner table (see INC_NO_OWNER), page aligned, among the
 *	guarded pages
 * @owners_size: its bytes before padding to a page: 4 a data chunk
 * @meta_offset: the metadata pages that this segment adds (guard, dictionary,
 *	owner table, map and tree), directly after the bitmap
 * @meta_size: their bytes, a multiple of the chunk size
 * @data_offset: the extents that this segment adds, directly after @meta_size
 * @data_size: their bytes before padding to the segment's end
 * @map_dir_offset: map directory, in the head, 16-byte aligned
 * @tree_dir_offset: tree directory, in the head, 16-byte aligned
 * @map_runs: number of struct inc_run in the map directory
 * @tree_runs: number of struct inc_run in the tree directory
 * @signature_offset: signature area, in the head
 * @signature_area: bytes reserved there
 * @signature_size: bytes used there, 0 for an unsigned generation
 * @dictionary_size: bytes of the LZ4 dictionary, at most INC_DICTIONARY_MAX;
 *	0 for none, which is so just without INC_INCOMPAT_DICTIONARY
 * @dictionary_offset: where it is, page aligned, among the guarded pages; 0 for
 *	none
 * @hash_name: hash algorithm as the kernel's crypto API names it, padded with
 *	zeros: "sha256"
 * @digest_size: bytes of a digest of @hash_name
 * @salt_size: bytes used of @salt
 * @epoch: a number that a signature covers besides @root_digest, so that a reader
 *	that trusts the signer can refuse older images: see dm_inc_signed_text(); 0
 *	for none
 * @root_digest: root of this generation's hash tree
 * @salt: prepended to every hashed block (dm-verity, hash type 1)
 * @guarded_offset: the guarded pages: one run of pages of the metadata with the
 *	owner table, the dictionary and all map pages that this segment adds
 * @guarded_size: their bytes, a multiple of 4096, not 0
 * @guard_offset: the guard: the pages of a hash tree over the guarded ones, as
 *	if these were the blocks of a device; none if there is one guarded page
 * @guard_digest: root of that tree
 * @startup_offset: with INC_COMPAT_STARTUP, where the text of a start-up list is
 *	(docs/startup.md), page aligned, among the guarded pages
 * @startup_size: its bytes, at most INC_STARTUP_MAX
 * @reserved: zero
 */
struct inc_super {
	__u8	magic[8];
	__le32	version;
	__le32	head_size;
	__le64	compat;
	__le64	incompat;
	__u8	head_digest[32];
	__u8	uuid[16];
	__le32	generation;
	__u8	block_shift;
	__u8	chunk_shift;
	__u8	cluster_shift;
	__u8	pad0;
	__le64	device_blocks;
	__le64	segment_offset;
	__le64	segment_size;
	__le64	bitmap_offset;
	__le64	bitmap_size;
	__le64	owners_offset;
	__le64	owners_size;
	__le64	meta_offset;
	__le64	meta_size;
	__le64	data_offset;
	__le64	data_size;
	__le32	map_dir_offset;		/* from the start of the segment */
	__le32	tree_dir_offset;	/* from the start of the segment */
	__le32	map_runs;
	__le32	tree_runs;
	__le32	signature_offset;	/* from the start of the segment */
	__le32	signature_area;
	__le32	signature_size;
	__le32	dictionary_size;
	__le64	dictionary_offset;
	__u8	hash_name[INC_HASH_NAME_MAX];
	__le16	digest_size;
	__le16	salt_size;
	__le32	epoch;
	__u8	root_digest[INC_DIGEST_MAX];
	__u8	salt[INC_SALT_MAX];
	__le64	guarded_offset;
	__le64	guarded_size;
	__le64	guard_offset;
	__u8	guard_digest[INC_DIGEST_MAX];
	__le64	startup_offset;
	__le32	startup_size;
	__u8	reserved[3420];
};

/**
 * struct inc_run - consecutive metadata pages, one entry of a directory
 * @first: number of the run's first page; the run ends where the next one
 *	starts, the last one with the directory's last page
 * @flags: INC_RUN_REPEAT or 0
 * @file_page: where page @first is, in 4096-byte units of the image file; page
 *	@first + i is at @file_page + i, or at @file_page for all i if repeated
 *
 * A directory's runs are sorted by @first, the first one's is 0, and no two
 * have the same.
 */
struct inc_run {
	__le32	first;
	__le32	flags;
	__le64	file_page;
};

#define INC_RUN_REPEAT		1u

/*
 * Presence bitmap: bit i of a segment's bitmap (byte i / 8, bit i % 8, least
 * significant first) is 1 if chunk i of the segment is in this file. The
 * chunks of the head and of the bitmap itself count as present whatever their
 * bits say. Bits past the segment's last chunk are zero.
 */

/*
 * Owner table: a __le32 for each chunk of the data, in file order: the first
 * block of the cluster whose extent holds the chunk's first byte. From there
 * on, extents follow each other in the file as their clusters do in the
 * virtual device, skipping clusters that are zero or stored elsewhere; where
 * that order breaks, the extent starts a chunk of its own. It lets a loader
 * find which blocks some fetched bytes belong to. The kernel does not use it,
 * nor the guard, which lets a loader prove pages of it and of the map right.
 *
 * From the map page of a chunk's owner to that of the last cluster whose extent
 * starts in the chunk there are no more than INC_WALK_PAGES pages, those of a
 * run that repeats counted as one. An extent that is further away starts a
 * chunk of its own, too. With INC_COMPAT_NEAR all of them are on one map page.
 */
#define INC_WALK_PAGES		4096u
#define INC_NO_OWNER		0xffffffffu	/* no extent there: padding */

/*
 * Map: a __le64 for each block of the virtual device, 512 in a page. All
 * blocks of a cluster carry the same entry. An entry of 0 is a zero block.
 *
 *	bits  0..39	offset of the extent in the image file, bytes
 *	bits 40..57	stored length in bytes, less 1
 *	bits 58..60	log2 of the cluster's blocks, 0 to 6
 *	bits 61..63	codec
 */
#define INC_ENTRY_SHIFT		3
#define INC_ENTRIES_SHIFT	(INC_PAGE_SHIFT - INC_ENTRY_SHIFT)
#define INC_ENTRIES_PER_PAGE	(1u << INC_ENTRIES_SHIFT)

enum inc_codec {
	INC_CODEC_ZERO		= 0,	/* no extent; the entry is 0 */
	INC_CODEC_STORED	= 1,	/* as it is */
	INC_CODEC_LZ4		= 2,	/* one LZ4 block */
	INC_CODEC_LZ4_DICT	= 3,	/* one LZ4 block that starts from the
					 * dictionary of the segment that the
					 * extent lies in
					 */
	INC_CODEC_ZSTD		= 4,	/* reserved */
	INC_CODEC_LZ4_REFERENCES = 5,	/* references, then one LZ4 block that
					 * starts from what they expand to; only
					 * where INC_INCOMPAT_REFERENCES is set
					 */
};

/**
 * struct inc_extent - a decoded map entry
 * @offset: bytes from the start of the image file
 * @length: stored bytes, 0 for INC_CODEC_ZERO
 * @cluster_shift: log2 of the blocks it expands to
 * @codec: enum inc_codec
 */
struct inc_extent {
	u64	offset;
	u32	length;
	u8	cluster_shift;
	u8	codec;
};

/*
 * A referring extent begins with runs of references: other extents, whose
 * clusters, expanded one after another, are what LZ4 takes to stand before its
 * own. All but the last byte of an extent may be runs; the LZ4 block follows.
 *
 *	byte 0		bits 0..3	extents of the run, less 1: 0 to 14
 *			bits 4..5	log2 of their clusters' blocks, 0 to 3
 *			bit 6		0
 *			bit 7		another run follows
 *	bytes 1..5	offset of the first extent; each further one starts
 *			where the one before it ends
 *	then 2 bytes for each extent:
 *			bits 0..14	stored length in bytes, less 1
 *			bit 15		codec: INC_CODEC_LZ4_DICT
 *
 * Without bit 15 the codec is INC_CODEC_STORED if the extent is as long as its
 * cluster, else INC_CODEC_LZ4: so no reference is itself a referring extent.
 * All that references expand to and the cluster have 64 KiB at most, since LZ4
 * reaches no further.
 */
#define INC_REFERENCES_MAX	15u		/* of an extent */
#define INC_REFERENCES_REACH	65536u		/* bytes, with the cluster */
#define INC_REFERENCES_SHIFT	3u		/* log2 of any cluster's blocks */
#define INC_REFERENCES_SIZE_MAX	120u		/* of all runs: 15 of 8 bytes */

/**
 * struct inc_references - decoded references of an extent
 * @count: of @extents, 1 to INC_REFERENCES_MAX
 * @bytes: that they expand to
 * @size: bytes of the runs, after which the LZ4 block starts
 * @extents: in their order; none of INC_CODEC_ZERO or INC_CODEC_LZ4_REFERENCES
 */
struct inc_references {
	u32 count;
	u32 bytes;
	u32 size;
	struct inc_extent extents[INC_REFERENCES_MAX];
};

/**
 * struct inc_tree - the shape of a dm-verity hash tree
 * @blocks: data blocks hashed
 * @levels: levels of tree pages; 0 if there is one block, whose digest is
 *	then the root digest
 * @digest_shift: log2 of the bytes a digest takes in a page
 * @first: for each level, level 0 being the one that hashes data blocks, the
 *	number of its first page; the top level has page 0, as in the file
 *	that veritysetup writes (which has its superblock before it)
 * @pages: all pages of the tree
 */
struct inc_tree {
	u64	blocks;
	u32	levels;
	u32	digest_shift;
	u64	first[INC_LEVELS_MAX];
	u64	pages;
};

/**
 * struct inc_segment - what a checked superblock says, in CPU byte order
 *
 * Fields are those of struct inc_super, @compat without unknown bits, and without
 * INC_COMPAT_STARTUP if no list can be where the superblock says. @end is
 * @offset + @size; @references is INC_INCOMPAT_REFERENCES: extents that start in the
 * segment may refer; @tree and @guard are the shapes of the two hash trees. Filled
 * in by dm_inc_segment_parse(), which guarantees all that its comment lists.
 */
struct inc_segment {
	u64	compat;
	u32	generation;
	u32	chunk_shift;
	u32	cluster_shift;
	u32	head_size;
	u64	device_blocks;
	u64	offset;
	u64	size;
	u64	end;
	u64	bitmap_offset;
	u64	bitmap_size;
	u64	owners_offset;
	u64	owners_size;
	u64	meta_offset;
	u64	meta_size;
	u64	data_offset;
	u64	data_size;
	u32	map_dir_offset;
	u32	tree_dir_offset;
	u32	map_runs;
	u32	tree_runs;
	u64	map_pages;
	u32	signature_offset;
	u32	signature_area;
	u32	signature_size;
	u32	epoch;
	u32	dictionary_size;
	bool	references;
	u64	dictionary_offset;
	u64	guarded_offset;
	u64	guarded_size;
	u64	guard_offset;
	struct inc_tree tree;
	struct inc_tree guard;
	char	hash_name[INC_HASH_NAME_MAX];
	u32	digest_size;
	u32	salt_size;
	u8	root_digest[INC_DIGEST_MAX];
	u8	salt[INC_SALT_MAX];
	u8	guard_digest[INC_DIGEST_MAX];
	u64	startup_offset;
	u32	startup_size;
	u8	head_digest[32];
	u8	uuid[16];
};

int dm_inc_segment_parse(const struct inc_super *super, u64 offset,
			 u64 image_size, struct inc_segment *seg,
			 const char **why);

/* "<digest> epoch 4294967295", and a zero. */
#define INC_SIGNED_TEXT_MAX	(2 * INC_DIGEST_MAX + 18)

u32 dm_inc_signed_text(const u8 *root, u32 digest_size, u32 epoch, char *text);

int dm_inc_dir_check(const struct inc_run *runs, u32 count, u64 pages,
		     u64 image_end, const char **why);
u64 dm_inc_dir_lookup(const struct inc_run *runs, u32 count, u64 page);

int dm_inc_tree_init(struct inc_tree *tree, u64 blocks, u32 digest_size);
u64 dm_inc_tree_page(const struct inc_tree *tree, u32 level, u64 block,
		     u32 *digest_offset);
u32 dm_inc_tree_used(const struct inc_tree *tree, u32 level, u64 block);

int dm_inc_entry_decode(u64 entry, u32 cluster_shift_max, u64 image_end,
			struct inc_extent *extent);
u64 dm_inc_entry_encode(const struct inc_extent *extent);

int dm_inc_references_decode(const u8 *stored, u32 length,
			     const struct inc_extent *extent, u64 end,
			     struct inc_references *references,
			     const char **why);
u32 dm_inc_references_encode(const struct inc_references *references,
			     u8 *stored);

/* Map page that holds @block's entry, and the entry's place in that page. */
static inline u64 inc_map_page(u64 block)
{
	return block >> INC_ENTRIES_SHIFT;
}

static inline u32 inc_map_index(u64 block)
{
	return (u32)(block & (INC_ENTRIES_PER_PAGE - 1));
}

/* First block of the cluster of @extent that holds @block. */
static inline u64 inc_cluster_start(const struct inc_extent *extent, u64 block)
{
	return block & ~((1ull << extent->cluster_shift) - 1);
}

/* Are both the same bytes of the file, expanded alike? */
static inline bool inc_same_extent(const struct inc_extent *a,
				   const struct inc_extent *b)
{
	return a->offset == b->offset && a->length == b->length &&
	       a->cluster_shift == b->cluster_shift && a->codec == b->codec;
}

static inline u32 inc_cluster_bytes(const struct inc_extent *extent)
{
	return INC_BLOCK_SIZE << extent->cluster_shift;
}

#endif /* DM_INCREMENTAL_FORMAT_H */
