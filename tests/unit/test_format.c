// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The format's arithmetic and checks, and its bytes on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * A segment of 16 chunks: head 4, bitmap 1, metadata 3, data 8. The metadata is
 * a page of the guard and two guarded ones, the first with the owner table.
 */
static struct inc_super good_super(void)
{
	struct inc_super super = {
		.magic = INC_MAGIC,
		.version = cpu_to_le32(1),
		.head_size = cpu_to_le32(0x4000),
		.block_shift = 12,
		.chunk_shift = 12,
		.cluster_shift = 2,
		.device_blocks = cpu_to_le64(1000),
		.segment_size = cpu_to_le64(0x10000),
		.bitmap_offset = cpu_to_le64(0x4000),
		.bitmap_size = cpu_to_le64(0x1000),
		.owners_offset = cpu_to_le64(0x6000),
		.owners_size = cpu_to_le64(4 * 8),
		.meta_offset = cpu_to_le64(0x5000),
		.meta_size = cpu_to_le64(0x3000),
		.data_offset = cpu_to_le64(0x8000),
		.data_size = cpu_to_le64(0x7123),
		.map_dir_offset = cpu_to_le32(0x3000),
		.tree_dir_offset = cpu_to_le32(0x3020),
		.map_runs = cpu_to_le32(2),
		.tree_runs = cpu_to_le32(1),
		.signature_offset = cpu_to_le32(0x1000),
		.signature_area = cpu_to_le32(0x2000),
		.hash_name = "sha256",
		.digest_size = cpu_to_le16(32),
		.salt_size = cpu_to_le16(4),
		.epoch = cpu_to_le32(0x04030201),
		.root_digest = { 0xaa, 0xbb },
		.salt = { 1, 2, 3, 4 },
		.guarded_offset = cpu_to_le64(0x6000),
		.guarded_size = cpu_to_le64(0x2000),
		.guard_offset = cpu_to_le64(0x5000),
		.guard_digest = { 0xcc, 0xdd },
	};

	return super;
}

static void super_bytes(void **state)
{
	static const struct {
		size_t at;
		u8 bytes[8];
	} golden[] = {
		{ 0,   { 0x64, 0x6d, 0x2d, 0x69, 0x6e, 0x63, 0x72, 0x0a } },
		{ 8,   { 1, 0, 0, 0, 0x00, 0x40, 0, 0 } },
		{ 80,  { 0, 0, 0, 0, 12, 12, 2, 0 } },
		{ 88,  { 0xe8, 0x03 } },
		{ 96,  { 0 } },
		{ 104, { 0, 0, 1 } },
		{ 112, { 0, 0x40 } },
		{ 120, { 0, 0x10 } },
		{ 128, { 0, 0x60 } },
		{ 136, { 0x20 } },
		{ 144, { 0, 0x50 } },
		{ 152, { 0, 0x30 } },
		{ 160, { 0, 0x80 } },
		{ 168, { 0x23, 0x71 } },
		{ 176, { 0, 0x30, 0, 0, 0x20, 0x30 } },
		{ 184, { 2, 0, 0, 0, 1 } },
		{ 192, { 0, 0x10, 0, 0, 0, 0x20 } },
		{ 216, { 's', 'h', 'a', '2', '5', '6' } },
		{ 248, { 32, 0, 4, 0, 1, 2, 3, 4 } },
		{ 256, { 0xaa, 0xbb } },
		{ 320, { 1, 2, 3, 4 } },
		{ 576, { 0, 0x60 } },
		{ 584, { 0, 0x20 } },
		{ 592, { 0, 0x50 } },
		{ 600, { 0xcc, 0xdd } },
		{ 664, { 0, 0x60 } },
		{ 672, { 0x21, 0x03, 0, 0, 0, 0, 0, 0 } },
		{ 680, { 0 } },
	};
	struct inc_super super = good_super();
	size_t i;

	(void)state;
	super.startup_offset = cpu_to_le64(0x6000);
	super.startup_size = cpu_to_le32(0x321);
	for (i = 0; i < COUNT(golden); i++)
		assert_memory_equal((u8 *)&super + golden[i].at,
				    golden[i].bytes, 8);
}

