// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The library, on an image in memory that is put together here, by hand and
 * from the format's description: with clusters of two sizes, shared extents, a
 * break in the order of the data and a second segment. No test of mkimage has
 * all of these.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <lz4.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "libincremental/incremental.h"
#include "libincremental/internal.h"

#define BLOCKS		699u
#define MAP_PAGES	2u
#define LEAF_PAGES	6u		/* of the tree; and one above them */
#define SALT		"salty"
#define DICTIONARY	5000u		/* two pages */
#define ROOM		(8u << 20)

/* The factor by which tests that go through all of an image look at fewer places. */
static u64 stride = 1;

struct maker {
	u32 chunk_shift;
	u8 *bytes;			/* the image, zeros behind it */
	u64 size;
	u8 digests[BLOCKS][32];
	u64 entries[BLOCKS];
	u64 map_page[MAP_PAGES];	/* in units of 4096 bytes */
	u64 tree_page[1 + LEAF_PAGES];
	u64 at;				/* the place of the next extent */
	u32 owners[4096];
	u32 owner_count;
	u64 data_offset;
	u8 dictionary[DICTIONARY];	/* of the segment being added */
	u8 root[32];
};

/* Reads of the image as the library asks for them. */
struct memory {
	const struct maker *maker;
	u64 fail_start, fail_end;	/* reads in there fail */
	u64 lowest, highest;		/* bounds of the data read */
	u64 data_offset;		/* the start of the data */
};

static void block_content(u32 generation, u32 block, u8 *out)
{
	u32 kind = block / 2 % 4, seed = block, i;

	memset(out, 0, 4096);
	if (generation && (block == 5 || block == 6))
		seed += 50000, kind = block == 5 ? 1 : 2;
	if (kind == 0)
		return;
	if (kind == 3)			/* shared with others */
		seed = block % 16;
	if (kind == 2) {
		for (i = 0; i < 240; i++)
			sprintf((char *)out + 16 * i, "line %4u %5u\n", i,
				seed);
		return;
	}
	for (i = 0; i < 4096; i++) {
		seed = seed * 1103515245 + 12345;
		out[i] = (u8)(seed >> 16);
	}
}

static void hash(const void *data, size_t length, u8 *digest)
{
	static u8 buffer[sizeof(SALT) - 1 + 4096];

	memcpy(buffer, SALT, sizeof(SALT) - 1);
	memcpy(buffer + sizeof(SALT) - 1, data, length);
	SHA256(buffer, sizeof(SALT) - 1 + length, digest);
}

static u64 up(u64 value, u64 step)
{
	return (value + step - 1) / step * step;
}

static u32 cluster_shift_of(u32 block)
{
	return block >= 200;
}

/* An equal cluster that has its extent already. */
static u64 shared_entry(const struct maker *maker, u32 start, u32 blocks)
{
	u32 other;

	if (start + blocks > BLOCKS)
		return 0;
	for (other = 0; other + blocks <= BLOCKS; other += blocks) {
		if (other == start || !maker->entries[other] ||
		    cluster_shift_of(other) != cluster_shift_of(start))
			continue;
		if (!memcmp(maker->digests[other], maker->digests[start],
			    32 * blocks))
			return maker->entries[other];
	}
	return 0;
}

/* Half of the text is compressed with the dictionary. */
static int compress(const struct maker *maker, u32 start, const u8 *content,
		    u8 *packed, int bytes, u8 *codec)
{
	LZ4_stream_t *stream;
	int length;

	*codec = INC_CODEC_LZ4;
	if (start % 16 >= 8)
		return LZ4_compress_default((const char *)content,
					    (char *)packed, bytes, bytes - 1);
	*codec = INC_CODEC_LZ4_DICT;
	stream = LZ4_createStream();
	assert_non_null(stream);
	LZ4_loadDict(stream, (const char *)maker->dictionary, DICTIONARY);
	length = LZ4_compress_fast_continue(stream, (const char *)content,
					    (char *)packed, bytes, bytes - 1,
					    1);
	LZ4_freeStream(stream);
	return length;
}

static void put_extent(struct maker *maker, u32 generation, u32 start)
{
	u32 shift = cluster_shift_of(start), blocks = 1u << shift, i;
	u8 content[8192] = { 0 }, packed[8192];
	struct inc_extent extent = { .cluster_shift = (u8)shift };
	u64 chunk = 1ull << maker->chunk_shift, c, entry;
	int length;

	for (i = 0; i < blocks && start + i < BLOCKS; i++)
		block_content(generation, start + i, content + 4096 * i);
	for (i = 0; i < 4096 * blocks && !content[i]; i++)
		;
	if (i == 4096 * blocks) {
		for (i = 0; i < blocks && start + i < BLOCKS; i++)
			maker->entries[start + i] = 0;
		return;
	}
	for (i = 0; i < blocks && start + i < BLOCKS; i++)
		maker->entries[start + i] = 0;
	entry = shared_entry(maker, start, blocks);
	if (!entry) {
		length = compress(maker, start, content, packed,
				  (int)(4096 * blocks), &extent.codec);
		if (!length)
			extent.codec = INC_CODEC_STORED;
		extent.length = length ? (u32)length : 4096 * blocks;
		extent.offset = maker->at;
		memcpy(maker->bytes + maker->at, length ? packed : content,
		       extent.length);
		for (c = up(maker->at, chunk); c < maker->at + extent.length;
		     c += chunk) {
			assert_int_equal(maker->owner_count,
					 (c - maker->data_offset) / chunk);
			maker->owners[maker->owner_count++] = start;
		}
		maker->at += extent.length;
		entry = dm_inc_entry_encode(&extent);
	}
	for (i = 0; i < blocks && start + i < BLOCKS; i++)
		maker->entries[start + i] = entry;
}

/* A guard over @count pages, whose digests fit one page. */
static void put_guard(u8 *bytes, u64 guard, u64 guarded, u64 count,
		      u8 *digest)
{
	u64 i;

	assert_true(count > 1 && count <= 128);
	for (i = 0; i < count; i++)
		hash(bytes + guarded + 4096 * i, 4096, bytes + guard + 32 * i);
	hash(bytes + guard, 4096, digest);
}

