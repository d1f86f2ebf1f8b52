// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the format code that the kernel module and libincremental share,
 * function by function, each against the promises of its comment or against a plain
 * way to do the same.
 */
#include "fuzz/fuzz.h"

struct input {
	const u8 *at;
	const u8 *end;
};

static u64 take(struct input *input, u32 bytes)
{
	u64 value = 0;

	for (; bytes--; value |= input->at < input->end ? *input->at++ : 0)
		value <<= 8;
	return value;
}

/* A number of one to eight bytes, by the first byte. */
static u64 take_number(struct input *input)
{
	return take(input, 1 + (u32)take(input, 1) % 8);
}

static bool within(u64 offset, u64 size, u64 start, u64 end)
{
	return offset >= start && size <= end && offset <= end - size;
}

static void check_tree(const struct inc_tree *tree, u64 block)
{
	u64 count = tree->blocks, end = tree->pages, index = block;
	u32 level, place;

	MUST(tree->levels <= INC_LEVELS_MAX);
	MUST(!tree->levels == (tree->blocks == 1));
	for (level = 0; level < tree->levels; level++) {
		u64 fanout = INC_PAGE_SIZE >> tree->digest_shift;
		u64 page;

		page = dm_inc_tree_page(tree, level, block, &place);
		count = (count + fanout - 1) / fanout;
		MUST(end - tree->first[level] == count);
		MUST(page >= tree->first[level] && page < end);
		MUST(place == index % fanout << tree->digest_shift);
		index /= fanout;
		MUST(page - tree->first[level] == index);
		end = tree->first[level];
	}
	MUST(!end && (!tree->levels || count == 1));
}

/* The text names the epoch and nothing else: it is read back. */
static void check_signed_text(const struct inc_segment *seg)
{
	char text[INC_SIGNED_TEXT_MAX];
	u32 length = dm_inc_signed_text(seg->root_digest, seg->digest_size,
					seg->epoch, text);
	u32 epoch = 0;

	MUST(length == strlen(text) && length < sizeof(text));
	MUST(strspn(text, "0123456789abcdef") == 2 * seg->digest_size);
	MUST((length == 2 * seg->digest_size) == !seg->epoch);
	if (seg->epoch)
		MUST(sscanf(text + 2 * seg->digest_size, " epoch %u",
			    &epoch) == 1);
	MUST(epoch == seg->epoch);
}

static void check_segment(const struct inc_segment *seg, u64 offset, u64 size)
{
	u64 chunk = 1ull << seg->chunk_shift;

	MUST(seg->offset == offset && seg->end == offset + seg->size);
	MUST(within(seg->offset, seg->size, 0, size));
	MUST(seg->end <= INC_IMAGE_SIZE_MAX);
	MUST(seg->head_size >= INC_BLOCK_SIZE &&
	     seg->head_size <= INC_HEAD_SIZE_MAX);
	MUST(seg->bitmap_offset == seg->offset + seg->head_size);
	MUST(seg->meta_offset == seg->bitmap_offset + seg->bitmap_size);
	MUST(seg->data_offset == seg->meta_offset + seg->meta_size);
	MUST(seg->data_offset + seg->data_size <= seg->end);
	MUST(!((seg->offset | seg->size | seg->bitmap_offset |
		seg->meta_offset | seg->data_offset) & (chunk - 1)));
	MUST(seg->bitmap_size * 8 >= seg->size >> seg->chunk_shift);
	MUST(within(seg->guarded_offset, seg->guarded_size, seg->meta_offset,
		    seg->data_offset));
	MUST(within(seg->guard_offset, seg->guard.pages << INC_PAGE_SHIFT,
		    seg->meta_offset, seg->data_offset));
	MUST(within(seg->owners_offset, seg->owners_size, seg->guarded_offset,
		    seg->guarded_offset + seg->guarded_size));
	MUST(!seg->dictionary_size ||
	     within(seg->dictionary_offset, seg->dictionary_size,
		    seg->guarded_offset,
		    seg->guarded_offset + seg->guarded_size));
	MUST(seg->dictionary_size <= INC_DICTIONARY_MAX);
	MUST(seg->map_runs && seg->map_runs <= INC_RUNS_MAX &&
	     within(seg->map_dir_offset, 16ull * seg->map_runs,
		    INC_BLOCK_SIZE, seg->head_size));
	MUST(seg->tree_runs <= INC_RUNS_MAX &&
	     within(seg->tree_dir_offset, 16ull * seg->tree_runs,
		    INC_BLOCK_SIZE, seg->head_size));
	MUST(!seg->tree_runs == !seg->tree.pages);
	MUST(!seg->signature_area ||
	     within(seg->signature_offset, seg->signature_area,
		    INC_BLOCK_SIZE, seg->head_size));
	MUST(seg->signature_size <= seg->signature_area);
	MUST(seg->device_blocks && seg->device_blocks <= INC_BLOCKS_MAX);
	MUST(seg->map_pages == (seg->device_blocks + 511) / 512);
	MUST(seg->tree.blocks == seg->device_blocks);
	MUST(seg->digest_size && seg->digest_size <= INC_DIGEST_MAX);
	MUST(seg->salt_size <= INC_SALT_MAX);
	MUST(strnlen(seg->hash_name, INC_HASH_NAME_MAX) < INC_HASH_NAME_MAX);
	check_tree(&seg->tree, 0);
	check_tree(&seg->tree, seg->device_blocks - 1);
	if (seg->compat & INC_COMPAT_STARTUP) {
		MUST(seg->startup_size && seg->startup_size <= INC_STARTUP_MAX);
		MUST(within(seg->startup_offset, seg->startup_size,
			    seg->guarded_offset,
			    seg->guarded_offset + seg->guarded_size));
	} else {
		MUST(!seg->startup_offset && !seg->startup_size);
	}
	MUST(seg->guard.blocks == seg->guarded_size >> INC_PAGE_SHIFT);
	check_tree(&seg->guard, seg->guard.blocks - 1);
	check_signed_text(seg);
}