/* The signed text, byte by byte; the root hash alone where there is no epoch. */
static void signed_text(void **state)
{
	static const struct {
		u32 size, epoch;
		const char *text;
	} golden[] = {
		{ 1, 0, "05" },
		{ 2, 0, "05af" },
		{ 3, 1, "05af30 epoch 1" },
		{ 3, 4294967295u, "05af30 epoch 4294967295" },
	};
	static const u8 longest[INC_DIGEST_MAX];
	char text[INC_SIGNED_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(golden); i++) {
		assert_int_equal(dm_inc_signed_text((const u8 *)"\x05\xaf\x30",
						    golden[i].size,
						    golden[i].epoch, text),
				 strlen(golden[i].text));
		assert_string_equal(text, golden[i].text);
	}
	assert_int_equal(
		dm_inc_signed_text(longest, sizeof(longest), 4294967295u, text),
		INC_SIGNED_TEXT_MAX - 1);
	assert_int_equal(strlen(text), INC_SIGNED_TEXT_MAX - 1);
}

static void super_parses(void **state)
{
	struct inc_super super = good_super();
	struct inc_segment seg;
	const char *why;

	(void)state;
	assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			 0);
	assert_null(why);
	assert_int_equal(seg.device_blocks, 1000);
	assert_int_equal(seg.end, 0x10000);
	assert_int_equal(seg.map_pages, 2);
	assert_int_equal(seg.tree.levels, 2);
	assert_int_equal(seg.tree.pages, 9);
	assert_string_equal(seg.hash_name, "sha256");
	assert_int_equal(seg.salt_size, 4);
	assert_int_equal(seg.guarded_offset, 0x6000);
	assert_int_equal(seg.guarded_size, 0x2000);
	assert_int_equal(seg.guard_offset, 0x5000);
	assert_int_equal(seg.guard.pages, 1);
	assert_int_equal(seg.guard_digest[1], 0xdd);
	/* A device may be larger than the image. */
	assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10001, &seg, &why),
			 0);
	assert_int_equal(seg.compat, 0);
	super.compat = cpu_to_le64(1ull << 63 | INC_COMPAT_REREADS);
	assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			 0);
	assert_int_equal(seg.compat, INC_COMPAT_REREADS);
}

/* A list's place is told if one can be there; the image is good in any case. */
static void startup_is_found(void **state)
{
	static const struct { u64 offset; u32 size; bool good; } places[] = {
		{ 0x6000, 0x321, true }, { 0x6000, 0x2000, true },
		{ 0x7000, 1, true }, { 0x6000, 0, false },
		{ 0x6000, 0x2001, false }, { 0x6001, 0x321, false },
		{ 0x5000, 0x1000, false }, { 0x8000, 1, false },
		{ ~0xfffull, 0x321, false }, { 0x6000, ~0u, false },
	};
	struct inc_super super = good_super();
	struct inc_segment seg;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * COUNT(places); i++) {
		bool said = i < COUNT(places);
		bool good = said && places[i].good;

		super.compat = cpu_to_le64(said ? INC_COMPAT_STARTUP : 0);
		super.startup_offset =
			cpu_to_le64(places[i % COUNT(places)].offset);
		super.startup_size =
			cpu_to_le32(places[i % COUNT(places)].size);
		assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10000, &seg,
						      &why), 0);
		assert_int_equal(seg.compat, good ? INC_COMPAT_STARTUP : 0);
		assert_int_equal(seg.startup_offset, good ? places[i].offset : 0);
		assert_int_equal(seg.startup_size, good ? places[i].size : 0);
	}
}