static void put_tree(struct maker *maker, const u64 *pages, u32 changed)
{
	u8 *top = maker->bytes + (pages[0] << 12);
	u32 i, b;

	for (i = 0; i < LEAF_PAGES; i++) {
		u8 *page = maker->bytes + (pages[1 + i] << 12);

		if (changed & 1u << i)
			for (b = 128 * i; b < 128 * (i + 1) && b < BLOCKS; b++)
				memcpy(page + b % 128 * 32, maker->digests[b],
				       32);
		hash(page, 4096, top + 32 * i);
	}
	hash(top, 4096, maker->root);
}

/* Runs for pages, one run a page: correct, if not short. */
static void put_runs(u8 *at, const u64 *pages, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct inc_run run = {
			cpu_to_le32(i), 0, cpu_to_le64(pages[i]),
		};

		memcpy(at + 16 * i, &run, sizeof(run));
	}
}

/*
 * Add a segment with the clusters in [first[0], end[0]), then those in
 * [first[1], end[1]), which start a chunk of their own. @leaves and @maps are
 * the new pages of tree and map.
 */
static void add_segment(struct maker *maker, u32 generation,
			const u32 *first, const u32 *end, u32 leaves, u32 maps)
{
	u64 chunk = 1ull << maker->chunk_shift, start = maker->size, next;
	u64 head = up(4096 + 8192 + 16 * (MAP_PAGES + 1 + LEAF_PAGES), chunk);
	u64 bitmap = chunk, meta, chunks, i;
	struct inc_super super = { .magic = INC_MAGIC };
	u8 *base = maker->bytes + start;
	u64 guarded, owners, dictionary, guard;
	u32 part, b;

	for (b = 0; b < BLOCKS; b++) {
		u8 content[4096];

		block_content(generation, b, content);
		hash(content, 4096, maker->digests[b]);
	}
	/* Each segment has its own dictionary. */
	for (i = 0; i + 16 <= DICTIONARY; i += 16)
		sprintf((char *)maker->dictionary + i, "line %4u %5u\n",
			(u32)i / 16 % 240, 300 * generation + (u32)i / 16);
	/* Metadata: tree, map, owners, dictionary, guard: not mkimage's order. */
	meta = start + head + bitmap;
	next = meta >> 12;
	maker->tree_page[0] = next++;
	for (i = 0; i < LEAF_PAGES; i++)
		if (leaves & 1u << i)
			maker->tree_page[1 + i] = next++;
	guarded = next << 12;
	for (i = 0; i < MAP_PAGES; i++)
		if (maps & 1u << i)
			maker->map_page[i] = next++;
	owners = next++ << 12;
	dictionary = next << 12;
	next += 2;
	guard = next++ << 12;
	memcpy(maker->bytes + dictionary, maker->dictionary, DICTIONARY);
	maker->data_offset = up(next << 12, chunk);
	maker->at = maker->data_offset;
	maker->owner_count = 0;
	for (part = 0; part < 2; part++) {
		if (part && first[1] < end[1])
			maker->at = up(maker->at, chunk);
		for (b = first[part]; b < end[part];
		     b += 1u << cluster_shift_of(b))
			put_extent(maker, generation, b);
	}
	put_tree(maker, maker->tree_page, leaves);
	for (b = 0; b < BLOCKS; b++) {
		__le64 entry = cpu_to_le64(maker->entries[b]);

		if (maps & 1u << b / 512)
			memcpy(maker->bytes + (maker->map_page[b / 512] << 12) +
			       b % 512 * 8, &entry, 8);
	}
	memcpy(maker->bytes + owners, maker->owners, 4 * maker->owner_count);
	put_guard(maker->bytes, guard, guarded, (guard - guarded) >> 12,
		  super.guard_digest);
	maker->size = up(maker->at, chunk);
	chunks = (maker->size - start) / chunk;
	for (i = 0; i < chunks; i++)
		base[head + i / 8] |= (u8)(1u << i % 8);

	super.version = cpu_to_le32(1);
	super.head_size = cpu_to_le32((u32)head);
	memcpy(super.uuid, "0123456789abcdef", 16);
	super.generation = cpu_to_le32(generation);
	super.block_shift = 12;
	super.chunk_shift = (u8)maker->chunk_shift;
	super.cluster_shift = 1;
	super.device_blocks = cpu_to_le64(BLOCKS);
	super.segment_offset = cpu_to_le64(start);
	super.segment_size = cpu_to_le64(maker->size - start);
	super.bitmap_offset = cpu_to_le64(start + head);
	super.bitmap_size = cpu_to_le64(bitmap);
	super.owners_offset = cpu_to_le64(owners);
	super.owners_size = cpu_to_le64(4 * maker->owner_count);
	super.guarded_offset = cpu_to_le64(guarded);
	super.guarded_size = cpu_to_le64(guard - guarded);
	super.guard_offset = cpu_to_le64(guard);
	super.incompat = cpu_to_le64(INC_INCOMPAT_DICTIONARY);
	super.dictionary_offset = cpu_to_le64(dictionary);
	super.dictionary_size = cpu_to_le32(DICTIONARY);
	super.meta_offset = cpu_to_le64(meta);
	super.meta_size = cpu_to_le64(maker->data_offset - meta);
	super.data_offset = cpu_to_le64(maker->data_offset);
	super.data_size = cpu_to_le64(maker->at - maker->data_offset);
	super.signature_offset = cpu_to_le32(4096);
	super.signature_area = cpu_to_le32(8192);
	super.map_dir_offset = cpu_to_le32(12288);
	super.map_runs = cpu_to_le32(MAP_PAGES);
	super.tree_dir_offset = cpu_to_le32(12288 + 16 * MAP_PAGES);
	super.tree_runs = cpu_to_le32(1 + LEAF_PAGES);
	strcpy((char *)super.hash_name, "sha256");
	super.digest_size = cpu_to_le16(32);
	super.salt_size = cpu_to_le16(sizeof(SALT) - 1);
	memcpy(super.salt, SALT, sizeof(SALT) - 1);
	memcpy(super.root_digest, maker->root, 32);
	memcpy(base, &super, sizeof(super));
	put_runs(base + 12288, maker->map_page, MAP_PAGES);
	put_runs(base + 12288 + 16 * MAP_PAGES, maker->tree_page,
		 1 + LEAF_PAGES);
	SHA256(base, head, ((struct inc_super *)base)->head_digest);
}

