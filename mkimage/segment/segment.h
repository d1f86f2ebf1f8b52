/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A segment that is being written: batches of blocks in, an image file out.
 */
#ifndef MKIMAGE_SEGMENT_H
#define MKIMAGE_SEGMENT_H

#include "segment/batch.h"
#include "segment/metadata.h"
#include "segment/within.h"

struct segment_known;

/**
 * struct segment - a segment being written
 * @uuid: of the image; needed by segment_write() only
 * @signature: of meta.root, of @signature_size bytes, or NULL and 0; likewise;
 * segment_free() frees it
 * @epoch: covered by @signature, too
 * @generation: its number, 0 for the base
 * @offset: where it starts in the image, 0 for the base
 * @compat: feature bits, INC_COMPAT_*
 * @plain_apart: of each batch the clusters that are stored uncompressed come first, from
 *	a chunk's start on, so that they can be read right into a reader's pages; if they are some
 * @dictionary: of @dictionary_size bytes, or NULL and 0; likewise
 * @startup: text of a start-up list, of @startup_size bytes, or NULL and 0; likewise;
 * segment_free() frees it
 * @startup_room: bytes kept for it, not less
 * @within: what its clusters may refer to in itself, or NULL; set after segment_init();
 * segment_free() frees it
 * @clusters: clusters by codec, those stored once counted as often as they are
 * @shared: clusters that were stored already, and the bytes that saved
 * @head_size: bytes of the head, after segment_write(), as is
 * @size: bytes of the segment
 */
struct segment {
	const struct inc_hash *hash;
	const u8 *zero_digest;
	u8 uuid[16];
	u8 salt[INC_SALT_MAX];
	u32 salt_size;
	u8 *signature;
	u32 signature_size;
	u32 epoch;
	u32 chunk_shift;
	u32 cluster_shift;
	u64 device_blocks;
	u32 generation;
	u64 offset;
	u64 compat;
	bool plain_apart;
	const u8 *dictionary;
	u32 dictionary_size;
	char *startup;
	u32 startup_size;
	u32 startup_room;

	struct metadata meta;
	struct spool *data;
	u64 looks;			/* at the map, up to the last owner */
	u64 owner;			/* the last one's block */
	u64 last;			/* block of the last extent */
	struct spool *ids;		/* of the clusters stored */
	struct segment_known *known;	/* where their ids are */
	u32 known_count;
	u64 known_room;
	struct within *within;

	u64 clusters[INC_CODEC_LZ4_REFERENCES + 1];
	u64 shared;
	u64 shared_bytes;

	u32 head_size;
	u64 size;
	u64 data_written;		/* where the data are in the file */
};

/*
 * Places in the table of clusters, a power of 2, so that it is three quarters full
 * at most with one more than @count. (There are less than 2^32 clusters, and a
 * cluster's tag has 32 bits: more places would not help.)
 */
static inline u64 segment_known_room(u64 room, u32 count)
{
	if (!room)
		return 4096;
	return count < room / 4 * 3 || room > UINT32_MAX ? room : 2 * room;
}

/**
 * segment_init - start a segment
 * @seg: the fields before @meta filled in, the others zero
 * @dir: where temporary files go
 *
 * Return: 0, or a negative errno after an error message; in either case
 * segment_free() frees it. So do the functions below.
 */
int segment_init(struct segment *seg, const char *dir);
void segment_free(struct segment *seg);

/* Add the next blocks of the device: a hole or a processed batch. */
int segment_add(struct segment *seg, const struct batch *batch);

/* Finish after the last block: seg->meta.root is then the root digest. */
int segment_finish(struct segment *seg);

/**
 * segment_store - store a cluster, unless it has been stored
 * @looks: an upper bound of the map pages that a reader of all up to @block's
 *	looks at
 * @entry: set to what its map entry is to be. Up to segment_write(), offsets of
 * @seg and above count from the start of its data rather than from @offset.
 *
 * For what segment_add() does not store. Clusters come in the order of their blocks,
 * unless the segment has INC_COMPAT_NEAR; then @looks does not matter.
 */
int segment_store(struct segment *seg, u64 block,
		  const struct cluster *cluster, u64 looks, u64 *entry);

/**
 * segment_store_batch - store a batch's clusters, but for those that have an entry
 * @entries: set to that of each cluster, BATCH_BLOCKS at most
 *
 * As segment_store(); segment_add() has done it. For a layer.
 */
int segment_store_batch(struct segment *seg, const struct batch *batch, u64 *entries);

/*
 * Then write the segment to the start of the empty file @fd, whatever its place in the
 * image. It may be written to the same file again, with another @startup.
 */
int segment_write(struct segment *seg, int fd, const char *name);

#endif /* MKIMAGE_SEGMENT_H */
