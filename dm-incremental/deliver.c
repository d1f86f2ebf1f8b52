// SPDX-License-Identifier: GPL-2.0-only
/*
 * Step 5 of a read (read.c): its clusters are expanded, their blocks hashed, and copied
 * to the reader.
 */
#include <linux/highmem.h>

#include "batch.h"
#include "damage.h"
#include "deliver.h"
#include "expand.h"
#include "segments.h"
#include "verity.h"
#include "view.h"

/*
 * Copy @length bytes to the rest of the reader's bio; NULL copies zeros.
 */
static void copy_out(struct inc_io *io, const u8 *data, u32 length)
{
	while (length) {
		struct bio_vec vec = bio_iter_iovec(io->bio, io->iter);
		u32 bytes = min(vec.bv_len, length);

		if (data) {
			memcpy_to_page(vec.bv_page, vec.bv_offset, data, bytes);
			data += bytes;
		} else {
			memzero_page(vec.bv_page, vec.bv_offset, bytes);
		}
		bio_advance_iter_single(io->bio, &io->iter, bytes);
		length -= bytes;
	}
}

/* The cluster of block @i of the read. */
static struct inc_cluster cluster_at(const struct inc_io *io, u32 i)
{
	return (struct inc_cluster){
		.view = io->view->verity.id,
		.block = inc_cluster_start(&io->buffer->extents[i], io->block + i),
	};
}

/*
 * The bytes of the cluster of block @i up to its byte @end, or NULL if they are
 * malformed. *area is taken for the first cluster that needs it.
 */
static const u8 *cluster_of(struct inc_buffer *buffer, struct inc_area **area,
			    u32 i, u32 end)
{
	const struct inc_extent *extent = &buffer->extents[i];
	const u8 *source = buffer->input + buffer->source[i];
	const struct inc_dictionary *dictionary = NULL;
	struct inc_cluster cluster;

	/* The map is hostile: expand nothing past the cluster. */
	if (end > inc_cluster_bytes(extent))
		return NULL;
	if (extent->codec == INC_CODEC_STORED)
		return source;
	if (extent->codec == INC_CODEC_LZ4_DICT)
		dictionary = buffer->dictionaries[buffer->dictionary[i]];
	if (!*area)
		*area = dm_inc_area_take(dictionary);
	cluster = cluster_at(buffer->io, i);
	if (extent->codec == INC_CODEC_LZ4_REFERENCES)
		return dm_inc_expand_referring(*area, &cluster, extent,
				&buffer->referred[buffer->refers[i]],
				buffer->dictionaries, buffer->input, source);
	return dm_inc_expand(*area, &cluster, extent, dictionary, source, end);
}

static const u8 *digest_at(const struct inc_io *io, u32 i)
{
	return io->buffer->digests + (i << io->view->segment->tree.digest_shift);
}

static void note_bad_data(struct inc_io *io, u32 i)
{
	const struct inc_buffer *buffer = io->buffer;
	const struct inc_extent *extent = &buffer->extents[i];
	struct inc_bad bad = { .what = "data", .block = io->block + i,
			       .offset = extent->offset,
			       .length = extent->length, .mapped = true };

	if (extent->codec == INC_CODEC_LZ4_DICT)
		bad.dictionary = dm_inc_segment_at(io->view->store,
						   extent->offset);
	if (extent->codec == INC_CODEC_LZ4_REFERENCES)
		bad.references = &buffer->referred[buffer->refers[i]].list;
	dm_inc_damage_add(&io->buffer->damage, &bad);
}

/**
 * struct pair - blocks that are hashed at a time, one after the other in the read
 * @count: 0 to 2
 * @first: number of the first in the read
 * @data: of each; stays as it is until they are delivered
 * @in_place: of each: that is the reader's page
 * @digests: of each
 */
struct pair {
	u32		count;
	u32		first;
	const void	*data[2];
	bool		in_place[2];
	const u8	*digests[2];
};

static int deliver_pair(struct inc_io *io, struct pair *pair)
{
	bool bad[2];
	u32 i;
	int r;

	if (!pair->count)
		return 0;
	r = dm_inc_verity_blocks(&io->view->verity, pair->count, pair->data,
				 pair->digests, bad);
	for (i = 0; !r && i < pair->count; i++) {
		if (bad[i])
			note_bad_data(io, pair->first + i);
		if (pair->in_place[i] && !bad[i])
			bio_advance_iter(io->bio, &io->iter, INC_BLOCK_SIZE);
		else
			copy_out(io, bad[i] ? NULL : pair->data[i], INC_BLOCK_SIZE);
	}
	pair->count = 0;
	return r;
}

/* Deliver block @i, now or with the next one. */
static int deliver_block(struct inc_io *io, struct pair *pair, u32 i,
			 const u8 *data, bool in_place, const u8 *digest)
{
	if (!pair->count)
		pair->first = i;
	pair->data[pair->count] = data;
	pair->in_place[pair->count] = in_place;
	pair->digests[pair->count++] = digest;
	if (pair->count < 2 && io->view->verity.pairs)
		return 0;
	return deliver_pair(io, pair);
}