/* The guard and the head's digest of a segment whose pages were changed. */
static void guard_again(struct maker *maker, u64 segment)
{
	struct inc_super *super = (struct inc_super *)(maker->bytes + segment);

	put_guard(maker->bytes, le64_to_cpu(super->guard_offset),
		  le64_to_cpu(super->guarded_offset),
		  le64_to_cpu(super->guarded_size) >> 12, super->guard_digest);
	memset(super->head_digest, 0, 32);
	SHA256(maker->bytes + segment, le32_to_cpu(super->head_size),
	       super->head_digest);
}

/* Two segments: all blocks, the second half first; then two blocks changed. */
static struct maker *make(u32 chunk_shift)
{
	static const u32 base_first[] = { 300, 0 }, base_end[] = { BLOCKS, 300 };
	static const u32 next_first[] = { 5, 0 }, next_end[] = { 7, 0 };
	struct maker *maker = calloc(1, sizeof(*maker));

	assert_non_null(maker);
	maker->chunk_shift = chunk_shift;
	maker->bytes = calloc(1, ROOM);
	assert_non_null(maker->bytes);
	add_segment(maker, 0, base_first, base_end, ~0u, ~0u);
	add_segment(maker, 1, next_first, next_end, 1, 1);
	assert_true(maker->size < ROOM);
	return maker;
}

static void unmake(struct maker *maker)
{
	free(maker->bytes);
	free(maker);
}

static int memory_read(void *context, u64 offset, size_t length, void *buffer,
		       struct incr_error *error)
{
	struct memory *memory = context;

	(void)error;
	if (offset >= memory->data_offset) {
		if (offset < memory->lowest)
			memory->lowest = offset;
		if (offset + length > memory->highest)
			memory->highest = offset + length;
	}
	if (offset < memory->fail_end && offset + length > memory->fail_start)
		return -ENODATA;
	memcpy(buffer, memory->maker->bytes + offset, length);
	return 0;
}

static int open_memory(struct incr_image **image, struct memory *memory,
		       u32 generation, struct incr_error *error)
{
	const struct incr_io io = { memory_read, memory };

	return incr_image_open(image, &io, memory->maker->size, generation,
			       error);
}

static void must(int ret, const struct incr_error *error)
{
	if (ret)
		fail_msg("%d: %s", ret, error->text);
}

static void check_blocks(struct incr_image *image, u32 generation, u32 block,
			 u32 count)
{
	u8 *got = malloc(4096 * (size_t)count), wanted[4096];
	struct incr_error error;
	u32 i;

	must(incr_image_read(image, block, count, got, &error), &error);
	for (i = 0; i < count; i++) {
		block_content(generation, block + i, wanted);
		assert_memory_equal(got + 4096 * i, wanted, 4096);
	}
	free(got);
}

static void reads(void **state)
{
	u32 shift, generation;

	(void)state;
	for (shift = 12; shift <= 14; shift++) {
		struct maker *maker = make(shift);
		struct memory memory = { .maker = maker };
		struct incr_image *image;
		struct incr_error error;
		u8 block[4096];

		for (generation = 0; generation < 2; generation++) {
			must(open_memory(&image, &memory, generation, &error),
			     &error);
			assert_int_equal(incr_image_segments(image), 2);
			assert_int_equal(incr_image_size(image), maker->size);
			check_blocks(image, generation, 0, BLOCKS);
			check_blocks(image, generation, 5, 2);
			check_blocks(image, generation, 201, 3);
			check_blocks(image, generation, BLOCKS - 1, 1);
			check_blocks(image, generation, 0, 0);
			assert_int_equal(incr_image_read(image, BLOCKS, 1,
							 block, &error),
					 -EINVAL);
			assert_int_equal(incr_image_read(image, 1, UINT64_MAX,
							 block, &error),
					 -EINVAL);
			incr_image_close(image);
		}
		must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
		assert_int_equal(incr_image_segment(image)->generation, 1);
		incr_image_close(image);
		assert_int_equal(open_memory(&image, &memory, 2, &error),
				 -EINVAL);
		unmake(maker);
	}
}

static void zeros_and_trust(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	struct incr_image *image;
	struct incr_error error;
	u8 page[4096], digest[32];
	u64 count, segment;

	(void)state;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	must(incr_image_zeros(image, 0, BLOCKS, &count, &error), &error);
	assert_int_equal(count, 2);
	must(incr_image_zeros(image, 1, 5, &count, &error), &error);
	assert_int_equal(count, 1);
	must(incr_image_zeros(image, 2, 5, &count, &error), &error);
	assert_int_equal(count, 0);
	/* A malformed entry ends the count; the blocks before it are zero. */
	maker->bytes[(maker->map_page[0] << 12) + 8 + 7] ^= 0x70;
	segment = incr_image_segment(image)->offset;
	guard_again(maker, segment);
	incr_image_close(image);
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	assert_int_equal(incr_image_zeros(image, 0, BLOCKS, &count, &error),
			 -EINVAL);
	assert_int_equal(count, 1);
	assert_int_equal(incr_image_zeros(image, 1, BLOCKS - 1, &count, &error),
			 -EINVAL);
	assert_int_equal(count, 0);

	must(incr_image_trust(image, maker->root, 32, (const u8 *)SALT, 5,
			      &error), &error);
	must(incr_image_trust(image, maker->root, 32, NULL, 0, &error), &error);
	assert_int_equal(incr_image_trust(image, maker->root, 32,
					  (const u8 *)"", 0, &error), -EBADMSG);
	assert_int_equal(incr_image_trust(image, maker->root, 31, NULL, 0,
					  &error), -EINVAL);
	assert_int_equal(incr_image_trust(image, maker->digests[0], 32, NULL, 0,
					  &error), -EBADMSG);

	must(incr_image_tree_page(image, 0, page, &error), &error);
	hash(page, 4096, digest);
	assert_memory_equal(digest, maker->root, 32);
	must(incr_image_tree_page(image, LEAF_PAGES, page, &error), &error);
	assert_memory_equal(page, maker->digests[128 * (LEAF_PAGES - 1)], 32);
	assert_int_equal(incr_image_tree_page(image, LEAF_PAGES + 1, page,
					      &error), -EINVAL);
	incr_image_close(image);
	unmake(maker);
}

