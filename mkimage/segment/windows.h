/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressing clusters with references to what an image holds already.
 */
#ifndef MKIMAGE_WINDOWS_H
#define MKIMAGE_WINDOWS_H

#include "fs/overlay.h"
#include "spool.h"

struct windows;

/**
 * windows_new - find out what an image holds that clusters can refer to
 * @windows: set on success; freed by windows_free()
 * @overlay: of the image, open at its newest generation; stays open until then
 * @most: how many blocks of the image are read, and verified: first those of
 *	overlay_next_old()
 * @cluster_shift: log2 of the blocks of clusters that will refer
 * @level: of LZ4 HC
 * @threads: that read the image
 *
 * It takes 256 MiB at most, and 16 bytes for each cluster that is read.
 *
 * Return: 0, also if nothing can be referred to; or a negative errno after an error
 * message.
 */
int windows_new(struct windows **windows, const struct overlay *overlay,
		u64 most, u32 cluster_shift, int level, unsigned int threads);
void windows_free(struct windows *windows);

/**
 * windows_new_within - clusters of a segment that is being written can refer to others of it
 * @windows: likewise; nothing can be referred to yet
 * @stored: the segment's data, which stay there; extents count from their start
 * @dictionary: of @size bytes, or NULL and 0: that of the segment, which stays, too
 * @blocks: of the device
 *
 * It takes as much memory. Return: as windows_new().
 */
int windows_new_within(struct windows **windows, struct spool *stored,
		       const u8 *dictionary, u32 size, u64 blocks,
		       u32 cluster_shift, int level);

/*
 * The whole cluster of @block, @data, has been stored as @entry, without references: from now on
 * others can refer to it. None compresses meanwhile. Return: 0, or a negative errno after an
 * error message.
 */
int windows_add(struct windows *windows, u64 block, u64 entry, const u8 *data);

/*
 * Where the cluster before was found: a cluster's contents often follow it. Zeros for
 * the first one of a batch.
 */
struct window_hint {
	u64 next;		/* position, plus 1; 0: not found */
};

/**
 * windows_compress - compress a cluster with references
 * @data: the cluster
 * @packed: as many bytes
 * @most: the result is of use up to this length, in bytes; less than a cluster. A
 *	reference counts for more than its bytes, as it costs reading.
 *
 * Any number of threads may compress at a time. Return: bytes of @packed, those of an
 * extent of INC_CODEC_LZ4_REFERENCES; 0: no use; or a negative errno after an error
 * message.
 */
int windows_compress(const struct windows *windows, struct window_hint *hint,
		     const u8 *data, u8 *packed, u32 most);

#endif /* MKIMAGE_WINDOWS_H */
