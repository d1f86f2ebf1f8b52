// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compressing files that come from the source.
 *
 * A file is cut into pieces, which all threads compress at once; a run does not
 * cross from one into the next. So the result is the same for any number of
 * threads, and a piece loses half a cluster on average.
 *
 * Each run takes as many bytes of the file as one physical cluster can hold. Where
 * that saves no block, blocks are stored as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "erofs/change.h"
#include "mkimage.h"
#include "pipeline.h"

#define PIECE_SIZE	(1u << 20)
#define CLUSTER_SIZE_MAX (EROFS_CLUSTER_BLOCKS_MAX * EROFS_BLOCK_SIZE)
/* A read expands a run from its start: no longer than pays. */
#define RUN_MAX		(128u << 10)
static_assert(RUN_MAX >= CLUSTER_SIZE_MAX, "a run");
#define RUNS_MAX	(PIECE_SIZE / EROFS_BLOCK_SIZE + 1)
/* mkfs.erofs' default for lz4hc. */
#define LEVEL		9

/* A piece of a file. */
struct piece {
	struct erofs_node *node;
	bool last;		/* of its file */
	u64 start;		/* in its file */
	u32 length;
	u32 stored;		/* bytes of @out */
	u32 runs;
	struct erofs_packed_run run[RUNS_MAX];
	u8 bytes[PIECE_SIZE];
	/* No more than the piece's own blocks; and one to compress in. */
	u8 out[PIECE_SIZE + CLUSTER_SIZE_MAX];
	u8 cluster[CLUSTER_SIZE_MAX];
	u8 again[RUN_MAX];
	_Alignas(8) u8 state[];	/* LZ4's */
};

struct feed {
	struct erofs_change *change;
	u64 next;		/* of change->live */
	u64 done;		/* bytes of that file */
	struct tree_file file;
};

static void *piece_new(void *context)
{
	(void)context;
	return malloc(sizeof(struct piece) + (size_t)LZ4_sizeofStateHC());
}

static bool is_candidate(const struct erofs_node *node)
{
	return node->given && S_ISREG(node->inode.mode) &&
	       !node->same_content && !node->borrowed && !node->chunks &&
	       node->inode.size > EROFS_BLOCK_SIZE;
}

/* Open the next file that may be compressed. Return: 1, 0 if there is none. */
static int next_file(struct feed *feed)
{
	struct erofs_change *change = feed->change;
	struct erofs_node *node = NULL;
	int ret;

	for (; feed->next < change->live_count; feed->next++) {
		node = change->live[feed->next];
		if (!is_candidate(node))
			continue;
		ret = erofs_open_source(change, node, &feed->file);
		if (ret)
			return ret;
		/* Holes cost nothing, and compression would fill them. */
		if (!tree_has_hole(&feed->file, node->inode.size))
			break;
		change->read_done += node->inode.size;
		tree_file_close(&feed->file);
	}
	if (feed->next == change->live_count)
		return 0;
	node->packed = calloc(1, sizeof(*node->packed));
	if (!node->packed)
		return no_memory();
	feed->done = 0;
	return 1;
}

static int produce(void *context, void *item)
{
	struct feed *feed = context;
	struct piece *piece = item;
	int ret = 1;
	u64 left;

	if (feed->file.fd < 0)
		ret = next_file(feed);
	if (ret <= 0)
		return ret;
	piece->node = feed->change->live[feed->next];
	piece->start = feed->done;
	left = piece->node->inode.size - feed->done;
	piece->length = left < PIECE_SIZE ? (u32)left : PIECE_SIZE;
	piece->last = piece->length == left;
	ret = erofs_read_source(feed->change, &feed->file, piece->node,
				feed->done, piece->bytes, piece->length);
	feed->done += piece->length;
	if (piece->last || ret) {
		tree_file_close(&feed->file);
		feed->next++;
	}
	return ret ? ret : 1;
}

static void add_run(struct piece *piece, u32 length, u32 blocks, bool plain)
{
	piece->run[piece->runs++] = (struct erofs_packed_run){
		.length = length, .blocks = (u16)blocks, .plain = plain,
	};
	piece->stored += blocks << EROFS_BLOCK_SHIFT;
}

/* Store a block's bytes as they are. Return: how many. */
static u32 add_plain(struct piece *piece, u32 done)
{
	u32 length = piece->length - done;
	u8 *out = piece->out + piece->stored;

	if (length > EROFS_BLOCK_SIZE)
		length = EROFS_BLOCK_SIZE;
	memcpy(out, piece->bytes + done, length);
	memset(out + length, 0, EROFS_BLOCK_SIZE - length);
	add_run(piece, length, 1, true);
	return length;
}

/*
 * Compress as many bytes as fill a cluster. Return: so many; 0 if that would save
 * nothing; -EIO if LZ4 did not do it well.
 */
static int add_compressed(struct piece *piece, u32 done, u32 cluster_size)
{
	u32 left = piece->length - done, blocks, padded;
	int taken = (int)(left < RUN_MAX ? left : RUN_MAX), made;
	u8 *out = piece->out + piece->stored;

	made = LZ4_compress_HC_destSize(piece->state,
					(const char *)piece->bytes + done,
					(char *)piece->cluster, &taken,
					(int)cluster_size, LEVEL);
	if (made <= 0 || taken <= 0)
		return 0;
	blocks = (u32)erofs_blocks((u64)made);
	padded = blocks << EROFS_BLOCK_SHIFT;
	if ((u32)taken <= padded)
		return 0;
	if (LZ4_decompress_safe((const char *)piece->cluster,
				(char *)piece->again, made,
				sizeof(piece->again)) != taken ||
	    memcmp(piece->again, piece->bytes + done, (size_t)taken)) {
		message_error("%s: LZ4 does not give back what it was given, at byte %llu; this is a fault of liblz4 or of the memory",
			      piece->node->path, (unsigned long long)piece->start + done);
		return -EIO;
	}
	memset(out, 0, padded - (u32)made);
	memcpy(out + padded - (u32)made, piece->cluster, (size_t)made);
	add_run(piece, (u32)taken, blocks, false);
	return taken;
}