static bool covered(const struct incr_range *ranges, size_t count, u64 start,
		    u64 end)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (ranges[i].offset <= start &&
		    end <= ranges[i].offset + ranges[i].length)
			return true;
	return false;
}

/* The ranges of a plan suffice to read the blocks, and are well-formed. */
static void plans(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	struct inc_extent extent;
	struct incr_range *ranges;
	const struct inc_segment *seg;
	struct incr_image *image;
	struct incr_error error;
	size_t count, i;
	u32 block, dictionaries = 0;

	(void)state;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	for (block = 0; block < BLOCKS; block += 6) {
		must(incr_image_plan(image, block, block < 600 ? 99 : 1, &ranges,
				     &count, &error), &error);
		for (i = 0; i < count; i++) {
			assert_int_equal(ranges[i].offset % 4096, 0);
			assert_int_equal(ranges[i].length % 4096, 0);
			assert_true(ranges[i].length > 0);
			if (i)
				assert_true(ranges[i].offset >
					    ranges[i - 1].offset +
					    ranges[i - 1].length);
		}
		must(incr_image_extent(image, block, &extent, &error), &error);
		assert_true(!extent.length ||
			    covered(ranges, count, extent.offset,
				    extent.offset + extent.length));
		assert_true(covered(ranges, count,
				    maker->map_page[block / 512] << 12,
				    (maker->map_page[block / 512] + 1) << 12));
		assert_true(covered(ranges, count,
				    maker->tree_page[1 + block / 128] << 12,
				    (maker->tree_page[1 + block / 128] + 1) <<
					    12));
		assert_true(covered(ranges, count, maker->tree_page[0] << 12,
				    (maker->tree_page[0] + 1) << 12));
		if (extent.codec == INC_CODEC_LZ4_DICT) {
			seg = incr_image_segment_at(image, extent.offset >=
					incr_image_segment(image)->offset);
			assert_true(covered(ranges, count,
					    seg->dictionary_offset,
					    seg->dictionary_offset +
					    DICTIONARY));
			dictionaries |= 1u << seg->generation;
		}
		/* Map page 0 is the second segment's, page 1 the first's. */
		seg = incr_image_segment_at(image, block < 512);
		assert_true(covered(ranges, count, seg->guard_offset,
				    seg->guard_offset + 4096));
		free(ranges);
	}
	assert_int_equal(dictionaries, 3);
	assert_int_equal(incr_image_plan(image, BLOCKS, 1, &ranges, &count,
					 &error), -EINVAL);
	incr_image_close(image);
	unmake(maker);
}

static bool page_covered(const struct incr_range *ranges, size_t count, u64 page)
{
	return covered(ranges, count, page << 12, (page + 1) << 12);
}

/* What the first block takes but for its extent is known without any read. */
static void plans_first(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	const struct inc_segment *seg;
	struct incr_range *ranges;
	struct incr_image *image;
	struct incr_error error;
	u64 bytes = 0;
	size_t count, i;

	(void)state;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	memory.fail_end = UINT64_MAX;
	must(incr_image_plan_first(image, &ranges, &count, &error), &error);
	assert_true(page_covered(ranges, count, maker->map_page[0]));
	assert_true(page_covered(ranges, count, maker->tree_page[0]));
	assert_true(page_covered(ranges, count, maker->tree_page[1]));
	assert_false(page_covered(ranges, count, maker->tree_page[2]));
	/* Map page 0 is the second segment's. */
	seg = incr_image_segment_at(image, 1);
	assert_true(page_covered(ranges, count, seg->guard_offset >> 12));
	assert_true(page_covered(ranges, count, seg->owners_offset >> 12));
	assert_true(covered(ranges, count, seg->dictionary_offset,
			    seg->dictionary_offset + DICTIONARY));
	for (i = 0; i < count; i++)
		bytes += ranges[i].length;
	/* And the dictionary's two. */
	assert_true(bytes <= 7 * 4096);
	free(ranges);
	incr_image_close(image);
	unmake(maker);
}

/* The start of the data of @at's segment; UINT64_MAX if @at is before it. */
static u64 data_start(const struct incr_image *image, u64 at)
{
	u64 data = UINT64_MAX;
	u32 i;

	for (i = 0; i < incr_image_segments(image); i++) {
		const struct inc_segment *seg = incr_image_segment_at(image, i);

		if (at >= seg->data_offset && at < seg->end)
			data = seg->data_offset;
	}
	return data;
}

/*
 * Every chunk verifies, alone and together with others, and reads no more data
 * than widening says; areas are right.
 */