/* One field made wrong: its offset, its length, and the wrong value. */
struct change {
	size_t at;
	size_t size;
	u64 value;
	const char *why;	/* part of the sentence */
};

static void super_refused(void **state)
{
#define CHANGE(field, value, why) \
	{ offsetof(struct inc_super, field), \
	  sizeof(((struct inc_super *)0)->field), value, why }
	static const struct change changes[] = {
		CHANGE(version, 2, "version"),
		CHANGE(incompat, 1ull << 63, "features"),
		CHANGE(incompat, 4, "features"),
		CHANGE(block_shift, 13, "block size"),
		CHANGE(chunk_shift, 11, "chunk size"),
		CHANGE(chunk_shift, 17, "chunk size"),
		CHANGE(cluster_shift, 7, "cluster size"),
		CHANGE(generation, 1, "generation"),
		CHANGE(device_blocks, 0, "device size"),
		CHANGE(device_blocks, 1ull << 32, "device size"),
		CHANGE(segment_offset, 4096, "not where it says"),
		CHANGE(segment_size, 0, "whole chunks"),
		CHANGE(segment_size, 0x10001, "whole chunks"),
		CHANGE(segment_size, 0x11000, "truncated"),
		CHANGE(segment_size, ~0xfffull, "truncated"),
		CHANGE(head_size, 0, "head size"),
		CHANGE(head_size, 0x4001, "head size"),
		CHANGE(head_size, 0x900000 + 4096, "head size"),
		CHANGE(bitmap_offset, 0x5000, "does not follow the head"),
		CHANGE(bitmap_size, 0x2000, "bitmap size"),
		CHANGE(meta_offset, 0x6000, "does not follow the bitmap"),
		CHANGE(meta_size, ~0xfffull, "metadata size"),
		CHANGE(meta_size, 0x3001, "metadata size"),
		CHANGE(data_offset, 0x9000, "does not follow the metadata"),
		CHANGE(data_size, 0x8001, "does not end"),
		CHANGE(data_size, 0x7000, "does not end"),
		CHANGE(data_size, ~0ull, "does not end"),
		CHANGE(owners_offset, 0x8000, "owner table"),
		CHANGE(owners_offset, 0x6004, "owner table"),
		CHANGE(owners_offset, 0x5000, "owner table"),
		CHANGE(guarded_offset, 0x4000, "guarded pages"),
		CHANGE(guarded_offset, 0x6800, "guarded pages"),
		CHANGE(guarded_offset, ~0xfffull, "guarded pages"),
		CHANGE(guarded_offset, 0x5000, "guard is out"),
		CHANGE(guarded_size, 0, "guarded pages"),
		CHANGE(guarded_size, 0x1800, "guarded pages"),
		CHANGE(guarded_size, 0x3000, "guarded pages"),
		CHANGE(guarded_size, ~0xfffull, "guarded pages"),
		CHANGE(guard_offset, 0x4000, "guard is out"),
		CHANGE(guard_offset, 0x5800, "guard is out"),
		CHANGE(guard_offset, 0x7000, "guard is out"),
		CHANGE(guard_offset, 0x8000, "guard is out"),
		CHANGE(guard_offset, ~0xfffull, "guard is out"),
		CHANGE(owners_size, 36, "owner table"),
		CHANGE(map_runs, 0, "map directory"),
		CHANGE(map_runs, 0xffffffff, "map directory"),
		CHANGE(map_dir_offset, 0xfff, "map directory"),
		CHANGE(map_dir_offset, 0x3ff0, "map directory"),
		CHANGE(map_dir_offset, 0xfffffff0, "map directory"),
		CHANGE(tree_runs, 0, "tree directory"),
		CHANGE(tree_runs, (1u << 18) + 1, "tree directory"),
		CHANGE(tree_dir_offset, 0x3ff8, "tree directory"),
		CHANGE(signature_offset, 0x2001, "signature"),
		CHANGE(signature_area, 0xffffffff, "signature"),
		CHANGE(signature_size, 0x2001, "signature"),
		CHANGE(signature_offset, 0x1010, "overlap"),
		CHANGE(map_dir_offset, 0x2ff0, "overlap"),
		CHANGE(map_dir_offset, 0x3010, "overlap"),
		CHANGE(tree_dir_offset, 0x3010, "overlap"),
		CHANGE(tree_dir_offset, 0x1000, "overlap"),
		CHANGE(dictionary_size, 4096, "dictionary"),
		CHANGE(incompat, 1, "dictionary"),
		CHANGE(digest_size, 0, "digest size"),
		CHANGE(digest_size, 65, "digest size"),
		CHANGE(salt_size, 257, "salt"),
	};
#undef CHANGE
	struct inc_segment seg;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(changes); i++) {
		struct inc_super super = good_super();
		__le64 value = cpu_to_le64(changes[i].value);

		memcpy((u8 *)&super + changes[i].at, &value, changes[i].size);
		assert_int_equal(
			dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			-EINVAL);
		if (!strstr(why, changes[i].why))
			fail_msg("change %zu: '%s' lacks '%s'", i, why,
				 changes[i].why);
	}
}

