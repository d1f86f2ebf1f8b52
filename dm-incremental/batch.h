/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffers of reads, and batches of extents (batch.c).
 */
#ifndef DM_INCREMENTAL_BATCH_H
#define DM_INCREMENTAL_BATCH_H

#include "damage.h"
#include "dictionary.h"
#include "expand.h"
#include "internal.h"

/* Room for one stored cluster of 256 KiB at any alignment, and some. */
#define INPUT_BYTES	(272u << 10)
#define INPUT_PAGES	DIV_ROUND_UP(INPUT_BYTES, PAGE_SIZE)
#define RUNS_MAX	16	/* bios of one batch */
#define NO_INPUT	U32_MAX

/**
 * struct inc_buffer - a read's memory, from step 1 to its end
 * @list: of spare buffers
 * @reserve: it is its view's reserve
 * @io: the read
 * @pages: where extents are read to
 * @vecs: for @bios; each is 4096 bytes or more
 * @bios: one for each run: run_bio()
 * @nr_runs: of @bios in use
 * @nr_vecs: of @vecs in use
 * @used: bytes of @input in use
 * @run_start: where in the file each run starts
 * @run_end: and ends
 * @run_at: where in @input its bytes start; NO_INPUT: it is read into the reader's pages
 * @start: first block of the batch
 * @end: block after its last
 * @pending: bios in flight
 * @status: of a bio that failed
 * @input_size: bytes of @input
 * @input: @pages, mapped one after the other; the memory of this buffer, too
 * @entries: of each block of the read, from the map
 * @extents: of each block, decoded from @entries
 * @source: of each block, where in @input its extent starts, unless it has a place
 * @place: of each block of the batch that is read into the reader's page: there; else NULL
 * @digests: of each block
 * @nr_dictionaries: number of @dictionaries
 * @dictionaries: held for the read
 * @dictionary: of each block that needs one, its number in @dictionaries
 * @nr_referred: number of @referred
 * @referred: of each cluster whose extent refers to others; behind this structure, and
 *	NULL if it is the reserve of a view in which none does
 * @refers: of each block of such a cluster, its number in @referred
 * @damage: found by the last try
 */
struct inc_buffer {
	struct list_head	list;
	bool			reserve;
	struct inc_io		*io;
	struct page		*pages[INPUT_PAGES];
	struct bio_vec		vecs[INPUT_BYTES / INC_PAGE_SIZE];
	u8			bios[RUNS_MAX][sizeof(struct bio)]
				__aligned(__alignof__(struct bio));
	unsigned int		nr_runs;
	unsigned int		nr_vecs;
	u32			used;
	u64			run_start[RUNS_MAX];
	u64			run_end[RUNS_MAX];
	u32			run_at[RUNS_MAX];
	u32			start;
	u32			end;
	atomic_t		pending;
	blk_status_t		status;
	u32			input_size;
	u8			*input;
	__le64			entries[INC_IO_BLOCKS];
	struct inc_extent	extents[INC_IO_BLOCKS];
	u32			source[INC_IO_BLOCKS];
	u8			*place[INC_IO_BLOCKS];
	u8			digests[INC_IO_BLOCKS * INC_DIGEST_MAX];
	unsigned int		nr_dictionaries;
	struct inc_dictionary	*dictionaries[INC_IO_BLOCKS];
	u8			dictionary[INC_IO_BLOCKS];
	unsigned int		nr_referred;
	struct inc_referred	*referred;
	u8			refers[INC_IO_BLOCKS];
	struct inc_damage	damage;
};

/* Do blocks @i - 1 and @i of the read belong to the same cluster? */
static inline bool dm_inc_same_cluster(const struct inc_buffer *buffer, u32 i)
{
	u64 block = buffer->io->block + i;

	/* All blocks of a cluster carry the same entry; a zero one is alone. */
	return i && buffer->entries[i] == buffer->entries[i - 1] &&
	       inc_cluster_start(&buffer->extents[i], block) != block;
}

int dm_inc_buffers_alloc(struct inc_view *view);
void dm_inc_buffers_free(struct inc_view *view);
struct inc_buffer *dm_inc_buffer_take(struct inc_view *view, struct inc_io *io);
struct inc_buffer *dm_inc_buffer_get(struct inc_view *view, struct inc_io *io);
void dm_inc_buffer_return(struct inc_view *view, struct inc_buffer *buffer);
void dm_inc_buffer_drop_dictionaries(struct inc_buffer *buffer);
void dm_inc_batch_plan(struct inc_buffer *buffer, u32 start);
void dm_inc_batch_none(struct inc_buffer *buffer);
void dm_inc_batch_submit(struct inc_buffer *buffer);
int dm_inc_batch_end(struct inc_buffer *buffer);

#endif /* DM_INCREMENTAL_BATCH_H */