static void test_segment(const u8 *data, size_t size)
{
	struct edit_image image;
	struct inc_segment seg;
	const char *why = NULL;
	u32 i;

	fuzz_image(data, size, &image);
	for (i = 0; i < image.segments; i++) {
		u64 offset = image.seg[i].offset;
		struct inc_super *super =
			(struct inc_super *)(image.bytes + offset);

		if (!dm_inc_segment_parse(super, offset, image.size, &seg,
					  &why)) {
			MUST(!why);
			check_segment(&seg, offset, image.size);
		} else {
			MUST(why && *why);
		}
	}
}

/* The run with @page, found by looking at all. */
static u64 plain_lookup(const struct inc_run *runs, u32 count, u64 page)
{
	u32 i = count - 1;

	while (le32_to_cpu(runs[i].first) > page)
		i--;
	if (le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT)
		return le64_to_cpu(runs[i].file_page);
	return le64_to_cpu(runs[i].file_page) + page -
	       le32_to_cpu(runs[i].first);
}

static void test_directory(struct input *input)
{
	u64 pages = take_number(input), image_end = take_number(input);
	u64 first = 0, probes[8], page;
	struct inc_run runs[64];
	const char *why = NULL;
	u32 count, i;

	/* Sorted more often than not; the rest is as it comes. */
	for (count = 0; count < 64 && input->at < input->end; count++) {
		u64 kind = take(input, 1);

		runs[count].first = cpu_to_le32((u32)first);
		runs[count].flags = cpu_to_le32(kind < 250 ? kind & 1 :
						(u32)take_number(input));
		runs[count].file_page = cpu_to_le64(take_number(input));
		first += kind < 16 ? take_number(input) : 1 + (kind >> 4);
	}
	if (dm_inc_dir_check(runs, count, pages, image_end, &why)) {
		MUST(why && *why);
		return;
	}
	for (i = 0; i < 6; i++)
		probes[i] = take_number(input) % pages;
	probes[6] = 0;
	probes[7] = pages - 1;
	for (i = 0; i < 8; i++) {
		page = dm_inc_dir_lookup(runs, count, probes[i]);
		MUST(page == plain_lookup(runs, count, probes[i]));
		MUST(page < image_end >> INC_PAGE_SHIFT);
	}
	for (i = 0; i < count; i++) {
		page = dm_inc_dir_lookup(runs, count,
					 le32_to_cpu(runs[i].first));
		MUST(page == le64_to_cpu(runs[i].file_page));
	}
}