/* A dictionary in the second of the guarded pages, and at places where none may be. */
static void dictionaries(void **state)
{
	static const struct {
		u64 offset;
		u32 size;
		int result;
	} places[] = {
		{ 0x7000, 4096, 0 }, { 0x7000, 1, 0 }, { 0x7000, 0, -EINVAL },
		{ 0x7000, 4097, -EINVAL }, { 0x7000, 65537, -EINVAL },
		{ 0x7800, 16, -EINVAL }, { 0x8000, 16, -EINVAL },
		{ 0x5000, 16, -EINVAL }, { 0x6000, 16, -EINVAL },
		{ ~0xfffull, 4096, -EINVAL },
	};
	struct inc_segment seg;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(places); i++) {
		struct inc_super super = good_super();

		super.incompat = cpu_to_le64(INC_INCOMPAT_DICTIONARY);
		super.dictionary_offset = cpu_to_le64(places[i].offset);
		super.dictionary_size = cpu_to_le32(places[i].size);
		assert_int_equal(
			dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			places[i].result);
		if (places[i].result)
			assert_non_null(strstr(why, "dictionary"));
	}
}

static void hash_name_refused(void **state)
{
	static const char names[][INC_HASH_NAME_MAX] = {
		"", "sha 256", "sha256\0x", "sha\xff",
		"0123456789012345678901234567890",
	};
	struct inc_segment seg;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		struct inc_super super = good_super();
		int ret;

		memcpy(super.hash_name, names[i], INC_HASH_NAME_MAX);
		ret = dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why);
		/* The last name has 31 characters, which is allowed. */
		assert_int_equal(ret, i + 1 < COUNT(names) ? -EINVAL : 0);
	}
}