static void verifies(void **state)
{
	u32 shift;

	(void)state;
	for (shift = 12; shift <= 14; shift++) {
		struct maker *maker = make(shift);
		struct memory memory = { .maker = maker };
		u64 chunk = 1ull << shift, at, offset, length;
		const struct inc_segment *seg;
		struct incr_image *image;
		struct incr_error error;
		u32 i;

		must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
		must(incr_image_verify(image, 0, maker->size, maker->bytes,
				       &error), &error);
		for (at = 0; at < maker->size; at += chunk) {
			offset = at;
			length = chunk;
			must(incr_image_widen(image, &offset, &length, &error),
			     &error);
			assert_true(offset <= at &&
				    offset + length >= at + chunk);
			memory.lowest = UINT64_MAX;
			memory.highest = 0;
			memory.data_offset = data_start(image, at);
			must(incr_image_verify(image, at, chunk,
					       maker->bytes + at, &error),
			     &error);
			assert_true(memory.lowest >= offset);
			assert_true(memory.highest <= offset + length);
		}
		for (i = 0; i < MAP_PAGES; i++)
			assert_int_equal(incr_image_area(image,
					 maker->map_page[i] << 12),
					 INCR_AREA_MAP);
		for (i = 0; i <= LEAF_PAGES; i++)
			assert_int_equal(incr_image_area(image,
					 maker->tree_page[i] << 12),
					 INCR_AREA_TREE);
		assert_int_equal(incr_image_area(image, 0), INCR_AREA_HEAD);
		assert_int_equal(incr_image_area(image, up(16384, chunk)),
				 INCR_AREA_BITMAP);
		assert_int_equal(incr_image_area(image, up(16384, chunk) +
						 chunk), INCR_AREA_TREE);
		seg = incr_image_segment(image);
		assert_int_equal(incr_image_area(image, seg->owners_offset),
				 INCR_AREA_OWNERS);
		assert_int_equal(incr_image_area(image, seg->guard_offset),
				 INCR_AREA_GUARD);
		assert_int_equal(incr_image_area(image, seg->dictionary_offset),
				 INCR_AREA_DICTIONARY);
		assert_int_equal(incr_image_area(image, maker->size - 1),
				 INCR_AREA_DATA);
		assert_int_equal(incr_image_verify(image, 1, chunk,
						   maker->bytes, &error),
				 -EINVAL);
		assert_int_equal(incr_image_verify(image, maker->size, chunk,
						   maker->bytes, &error),
				 -EINVAL);
		incr_image_close(image);
		unmake(maker);
	}
}

/* The image has a changed bit in its data, but still gives the same blocks. */
static void check_same(const struct maker *maker)
{
	struct memory memory = { .maker = maker };
	struct incr_image *image;
	struct incr_error error;
	u32 generation;

	for (generation = 0; generation < 2; generation++) {
		must(open_memory(&image, &memory, generation, &error), &error);
		check_blocks(image, generation, 0, BLOCKS);
		incr_image_close(image);
	}
}

/*
 * Bytes that arrive with a changed bit are refused, wherever the bit is, unless
 * these LZ4 bytes happen to expand to the same blocks.
 */
static void changed_bits(void **state)
{
	struct maker *maker = make(13), *good = make(13);
	struct memory memory = { .maker = good };
	u64 chunk = 1ull << 13, at, step = 0;
	struct incr_image *image;
	struct incr_error error;

	(void)state;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	for (at = 0; at < maker->size; at += stride * (1 + step++ % 211)) {
		enum incr_area area = incr_image_area(image, at);
		u64 start = at / chunk * chunk;
		int ret;

		maker->bytes[at] ^= (u8)(1u << at % 8);
		ret = incr_image_verify(image, start, chunk,
					maker->bytes + start, &error);
		if (!ret && area == INCR_AREA_DATA)
			check_same(maker);
		else if (!ret)
			fail_msg("offset %llu", (unsigned long long)at);
		if (ret && ret != -EBADMSG && ret != -EINVAL)
			fail_msg("offset %llu: %d", (unsigned long long)at,
				 ret);
		maker->bytes[at] ^= (u8)(1u << at % 8);
	}
	/* And none of those bytes has been used. */
	check_blocks(image, 1, 0, BLOCKS);
	incr_image_close(image);
	unmake(good);
	unmake(maker);
}

/* The same if the image itself has changed: no read gives wrong bytes. */
static void damaged_image(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	u8 *got = malloc(BLOCKS * 4096), wanted[4096];
	u64 at, step = 0;

	(void)state;
	for (at = 0; at < maker->size; at += stride * (997 + step++ % 611)) {
		struct incr_image *image;
		struct incr_error error;
		u32 block;
		int ret;

		maker->bytes[at] ^= (u8)(1u << at % 8);
		ret = open_memory(&image, &memory, INCR_NEWEST, &error);
		for (block = 0; !ret && block < BLOCKS; block += 50) {
			u32 count = BLOCKS - block < 50 ? BLOCKS - block : 50;
			u32 i;

			if (incr_image_read(image, block, count, got, &error))
				continue;
			for (i = 0; i < count; i++) {
				block_content(1, block + i, wanted);
				assert_memory_equal(got + 4096 * i, wanted,
						    4096);
			}
		}
		if (!ret)
			incr_image_close(image);
		maker->bytes[at] ^= (u8)(1u << at % 8);
	}
	free(got);
	unmake(maker);
}

/* Damage that has healed is not remembered. */
static void heals(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	const u64 places[] = { maker->tree_page[0] << 12,
			       maker->tree_page[3] << 12,
			       (maker->map_page[0] << 12) + 8 };
	struct incr_image *image;
	struct incr_error error;
	u8 block[4096];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
		maker->bytes[places[i]] ^= 1;
		assert_int_equal(incr_image_read(image, 257, 1, block, &error),
				 -EBADMSG);
		maker->bytes[places[i]] ^= 1;
		check_blocks(image, 1, 257, 1);
		incr_image_close(image);
	}
	unmake(maker);
}

/*
 * The guard proves pages of map, owner table and guard. A page that is well-formed
 * but wrong is refused, named, and not remembered; the right page that was there
 * before stays usable.
 */