/* A cluster is about to be expanded to where the first block of the pair may be. */
static void put_aside(struct pair *pair, struct inc_area *area)
{
	if (pair->count && area)
		pair->data[0] = dm_inc_area_put_aside(area, pair->data[0]);
}

static int deliver_from(struct inc_io *io, struct inc_area **area)
{
	struct inc_buffer *buffer = io->buffer;
	struct inc_view *view = io->view;
	struct inc_verity *verity = &view->verity;
	u32 start = buffer->start, end = buffer->end;
	const u8 *cluster = NULL;
	struct pair pair = { };
	u32 i, j;
	int r;

	for (i = start; i < end; i++) {
		const struct inc_extent *extent = &buffer->extents[i];
		const u8 *digest = digest_at(io, i);
		u64 block = io->block + i;
		u32 at;

		if (extent->codec == INC_CODEC_ZERO) {
			r = deliver_pair(io, &pair);
			if (r)
				return r;
			if (memcmp(digest, verity->zero_digest,
				   verity->digest_size))
				dm_inc_view_bad_entry(view, block,
						      &buffer->damage);
			copy_out(io, NULL, INC_BLOCK_SIZE);
			continue;
		}
		if (buffer->place[i]) {
			r = deliver_block(io, &pair, i, buffer->place[i], true,
					  digest);
			if (r)
				return r;
			continue;
		}
		at = (u32)(block - inc_cluster_start(extent, block)) <<
		     INC_BLOCK_SHIFT;
		if (i == start || !dm_inc_same_cluster(buffer, i)) {
			for (j = i + 1; j < end && dm_inc_same_cluster(buffer, j);)
				j++;
			put_aside(&pair, *area);
			cluster = cluster_of(buffer, area, i, at +
					     ((j - i) << INC_BLOCK_SHIFT));
		}
		if (cluster) {
			r = deliver_block(io, &pair, i, cluster + at, false, digest);
		} else {
			r = deliver_pair(io, &pair);
			note_bad_data(io, i);
			copy_out(io, NULL, INC_BLOCK_SIZE);
		}
		if (r)
			return r;
	}
	r = deliver_pair(io, &pair);
	if (r)
		return r;
	return buffer->damage.count ? -EBADMSG : 0;
}

/**
 * dm_inc_deliver - give the reader the blocks of a batch
 * @io: the read; the extents are in its buffer's input
 *
 * It looks at all blocks, so that all corrupt ones are asked for at a time.
 *
 * Context: a worker; may sleep for an area. Return: 0; -EBADMSG with the buffer's
 * damage filled in; or the crypto API's error.
 */
int dm_inc_deliver(struct inc_io *io)
{
	struct inc_area *area = NULL;
	int r = deliver_from(io, &area);

	if (area)
		dm_inc_area_return(area);
	return r;
}

/*
 * Could an area have all that the read needs? Sets where that ends in its cluster: 0 if
 * it could not. Clusters of a block are not read in parts.
 */
static u32 end_in_cluster(const struct inc_io *io)
{
	const struct inc_buffer *buffer = io->buffer;
	const struct inc_extent *extent = &buffer->extents[0];
	u64 end;
	u32 i;

	if (!extent->cluster_shift || extent->codec == INC_CODEC_ZERO ||
	    extent->codec == INC_CODEC_STORED)
		return 0;
	for (i = 1; i < io->blocks; i++)
		if (!dm_inc_same_cluster(buffer, i))
			return 0;
	end = io->block + io->blocks - inc_cluster_start(extent, io->block);
	return end << INC_BLOCK_SHIFT;
}

/**
 * dm_inc_deliver_is_kept - has an area all that a read needs?
 * @io: the read, looked up
 *
 * Context: process; does not sleep.
 */
bool dm_inc_deliver_is_kept(const struct inc_io *io)
{
	u32 end = end_in_cluster(io);
	struct inc_cluster cluster;

	if (!end)
		return false;
	cluster = cluster_at(io, 0);
	return dm_inc_area_kept(&cluster, end);
}

/**
 * dm_inc_deliver_kept - give the reader all blocks of a read, if an area has them
 * @io: the read, looked up
 *
 * Context: a worker. Return: false if there is none, or what it has is corrupt: then
 * the file must be read.
 */
bool dm_inc_deliver_kept(struct inc_io *io)
{
	struct inc_damage *damage = &io->buffer->damage;
	u32 end = end_in_cluster(io), i;
	struct inc_cluster cluster;
	struct pair pair = { };
	struct inc_area *area;
	const u8 *data;
	int r = 0;

	if (!end)
		return false;
	cluster = cluster_at(io, 0);
	area = dm_inc_area_take_kept(&cluster, end);
	if (!area)
		return false;
	data = area->output + end - (io->blocks << INC_BLOCK_SHIFT);
	for (i = 0; !r && i < io->blocks; i++, data += INC_BLOCK_SIZE)
		r = deliver_block(io, &pair, i, data, false, digest_at(io, i));
	r = r ?: deliver_pair(io, &pair);
	if (damage->count)
		r = -EBADMSG;
	if (r) {
		/* The area's, it may be, and not the file's. */
		damage->count = 0;
		dm_inc_area_forget(area);
		io->iter = io->bio->bi_iter;
	}
	dm_inc_area_return(area);
	return !r;
}