static void tree_shape(void **state)
{
	static const struct {
		u64 blocks, pages;
		u32 levels;
	} shapes[] = {
		{ 1, 0, 0 }, { 2, 1, 1 }, { 127, 1, 1 }, { 128, 1, 1 },
		{ 129, 3, 2 }, { 511, 5, 2 }, { 512, 5, 2 }, { 513, 6, 2 },
		{ 16383, 129, 2 }, { 16384, 129, 2 }, { 16385, 132, 3 },
		{ 0xffffffffull, 33554432ull + 262144 + 2048 + 16 + 1, 5 },
	};
	struct inc_tree tree;
	u32 place;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(shapes); i++) {
		assert_int_equal(dm_inc_tree_init(&tree, shapes[i].blocks, 32),
				 0);
		assert_int_equal(tree.levels, shapes[i].levels);
		assert_int_equal(tree.pages, shapes[i].pages);
		if (!tree.levels)
			continue;
		assert_int_equal(tree.first[tree.levels - 1], 0);
		assert_int_equal(dm_inc_tree_page(&tree, 0,
						  shapes[i].blocks - 1, &place),
				 tree.pages - 1);
		assert_int_equal(place, (shapes[i].blocks - 1) % 128 * 32);
	}
	assert_int_equal(dm_inc_tree_init(&tree, 0, 32), -EINVAL);
	assert_int_equal(dm_inc_tree_init(&tree, 1ull << 32, 32), -EINVAL);
	assert_int_equal(dm_inc_tree_init(&tree, 1, 0), -EINVAL);
	assert_int_equal(dm_inc_tree_init(&tree, 1, 65), -EINVAL);

	/* Digests of 20 bytes take 32; those of 64 make 64 a page. */
	assert_int_equal(dm_inc_tree_init(&tree, 129, 20), 0);
	assert_int_equal(tree.digest_shift, 5);
	assert_int_equal(dm_inc_tree_init(&tree, 65, 64), 0);
	assert_int_equal(tree.pages, 3);
	/* The smallest digest and the largest device stay within the array. */
	assert_int_equal(dm_inc_tree_init(&tree, INC_BLOCKS_MAX, 1), 0);
	assert_int_equal(tree.levels, 3);
	assert_int_equal(dm_inc_tree_init(&tree, INC_BLOCKS_MAX, 64), 0);
	assert_int_equal(tree.levels, 6);
}

static void tree_places(void **state)
{
	struct inc_tree tree;
	u32 place;

	(void)state;
	dm_inc_tree_init(&tree, 16385, 32);
	/* Page 0 is the top, 1 and 2 are level 1, 3 to 131 level 0. */
	assert_int_equal(dm_inc_tree_page(&tree, 2, 16384, &place), 0);
	assert_int_equal(place, 32);
	assert_int_equal(dm_inc_tree_page(&tree, 1, 16383, &place), 1);
	assert_int_equal(place, 127 * 32);
	assert_int_equal(dm_inc_tree_page(&tree, 1, 16384, &place), 2);
	assert_int_equal(place, 0);
	assert_int_equal(dm_inc_tree_page(&tree, 0, 128, &place), 4);
	assert_int_equal(place, 0);
}

/* A page's digests end where the last block's path through it ends. */
static void tree_used(void **state)
{
	static const u64 sizes[] = { 2, 127, 128, 129, 16384, 16385, 300000,
				     2097153, INC_BLOCKS_MAX };
	static const u32 digests[] = { 32, 64, 20, 1 };
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(sizes) * COUNT(digests); i++) {
		u64 last = sizes[i / COUNT(digests)] - 1;
		struct inc_tree tree;
		u32 level, at, size;

		assert_int_equal(dm_inc_tree_init(&tree, last + 1,
						  digests[i % COUNT(digests)]),
				 0);
		size = 1u << tree.digest_shift;
		for (level = 0; level < tree.levels; level++) {
			u64 page = dm_inc_tree_page(&tree, level, last, &at);

			assert_int_equal(dm_inc_tree_used(&tree, level, last),
					 at + size);
			/* All pages before it are full. */
			for (j = 0; j < 64 && last >> j; j++) {
				u64 block = last >> j;

				if (dm_inc_tree_page(&tree, level, block, &at) <
				    page)
					assert_int_equal(
						dm_inc_tree_used(&tree, level,
								 block),
						4096);
			}
			if (dm_inc_tree_page(&tree, level, 0, &at) < page)
				assert_int_equal(
					dm_inc_tree_used(&tree, level, 0),
					4096);
		}
	}
}