static void guarded_pages(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	struct inc_segment seg;
	struct incr_image *image;
	struct incr_error error;
	u8 block[4096], wrong[4096];
	u64 data, length, value;
	size_t i;

	(void)state;
	must(open_memory(&image, &memory, 0, &error), &error);
	seg = *incr_image_segment(image);
	incr_image_close(image);
	data = seg.data_offset;
	length = seg.end - data;
	const struct {
		u64 place;
		const char *why;
	} pages[] = {
		{ maker->map_page[1] << 12, "map page (offset" },
		{ seg.owners_offset, "page of the owner table (offset" },
		{ seg.guard_offset, "guard page 0 (offset" },
		{ seg.dictionary_offset + 4096,
		  "page of the dictionary (offset" },
	};
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		u8 *page = maker->bytes + pages[i].place;

		/* Two entries, owners or digests change their places. */
		memcpy(wrong, page, sizeof(wrong));
		memcpy(wrong, page + 24, 8);
		memcpy(wrong + 24, page, 8);
		assert_memory_not_equal(wrong, page, sizeof(wrong));
		/* The page arrives, unknown before; and again, known by now. */
		must(open_memory(&image, &memory, 0, &error), &error);
		assert_int_equal(incr_image_verify(image, pages[i].place, 4096,
						   wrong, &error), -EBADMSG);
		assert_non_null(strstr(error.text, pages[i].why));
		must(incr_image_verify(image, pages[i].place, 4096, page,
				       &error), &error);
		must(incr_image_verify(image, data, length, maker->bytes + data,
				       &error), &error);
		assert_int_equal(incr_image_verify(image, pages[i].place, 4096,
						   wrong, &error), -EBADMSG);
		incr_image_close(image);

		/* The image has it. */
		must(open_memory(&image, &memory, 0, &error), &error);
		memcpy(&value, page, 8);
		memcpy(page, page + 24, 8);
		memcpy(page + 24, &value, 8);
		assert_int_equal(incr_image_verify(image, data, length,
						   maker->bytes + data, &error),
				 -EBADMSG);
		assert_non_null(strstr(error.text, pages[i].why));
		memcpy(&value, page, 8);
		memcpy(page, page + 24, 8);
		memcpy(page + 24, &value, 8);
		must(incr_image_verify(image, data, length, maker->bytes + data,
				       &error), &error);
		check_blocks(image, 0, 513, 1);
		incr_image_close(image);
	}

	/* A map page from another place is refused. */
	for (i = 0; i < 2; i++) {
		u64 page = i ? seg.data_offset >> 12 : maker->tree_page[2];

		memcpy(maker->bytes + seg.map_dir_offset + 8, &page, 8);
		guard_again(maker, 0);
		must(open_memory(&image, &memory, 0, &error), &error);
		assert_int_equal(incr_image_read(image, 0, 1, block, &error),
				 -EINVAL);
		assert_non_null(strstr(error.text, "guards"));
		incr_image_close(image);
	}
	unmake(maker);
}

/*
 * The largest device, of one block and a map that repeats one page, whose entries
 * lead to data elsewhere: the check of a chunk does not visit all of them. The same
 * with the most runs possible, of pages that do not repeat.
 */
#define WIDE_RUNS	(INC_RUNS_MAX / 4)

static int wide_read(void *context, u64 offset, size_t length, void *buffer,
		     struct incr_error *error)
{
	(void)error;
	memcpy(buffer, (u8 *)context + offset, length);
	return 0;
}

static void wide_image(u8 *bytes, u32 runs, u64 *data_offset, u64 *size)
{
	u64 blocks = INC_BLOCKS_MAX, meta, page, guarded, at;
	struct inc_super *super = (struct inc_super *)bytes;
	u64 head = up(12288 + 16 * (runs + INC_LEVELS_MAX), 4096);
	struct inc_run run = { 0 };
	struct inc_extent extent = { .codec = INC_CODEC_LZ4 };
	u8 block[4096], packed[4096], digest[32];
	struct inc_tree tree;
	u32 i, level;
	__le64 entry;

	block_content(0, 4, block);
	hash(block, 4096, digest);
	extent.length = (u32)LZ4_compress_default((char *)block, (char *)packed,
						  4096, 4096);
	assert_true(extent.length > 0);
	assert_int_equal(dm_inc_tree_init(&tree, blocks, 32), 0);
	meta = head + 4096;
	/* Guard, tree from the lowest level on, owner, two map pages, data. */
	page = meta + 4096;
	for (level = 0; level < tree.levels; level++, page += 4096) {
		memcpy(bytes + page, digest, 32);
		hash(bytes + page, 4096, digest);
	}
	guarded = page;
	page += 4096;
	*data_offset = page + 2 * 4096;
	*size = *data_offset + 4096;
	extent.offset = *data_offset;
	memcpy(bytes + *data_offset, packed, extent.length);
	bytes[*data_offset + 4095] = 1;		/* no padding, nor data */
	entry = cpu_to_le64(dm_inc_entry_encode(&extent));
	memcpy(bytes + page, &entry, 8);
	for (i = 0; i < 512; i++)
		memcpy(bytes + page + 4096 + 8 * i, &entry, 8);
	put_guard(bytes, meta, guarded, 3, super->guard_digest);

	/* Map: page 0, and the other one for the rest of the device. */
	run.file_page = cpu_to_le64(page >> 12);
	memcpy(bytes + 12288, &run, 16);
	run.file_page = cpu_to_le64((page >> 12) + 1);
	for (i = 1; i < runs; i++) {
		run.first = cpu_to_le32(i);
		run.flags = cpu_to_le32(i + 1 == runs ? INC_RUN_REPEAT : 0);
		memcpy(bytes + 12288 + 16 * i, &run, 16);
	}
	/* Tree: the first page of each level. */
	at = 12288 + 16 * runs;
	memset(&run, 0, sizeof(run));
	for (level = tree.levels; level-- > 0; at += 16) {
		run.first = cpu_to_le32((u32)tree.first[level]);
		run.flags = cpu_to_le32(INC_RUN_REPEAT);
		run.file_page = cpu_to_le64((meta >> 12) + 1 + level);
		memcpy(bytes + at, &run, 16);
	}
	assert_true(at <= head);

	memcpy(super->magic, INC_MAGIC, 8);
	super->version = cpu_to_le32(1);
	super->head_size = cpu_to_le32((u32)head);
	super->block_shift = super->chunk_shift = 12;
	super->device_blocks = cpu_to_le64(blocks);
	super->segment_size = cpu_to_le64(*size);
	super->bitmap_offset = cpu_to_le64(head);
	super->bitmap_size = cpu_to_le64(4096);
	super->meta_offset = super->guard_offset = cpu_to_le64(meta);
	super->guarded_offset = super->owners_offset = cpu_to_le64(guarded);
	super->guarded_size = cpu_to_le64(3 * 4096);
	super->owners_size = cpu_to_le64(4);
	super->meta_size = cpu_to_le64(*data_offset - meta);
	super->data_offset = cpu_to_le64(*data_offset);
	super->data_size = cpu_to_le64(4096);
	super->signature_offset = cpu_to_le32(4096);
	super->signature_area = cpu_to_le32(8192);
	super->map_dir_offset = cpu_to_le32(12288);
	super->map_runs = cpu_to_le32(runs);
	super->tree_dir_offset = cpu_to_le32(12288 + 16 * runs);
	super->tree_runs = cpu_to_le32(tree.levels);
	strcpy((char *)super->hash_name, "sha256");
	super->digest_size = cpu_to_le16(32);
	super->salt_size = cpu_to_le16(sizeof(SALT) - 1);
	memcpy(super->salt, SALT, sizeof(SALT) - 1);
	memcpy(super->root_digest, digest, 32);
	SHA256(bytes, head, super->head_digest);
}