static void test_tree(struct input *input)
{
	u64 blocks = take_number(input);
	u32 digest_size = (u32)take(input, take(input, 1) & 1 ? 4 : 1);
	struct inc_tree tree;
	u32 i;

	if (dm_inc_tree_init(&tree, blocks, digest_size)) {
		MUST(!blocks || blocks > INC_BLOCKS_MAX || !digest_size ||
		     digest_size > INC_DIGEST_MAX);
		return;
	}
	MUST(1u << tree.digest_shift >= digest_size &&
	     1u << tree.digest_shift < 2 * digest_size);
	check_tree(&tree, 0);
	check_tree(&tree, blocks - 1);
	for (i = 0; i < 4; i++)
		check_tree(&tree, take_number(input) % blocks);
}

static void test_entry(struct input *input)
{
	u64 entry = take(input, 8), image_end = take_number(input);
	u32 shift = (u32)take(input, 1) % 8;
	struct inc_extent extent;

	if (dm_inc_entry_decode(entry, shift, image_end, &extent))
		return;
	MUST(dm_inc_entry_encode(&extent) == entry);
	if (!entry) {
		MUST(extent.codec == INC_CODEC_ZERO && !extent.length);
		return;
	}
	MUST(extent.cluster_shift <= shift);
	MUST(extent.length && extent.length <= inc_cluster_bytes(&extent));
	MUST(within(extent.offset, extent.length, 0, image_end));
	MUST(extent.codec >= INC_CODEC_STORED &&
	     (extent.codec <= INC_CODEC_LZ4_DICT ||
	      extent.codec == INC_CODEC_LZ4_REFERENCES));
	MUST(extent.codec != INC_CODEC_LZ4_REFERENCES ||
	     inc_cluster_bytes(&extent) < INC_REFERENCES_REACH);
	MUST(inc_cluster_start(&extent, 12345) <= 12345 &&
	     12345 - inc_cluster_start(&extent, 12345) <
	     1u << extent.cluster_shift);
}

/* What is decoded is in its bounds, and the same after encoding it. */
static void test_references(struct input *input)
{
	struct inc_extent extent = { .codec = INC_CODEC_LZ4_REFERENCES };
	struct inc_references found, again;
	u64 end = take_number(input);
	u8 runs[INC_REFERENCES_SIZE_MAX + 1] = { 0 };
	const char *why = NULL;
	u32 i, bytes = 0, length;

	extent.cluster_shift = take(input, 1) % (INC_REFERENCES_SHIFT + 1);
	extent.offset = take_number(input) % INC_IMAGE_SIZE_MAX;
	extent.length = 1 + (u32)take(input, 2) % inc_cluster_bytes(&extent);
	length = (u32)(input->end - input->at);
	if (dm_inc_references_decode(input->at, length, &extent, end, &found,
				     &why)) {
		MUST(why && *why);
		return;
	}
	MUST(!why && found.count && found.count <= INC_REFERENCES_MAX);
	MUST(found.size < length && found.size <= INC_REFERENCES_SIZE_MAX);
	for (i = 0; i < found.count; i++) {
		const struct inc_extent *reference = &found.extents[i];

		MUST(!dm_inc_entry_decode(dm_inc_entry_encode(reference),
					  INC_REFERENCES_SHIFT, end, &extent));
		MUST(reference->codec >= INC_CODEC_STORED &&
		     reference->codec <= INC_CODEC_LZ4_DICT);
		bytes += inc_cluster_bytes(reference);
	}
	MUST(bytes == found.bytes && bytes < INC_REFERENCES_REACH);
	extent = (struct inc_extent){ .length = 0 };
	length = dm_inc_references_encode(&found, runs);
	MUST(length <= found.size);
	MUST(!dm_inc_references_decode(runs, length + 1, &extent, end, &again,
				       &why));
	MUST(again.size == length && again.count == found.count &&
	     !memcmp(again.extents, found.extents, sizeof(found.extents)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input input = { data + 1, data + size };

	if (!size)
		return 0;
	if (data[0] >= 0xf8) {
		test_references(&input);
		return 0;
	}
	switch (data[0] % 4) {
	case 0:
		test_segment(input.at, size - 1);
		break;
	case 1:
		test_directory(&input);
		break;
	case 2:
		test_tree(&input);
		break;
	case 3:
		test_entry(&input);
		break;
	}
	return 0;
}