static void run_bytes(void **state)
{
	static const u8 golden[16] = {
		0x04, 0x03, 0x02, 0x01, 1, 0, 0, 0,
		0x0d, 0x0c, 0x0b, 0x0a, 0, 0, 0, 0,
	};
	const struct inc_run run = {
		cpu_to_le32(0x01020304), cpu_to_le32(INC_RUN_REPEAT),
		cpu_to_le64(0x0a0b0c0d),
	};

	(void)state;
	assert_memory_equal(&run, golden, sizeof(golden));
}

static struct inc_run run(u32 first, u32 flags, u64 page)
{
	const struct inc_run made = {
		cpu_to_le32(first), cpu_to_le32(flags), cpu_to_le64(page),
	};

	return made;
}

static void directory(void **state)
{
	struct inc_run runs[] = {
		run(0, 0, 10), run(5, INC_RUN_REPEAT, 3), run(100, 0, 15),
	};
	const char *why;

	(void)state;
	assert_int_equal(dm_inc_dir_check(runs, 3, 105, 20 << 12, &why), 0);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 0), 10);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 4), 14);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 5), 3);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 99), 3);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 100), 15);
	assert_int_equal(dm_inc_dir_lookup(runs, 3, 104), 19);
	assert_int_equal(dm_inc_dir_lookup(runs, 1, 4), 14);

	assert_int_equal(dm_inc_dir_check(runs, 3, 106, 20 << 12, &why),
			 -EINVAL);
	assert_non_null(strstr(why, "past the end"));
	assert_int_equal(dm_inc_dir_check(runs, 3, 100, 20 << 12, &why),
			 -EINVAL);
	assert_non_null(strstr(why, "more pages"));
	assert_int_equal(dm_inc_dir_check(runs, 0, 1, 20 << 12, &why), -EINVAL);
	runs[0] = run(1, 0, 10);
	assert_int_equal(dm_inc_dir_check(runs, 3, 105, 20 << 12, &why),
			 -EINVAL);
	assert_non_null(strstr(why, "page 0"));
	runs[0] = run(0, 0, 10);
	runs[2] = run(5, 0, 15);
	assert_int_equal(dm_inc_dir_check(runs, 3, 10, 20 << 12, &why),
			 -EINVAL);
	assert_non_null(strstr(why, "sorted"));
	runs[2] = run(100, 2, 15);
	assert_int_equal(dm_inc_dir_check(runs, 3, 105, 20 << 12, &why),
			 -EINVAL);
	assert_non_null(strstr(why, "flag"));
	runs[2] = run(100, 0, UINT64_MAX);
	assert_int_equal(dm_inc_dir_check(runs, 3, 105, 20 << 12, &why),
			 -EINVAL);
}

static void entries(void **state)
{
	struct inc_extent extent = { 0x123456789aull, 0x1000, 0,
				     INC_CODEC_STORED };
	struct inc_extent back;
	const u64 end = 1ull << 40;

	(void)state;
	/* codec 1, cluster 0, length 0xfff, offset */
	assert_int_equal(dm_inc_entry_encode(&extent), 0x200fff123456789aull);
	assert_int_equal(
		dm_inc_entry_decode(0x200fff123456789aull, 0, end, &back), 0);
	assert_int_equal(back.offset, extent.offset);
	assert_int_equal(back.length, 0x1000);
	assert_int_equal(back.codec, INC_CODEC_STORED);

	/* The largest extent there is. */
	extent = (struct inc_extent){ end - 262144, 262144, 6,
				      INC_CODEC_STORED };
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 6,
					     end, &back),
			 0);
	assert_int_equal(back.length, 262144);
	assert_int_equal(inc_cluster_bytes(&back), 262144);
	assert_int_equal(inc_cluster_start(&back, 200), 192);
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 5,
					     end, &back),
			 -EINVAL);
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 6,
					     end - 1, &back),
			 -EINVAL);

	extent = (struct inc_extent){ 0, 0, 0, INC_CODEC_ZERO };
	assert_int_equal(dm_inc_entry_encode(&extent), 0);
	assert_int_equal(dm_inc_entry_decode(0, 0, 0, &back), 0);
	assert_int_equal(back.length, 0);

	/* LZ4 must be shorter than its cluster, stored just as long. */
	extent = (struct inc_extent){ 0, 4096, 0, INC_CODEC_LZ4 };
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 0,
					     end, &back),
			 -EINVAL);
	extent.length = 4095;
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 0,
					     end, &back),
			 0);
	extent.codec = INC_CODEC_STORED;
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 0,
					     end, &back),
			 -EINVAL);
	/* Codec 0 with anything else in the entry, and unknown codecs. */
	assert_int_equal(dm_inc_entry_decode(1, 0, end, &back), -EINVAL);
	extent.codec = INC_CODEC_ZSTD;
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 0,
					     end, &back),
			 -EINVAL);
	assert_int_equal(dm_inc_entry_decode(7ull << 61, 0, end, &back),
			 -EINVAL);
	assert_int_equal(inc_map_page(511), 0);
	assert_int_equal(inc_map_page(512), 1);
	assert_int_equal(inc_map_index(513), 1);
}