static void long_walks(void **state)
{
	static const u32 runs[] = { 2, WIDE_RUNS };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		u8 *bytes = calloc(1, ROOM);
		const struct incr_io io = { wide_read, bytes };
		struct timespec start, end;
		struct incr_image *image;
		struct incr_error error;
		u64 data, size;

		assert_non_null(bytes);
		wide_image(bytes, runs[i], &data, &size);
		assert_true(size < ROOM);
		must(incr_image_open(&image, &io, size, 0, &error), &error);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		assert_int_equal(incr_image_verify(image, data, 4096,
						   bytes + data, &error),
				 -EBADMSG);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		assert_non_null(strstr(error.text, "padding of the data"));
		/* Enough under valgrind, too; a walk to the end takes hours. */
		if (end.tv_sec - start.tv_sec > 20)
			fail_msg("%u runs: too slow", runs[i]);
		/* With zeros there, the chunk verifies. */
		bytes[data + 4095] = 0;
		must(incr_image_verify(image, data, 4096, bytes + data, &error),
		     &error);
		incr_image_close(image);
		free(bytes);
	}
}

static void absent(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	struct inc_extent extent;
	struct incr_image *image;
	struct incr_error error;
	u8 block[4096];

	(void)state;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	must(incr_image_extent(image, 10, &extent, &error), &error);
	memory.fail_start = extent.offset;
	memory.fail_end = extent.offset + 1;
	assert_int_equal(incr_image_read(image, 10, 1, block, &error), -ENODATA);
	assert_true(error.text[0]);
	check_blocks(image, 1, 300, 10);
	memory.fail_end = 0;
	check_blocks(image, 1, 10, 1);
	incr_image_close(image);
	unmake(maker);
}

static void local_images(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	char name[] = "/tmp/incremental-test.XXXXXX";
	int fd = mkstemp(name);
	struct incr_image *image, *local;
	struct incr_error error;
	u8 block[4096], bits[64];
	u64 present;

	(void)state;
	assert_true(fd >= 0);
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	must(incr_local_create(image, fd, &error), &error);
	assert_int_equal(lseek(fd, 0, SEEK_END), maker->size);
	must(incr_local_present(image, fd, &present, &error), &error);
	/* Heads of 4 chunks and bitmaps of 1, twice. */
	assert_int_equal(present, 2 * 5 * 4096);
	assert_int_equal(pread(fd, bits, sizeof(bits),
			       (off_t)incr_image_segment(image)->bitmap_offset),
			 sizeof(bits));
	assert_int_equal(bits[0], 0x1f);
	assert_int_equal(bits[1], 0);

	must(incr_image_open_file(&local, name, INCR_NEWEST, &error), &error);
	assert_int_equal(incr_image_read(local, 300, 1, block, &error),
			 -ENODATA);
	incr_image_close(local);

	/* With every byte of the image the local image is complete. */
	assert_int_equal(pwrite(fd, maker->bytes, maker->size, 0),
			 (ssize_t)maker->size);
	must(incr_image_open_file(&local, name, INCR_NEWEST, &error), &error);
	check_blocks(local, 1, 0, BLOCKS);
	must(incr_local_present(local, fd, &present, &error), &error);
	assert_int_equal(present, maker->size);
	incr_image_close(local);
	incr_image_close(image);
	close(fd);
	unlink(name);
	assert_int_equal(incr_image_open_file(&local, name, 0, &error), -ENOENT);
	unmake(maker);
}

/* The reason is at the end of a message: a long name must not push it out. */
static void test_error(void **state)
{
	char name[4096], error_max[sizeof(((struct incr_error *)0)->text)];
	struct incr_error error;
	size_t length;

	(void)state;
	assert_int_equal(incr_fail(&error, -EIO, "%s: %d", "name", 5), -EIO);
	assert_string_equal(error.text, "name: 5");
	assert_int_equal(incr_fail(NULL, -EIO, "%s", "nobody reads it"), -EIO);

	memset(name, 'n', sizeof(name) - 1);
	for (length = sizeof(error_max) - 20; length < sizeof(name); length++) {
		name[length] = '\0';
		incr_fail(&error, -EIO, "%s: the reason", name);
		assert_true(strlen(error.text) < sizeof(error_max));
		assert_string_equal(error.text + strlen(error.text) - 12,
				    ": the reason");
		assert_memory_equal(error.text, "nnnn", 4);
		if (length + strlen(": the reason") >= sizeof(error_max))
			assert_non_null(strstr(error.text, "n ... n"));
		else
			assert_int_equal(strlen(error.text),
					 length + strlen(": the reason"));
		name[length] = 'n';
	}
}

/* @fd holds the first @size bytes of the image, and then meaningless bytes. */
static void only_base(const struct maker *maker, int fd, u64 size)
{
	u8 junk[8192] = { 0 };

	memset(junk + INC_FIRST_SECTOR, 0xee, sizeof(junk) - INC_FIRST_SECTOR);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, maker->bytes, size, 0), (ssize_t)size);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), (off_t)size),
			 sizeof(junk));
}