static int work(void *context, void *item)
{
	struct feed *feed = context;
	u32 blocks = feed->change->compression, i;
	struct piece *piece = item;
	u32 done = 0;

	piece->runs = piece->stored = 0;
	while (done < piece->length) {
		int taken = add_compressed(piece, done,
					   blocks << EROFS_BLOCK_SHIFT);

		if (taken < 0)
			return taken;
		done += (u32)taken;
		/* What does not compress is tried again a cluster later. */
		for (i = 0; !taken && i < blocks && done < piece->length; i++)
			done += add_plain(piece, done);
	}
	return 0;
}

/*
 * Does it take less room than an uncompressed file, which may have its last bytes
 * beside its inode?
 */
static bool pays(const struct erofs_node *node)
{
	const struct erofs_packed *packed = node->packed;

	return (packed->blocks << EROFS_BLOCK_SHIFT) +
	       erofs_lclusters_size(node->inode.size) < node->inode.size;
}

static int consume(void *context, void *item)
{
	struct feed *feed = context;
	const struct piece *piece = item;
	struct erofs_packed *packed = piece->node->packed;
	size_t bytes = (packed->count + piece->runs) * sizeof(*packed->runs);
	struct erofs_packed_run *runs = realloc(packed->runs, bytes);
	int ret;

	if (!runs)
		return no_memory();
	if (!packed->count)
		packed->place = spool_size(feed->change->packed);
	memcpy(runs + packed->count, piece->run,
	       piece->runs * sizeof(*packed->runs));
	packed->runs = runs;
	packed->count += piece->runs;
	packed->blocks += piece->stored >> EROFS_BLOCK_SHIFT;
	ret = spool_append(feed->change->packed, piece->out, piece->stored);
	if (!ret && piece->last && !pays(piece->node))
		erofs_packed_free(piece->node);
	return ret;
}

int erofs_compress(struct erofs_change *change)
{
	struct feed feed = { .change = change, .file.fd = -1 };
	const struct pipeline pipeline = {
		.threads = change->plan->threads,
		.context = &feed,
		.item_new = piece_new,
		.item_free = free,
		.produce = produce,
		.work = work,
		.consume = consume,
	};
	u64 i;
	int ret;

	if (!change->compression)
		return 0;
	change->packed = spool_new(change->plan->dir);
	if (!change->packed)
		return -EIO;
	change->read_bytes = change->read_done = 0;
	for (i = 0; i < change->live_count; i++)
		if (is_candidate(change->live[i]))
			change->read_bytes += change->live[i]->inode.size;
	progress_start(&change->progress, "compressing files",
		       change->read_bytes);
	ret = pipeline_run(&pipeline);
	progress_end(&change->progress);
	tree_file_close(&feed.file);
	return ret;
}

static void put_lcluster(u8 *list, u64 number, u32 kind, u32 offset, u32 block)
{
	struct erofs_disk_lcluster disk = {
		.advice = cpu_to_le16((u16)kind),
		.offset = cpu_to_le16((u16)offset),
		.block = cpu_to_le32(block),
	};

	memcpy(list + number * sizeof(disk), &disk, sizeof(disk));
}

/* The logical clusters, up to @end, in which no run starts after @head. */
static void put_body(u8 *list, u64 head, u64 end, u32 blocks, bool large)
{
	struct erofs_disk_lcluster disk = {
		.advice = cpu_to_le16(EROFS_LCLUSTER_BODY),
	};
	u64 number;

	for (number = head + 1; number < end; number++) {
		u32 back = (u32)(number - head);

		if (large && back == 1)
			back = blocks | EROFS_LCLUSTER_BLOCKS;
		disk.back = cpu_to_le16((u16)back);
		disk.ahead = cpu_to_le16((u16)(end - number));
		memcpy(list + number * sizeof(disk), &disk, sizeof(disk));
	}
}

void erofs_packed_list(const struct erofs_change *change,
		       const struct erofs_node *node, u8 *list)
{
	bool large = le32_to_cpu(change->image.super.incompat) &
		     EROFS_INCOMPAT_LARGE_CLUSTERS;
	const struct erofs_disk_map map = {
		.advice = cpu_to_le16(large ? EROFS_ADVICE_LARGE_CLUSTERS : 0),
	};
	const struct erofs_packed *packed = node->packed;
	u32 block = packed->block;
	u64 start = 0, head = 0, i;

	memcpy(list, &map, sizeof(map));
	list += sizeof(map);
	for (i = 0; i < packed->count; i++) {
		const struct erofs_packed_run *run = &packed->runs[i];

		head = start >> EROFS_BLOCK_SHIFT;
		put_lcluster(list, head, run->plain ? EROFS_LCLUSTER_PLAIN :
						      EROFS_LCLUSTER_HEAD,
			     start & (EROFS_BLOCK_SIZE - 1), block);
		start += run->length;
		block += run->blocks;
		put_body(list, head, start >> EROFS_BLOCK_SHIFT, run->blocks,
			 large);
	}
	/* The file ends in a block in which no run starts. */
	if (start & (EROFS_BLOCK_SIZE - 1) && start >> EROFS_BLOCK_SHIFT != head)
		put_lcluster(list, start >> EROFS_BLOCK_SHIFT,
			     EROFS_LCLUSTER_PLAIN,
			     start & (EROFS_BLOCK_SIZE - 1), 0);
}