/* Three references, of which two are one run: stored, LZ4, LZ4 with dictionary. */
static const u8 golden_runs[] = {
	0x81, 0x78, 0x56, 0x34, 0x12, 0x00, 0xff, 0x0f, 0x10, 0x00,
	0x10, 0x00, 0x00, 0x00, 0x00, 0x80, 0x0a, 0x81,
	0x99,				/* of the LZ4 block */
};

static const struct inc_references golden_references = {
	.count = 3,
	.bytes = 4096 + 4096 + 8192,
	.size = sizeof(golden_runs) - 1,
	.extents = {
		{ 0x12345678, 4096, 0, INC_CODEC_STORED },
		{ 0x12346678, 17, 0, INC_CODEC_LZ4 },
		{ 1ull << 39, 267, 1, INC_CODEC_LZ4_DICT },
	},
};

static const char *refused_references(const u8 *stored, u32 length,
				      const struct inc_extent *extent, u64 end)
{
	struct inc_references references;
	const char *why = NULL;

	assert_int_equal(dm_inc_references_decode(stored, length, extent, end,
						  &references, &why), -EINVAL);
	assert_non_null(why);
	return why;
}

static void references(void **state)
{
	const struct inc_extent extent = { 0x12340000, 100, 2,
					   INC_CODEC_LZ4_REFERENCES };
	const u64 end = (1ull << 39) + 267;
	u8 runs[INC_REFERENCES_SIZE_MAX];
	struct inc_references back;
	const char *why;
	u32 i;

	(void)state;
	assert_int_equal(dm_inc_references_encode(&golden_references, runs),
			 sizeof(golden_runs) - 1);
	assert_memory_equal(runs, golden_runs, sizeof(golden_runs) - 1);
	assert_int_equal(dm_inc_references_decode(golden_runs,
						  sizeof(golden_runs), &extent,
						  end, &back, &why), 0);
	assert_int_equal(back.count, 3);
	assert_int_equal(back.bytes, golden_references.bytes);
	assert_int_equal(back.size, golden_references.size);
	for (i = 0; i < 3; i++) {
		assert_int_equal(back.extents[i].offset,
				 golden_references.extents[i].offset);
		assert_int_equal(back.extents[i].length,
				 golden_references.extents[i].length);
		assert_int_equal(back.extents[i].cluster_shift,
				 golden_references.extents[i].cluster_shift);
		assert_int_equal(back.extents[i].codec,
				 golden_references.extents[i].codec);
	}
	/* Without a byte of the LZ4 block, or less. */
	for (i = 0; i < sizeof(golden_runs); i++)
		assert_non_null(strstr(refused_references(golden_runs, i,
							  &extent, end),
				       "cut short"));
	assert_non_null(strstr(refused_references(golden_runs,
						  sizeof(golden_runs), &extent,
						  end - 1),
			       "past the end"));
}