/* Segments are appended to a local image. */
static void appended(void **state)
{
	struct maker *maker = make(12);
	struct memory memory = { .maker = maker };
	char name[] = "/tmp/incremental-test.XXXXXX";
	int fd = mkstemp(name);
	const struct inc_segment *seg;
	struct incr_image *image, *local;
	struct incr_error error;
	u8 *bytes = malloc(ROOM);
	u64 second, present;

	(void)state;
	assert_true(fd >= 0 && bytes);
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	seg = incr_image_segment(image);
	second = seg->offset;

	/* Heads only: old blocks can be read, new ones cannot. */
	only_base(maker, fd, second);
	must(incr_local_append(image, 1, fd, false, &error), &error);
	must(incr_image_open_file(&local, name, INCR_NEWEST, &error), &error);
	must(incr_local_present(local, fd, &present, &error), &error);
	assert_int_equal(present, second + 5 * 4096);
	assert_int_equal(incr_image_read(local, 5, 1, bytes, &error), -ENODATA);
	incr_image_close(local);
	assert_int_equal(lseek(fd, 0, SEEK_END), maker->size);
	assert_int_equal(pread(fd, bytes, maker->size, 0), maker->size);
	assert_memory_equal(bytes, maker->bytes, second + seg->head_size);
	assert_true(inc_all_zero(bytes + seg->meta_offset, seg->meta_size));
	must(incr_image_open_file(&local, name, 0, &error), &error);
	check_blocks(local, 0, 0, BLOCKS);
	incr_image_close(local);

	/* The whole segment. */
	only_base(maker, fd, second);
	must(incr_local_append(image, 1, fd, true, &error), &error);
	assert_int_equal(lseek(fd, 0, SEEK_END), maker->size);
	assert_int_equal(pread(fd, bytes, maker->size, 0), maker->size);
	assert_memory_equal(bytes, maker->bytes, maker->size);

	/* Damage anywhere leaves the file as it was. */
	for (present = second; present < maker->size; present += 3001) {
		only_base(maker, fd, second);
		maker->bytes[present] ^= 4;
		assert_int_equal(incr_local_append(image, 1, fd, true, &error),
				 -EBADMSG);
		maker->bytes[present] ^= 4;
		assert_int_equal(lseek(fd, 0, SEEK_END), second);
	}
	incr_image_close(image);
	close(fd);
	unlink(name);
	free(bytes);
	unmake(maker);
}

/* Segments that are not of one image. */
static void odd_segments(void **state)
{
	struct maker *maker = make(12), *other = make(12);
	struct memory memory = { .maker = other };
	struct inc_super super;
	struct incr_image *image;
	struct incr_error error;
	u64 second;
	u32 head;

	(void)state;
	must(open_memory(&image, &memory, 0, &error), &error);
	second = incr_image_segment(image)->end;
	incr_image_close(image);

	/* Another UUID. */
	memcpy(&super, other->bytes + second, sizeof(super));
	head = le32_to_cpu(super.head_size);
	other->bytes[second + offsetof(struct inc_super, uuid)] ^= 1;
	assert_int_equal(open_memory(&image, &memory, 0, &error), -EINVAL);
	assert_non_null(strstr(error.text, "another image"));
	memcpy(other->bytes + second, &super, sizeof(super));

	/* Another hash, which is not known, in a head that is good otherwise. */
	memcpy(other->bytes, maker->bytes, second);
	other->size = second;
	memcpy(((struct inc_super *)other->bytes)->hash_name, "md5\0\0\0", 6);
	memset(((struct inc_super *)other->bytes)->head_digest, 0, 32);
	SHA256(other->bytes, head,
	       ((struct inc_super *)other->bytes)->head_digest);
	assert_int_equal(open_memory(&image, &memory, 0, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "md5"));

	/* A device may be larger than the image in it. */
	memcpy(other->bytes, maker->bytes, second);
	memset(other->bytes + second, 0, 65536);
	other->size = second + 65536;
	must(open_memory(&image, &memory, INCR_NEWEST, &error), &error);
	assert_int_equal(incr_image_size(image), second);
	incr_image_close(image);
	unmake(other);
	unmake(maker);
}

/* The library never returns a digest with other bytes than those that it is of. */
static void cached_digests(void **state)
{
	struct inc_cache *cache = incr_cache_new();
	u8 good[4096], bad[4096], page[4096], sum[32], other[32], digest[32];

	(void)state;
	assert_non_null(cache);
	memset(good, 1, sizeof(good));
	memset(bad, 2, sizeof(bad));
	hash(good, sizeof(good), sum);
	hash(bad, sizeof(bad), other);

	assert_false(incr_cache_get(cache, 7, page, digest));
	incr_cache_put(cache, 7, good, sum);
	assert_true(incr_cache_get(cache, 7, page, digest));
	assert_memory_equal(digest, sum, 32);
	incr_cache_put(cache, 7, bad, other);
	assert_true(incr_cache_get(cache, 7, page, digest));
	assert_memory_equal(page, bad, sizeof(bad));
	assert_memory_equal(digest, other, 32);
	incr_cache_drop(cache, 7);
	assert_false(incr_cache_get(cache, 7, page, digest));
	incr_cache_free(cache);
}

static void hexadecimal(void **state)
{
	char text[9];
	u8 bytes[4];

	(void)state;
	assert_int_equal(incr_hex_parse("00fFa5", bytes, 4), 3);
	incr_hex_format(bytes, 3, text);
	assert_string_equal(text, "00ffa5");
	assert_int_equal(incr_hex_parse("", bytes, 4), 0);
	assert_int_equal(incr_hex_parse("0", bytes, 4), -EINVAL);
	assert_int_equal(incr_hex_parse("0g", bytes, 4), -EINVAL);
	assert_int_equal(incr_hex_parse("0011223344", bytes, 4), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error),
		cmocka_unit_test(reads),
		cmocka_unit_test(zeros_and_trust),
		cmocka_unit_test(plans),
		cmocka_unit_test(plans_first),
		cmocka_unit_test(verifies),
		cmocka_unit_test(changed_bits),
		cmocka_unit_test(damaged_image),
		cmocka_unit_test(heals),
		cmocka_unit_test(guarded_pages),
		cmocka_unit_test(long_walks),
		cmocka_unit_test(absent),
		cmocka_unit_test(local_images),
		cmocka_unit_test(appended),
		cmocka_unit_test(odd_segments),
		cmocka_unit_test(cached_digests),
		cmocka_unit_test(hexadecimal),
	};

	if (argc > 1)
		stride = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