static void references_refused(void **state)
{
	struct inc_extent extent = { 0x12345678 + 4095, 100, 2,
				     INC_CODEC_LZ4_REFERENCES };
	u8 runs[INC_REFERENCES_SIZE_MAX + 1];
	struct inc_references back;
	const u64 end = 1ull << 40;
	const char *why;
	u32 i;

	(void)state;
	memcpy(runs, golden_runs, sizeof(golden_runs));
	assert_non_null(strstr(refused_references(runs, 19, &extent, end),
			       "refers to itself"));
	extent.offset = 0;
	runs[0] |= 0x40;
	assert_non_null(strstr(refused_references(runs, 19, &extent, end),
			       "malformed"));
	memset(runs, 0, sizeof(runs));
	runs[0] = 0x0f;
	assert_non_null(strstr(refused_references(runs, sizeof(runs), &extent,
						  end),
			       "malformed"));
	/* Longer than a cluster, and as long as one with a dictionary. */
	runs[0] = 0;
	runs[3] = 1;
	runs[7] = 0x10;
	assert_non_null(strstr(refused_references(runs, 9, &extent, end),
			       "longer than its cluster"));
	runs[6] = 0xff;
	runs[7] = 0x8f;
	assert_non_null(strstr(refused_references(runs, 9, &extent, end),
			       "longer than its cluster"));

	/* Fifteen runs are the most, with a cluster of one block. */
	for (i = 0; i < INC_REFERENCES_MAX; i++) {
		memset(runs + 8 * i, 0, 8);
		runs[8 * i] = i + 1 < INC_REFERENCES_MAX ? 0x80 : 0;
		runs[8 * i + 3] = 2;
	}
	extent.cluster_shift = 0;
	assert_int_equal(dm_inc_references_decode(runs, sizeof(runs), &extent,
						  end, &back, &why), 0);
	assert_int_equal(back.count, INC_REFERENCES_MAX);
	assert_int_equal(back.bytes, 15 * 4096);
	assert_int_equal(back.size, INC_REFERENCES_SIZE_MAX);
	runs[8 * 14] = 0x80;
	assert_non_null(strstr(refused_references(runs, sizeof(runs), &extent,
						  end),
			       "cut short"));
	runs[8 * 14] = 0;
	extent.cluster_shift = 1;
	assert_non_null(strstr(refused_references(runs, sizeof(runs), &extent,
						  end),
			       "64 KiB"));
	/* A cluster that leaves no room is refused with its map entry. */
	extent = (struct inc_extent){ 0, 100, 3, INC_CODEC_LZ4_REFERENCES };
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 6,
					     end, &extent), 0);
	extent.cluster_shift = 4;
	assert_int_equal(dm_inc_entry_decode(dm_inc_entry_encode(&extent), 6,
					     end, &extent), -EINVAL);
}

static void references_bit(void **state)
{
	struct inc_super super = good_super();
	struct inc_segment seg;
	const char *why;

	(void)state;
	assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			 0);
	assert_false(seg.references);
	super.incompat = cpu_to_le64(2);
	assert_int_equal(dm_inc_segment_parse(&super, 0, 0x10000, &seg, &why),
			 0);
	assert_true(seg.references);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(super_bytes),
		cmocka_unit_test(signed_text),
		cmocka_unit_test(super_parses),
		cmocka_unit_test(startup_is_found),
		cmocka_unit_test(super_refused),
		cmocka_unit_test(dictionaries),
		cmocka_unit_test(hash_name_refused),
		cmocka_unit_test(tree_shape),
		cmocka_unit_test(tree_places),
		cmocka_unit_test(tree_used),
		cmocka_unit_test(run_bytes),
		cmocka_unit_test(directory),
		cmocka_unit_test(entries),
		cmocka_unit_test(references),
		cmocka_unit_test(references_refused),
		cmocka_unit_test(references_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
