// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Checks and arithmetic of the image format; see format.h. Freestanding: no
 * allocation, no I/O, no 64-bit division.
 */
#include "format.h"

static_assert(sizeof(struct inc_super) == INC_BLOCK_SIZE);
static_assert(offsetof(struct inc_super, head_digest) == 32);
static_assert(offsetof(struct inc_super, generation) == 80);
static_assert(offsetof(struct inc_super, device_blocks) == 88);
static_assert(offsetof(struct inc_super, data_size) == 168);
static_assert(offsetof(struct inc_super, map_dir_offset) == 176);
static_assert(offsetof(struct inc_super, dictionary_offset) == 208);
static_assert(offsetof(struct inc_super, hash_name) == 216);
static_assert(offsetof(struct inc_super, digest_size) == 248);
static_assert(offsetof(struct inc_super, epoch) == 252);
static_assert(offsetof(struct inc_super, root_digest) == 256);
static_assert(offsetof(struct inc_super, salt) == 320);
static_assert(offsetof(struct inc_super, guarded_offset) == 576);
static_assert(offsetof(struct inc_super, guard_digest) == 600);
static_assert(offsetof(struct inc_super, startup_offset) == 664);
static_assert(offsetof(struct inc_super, reserved) == 676);
static_assert(sizeof(struct inc_super) == INC_BLOCK_SIZE);
static_assert(sizeof(struct inc_run) == 16);
static_assert(INC_BLOCK_SIZE + INC_SIGNATURE_AREA +
	      2 * INC_RUNS_MAX * sizeof(struct inc_run) <= INC_HEAD_SIZE_MAX);

#define ENTRY_OFFSET_BITS	40
#define ENTRY_LENGTH_BITS	18
#define ENTRY_CLUSTER_BITS	3

static bool aligned(u64 value, u32 shift)
{
	return !(value & ((1ull << shift) - 1));
}

static u64 round_up_shift(u64 value, u32 shift)
{
	u64 mask = (1ull << shift) - 1;

	return (value + mask) & ~mask;
}

/* Is [offset, offset + size) inside [start, end)? Cannot overflow. */
static bool inside(u64 offset, u64 size, u64 start, u64 end)
{
	return offset >= start && offset <= end && size <= end - offset;
}

/* Have two ranges a byte in common? Neither reaches past 2^63. */
static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size && b_size && a < b + b_size && b < a + a_size;
}

/**
 * dm_inc_tree_init - the shape of the hash tree over a device
 * @tree: filled in
 * @blocks: data blocks, 1 to INC_BLOCKS_MAX
 * @digest_size: bytes of a digest, 1 to INC_DIGEST_MAX
 *
 * Levels are numbered from the data up and stored from the top down, as in
 * dm-verity version 1 (Documentation/admin-guide/device-mapper/verity.rst).
 *
 * Return: 0, or -EINVAL if an argument is out of range.
 */
int dm_inc_tree_init(struct inc_tree *tree, u64 blocks, u32 digest_size)
{
	u64 count[INC_LEVELS_MAX];
	u64 pages = blocks;
	u32 shift = 0, fanout_shift, level;

	if (!blocks || blocks > INC_BLOCKS_MAX ||
	    !digest_size || digest_size > INC_DIGEST_MAX)
		return -EINVAL;

	while ((1u << shift) < digest_size)
		shift++;
	fanout_shift = INC_PAGE_SHIFT - shift;

	memset(tree, 0, sizeof(*tree));
	tree->blocks = blocks;
	tree->digest_shift = shift;
	/* Fan-out is at least 64 and blocks below 2^32: six levels suffice. */
	while (pages > 1) {
		pages = round_up_shift(pages, fanout_shift) >> fanout_shift;
		count[tree->levels++] = pages;
	}
	for (level = tree->levels; level-- > 0;) {
		tree->first[level] = tree->pages;
		tree->pages += count[level];
	}
	return 0;
}

/**
 * dm_inc_tree_page - the tree page that holds a digest
 * @tree: from dm_inc_tree_init()
 * @level: 0 for the page with the digest of data block @block itself, 1 for
 *	the page with the digest of that page, and so on; below tree->levels
 * @block: data block, below tree->blocks
 * @digest_offset: where in the page the digest starts, bytes
 *
 * Return: the number of the page, below tree->pages.
 */
u64 dm_inc_tree_page(const struct inc_tree *tree, u32 level, u64 block,
		     u32 *digest_offset)
{
	u32 fanout_shift = INC_PAGE_SHIFT - tree->digest_shift;
	u64 position = block >> (level * fanout_shift);

	*digest_offset = (u32)(position & ((1u << fanout_shift) - 1)) <<
			 tree->digest_shift;
	return tree->first[level] + (position >> fanout_shift);
}

/**
 * dm_inc_tree_used - how much of a tree page are digests
 * @tree: from dm_inc_tree_init()
 * @level: of the page, below tree->levels
 * @block: a data block below the page, below tree->blocks
 *
 * Return: bytes; those after them are zero in a tree of this shape.
 */
u32 dm_inc_tree_used(const struct inc_tree *tree, u32 level, u64 block)
{
	u32 fanout_shift = INC_PAGE_SHIFT - tree->digest_shift;
	u64 first = block >> ((level + 1) * fanout_shift) << fanout_shift;
	u64 digests = ((tree->blocks - 1) >> (level * fanout_shift)) + 1;

	if (digests - first >= 1ull << fanout_shift)
		return INC_PAGE_SIZE;
	return (u32)(digests - first) << tree->digest_shift;
}

static const char *check_layout(const struct inc_segment *seg)
{
	u64 chunks = seg->size >> seg->chunk_shift;
	u64 bitmap_bytes = (chunks + 7) >> 3;
	u64 data_chunks;

	if (!aligned(seg->head_size, seg->chunk_shift) ||
	    seg->head_size < INC_BLOCK_SIZE ||
	    seg->head_size > INC_HEAD_SIZE_MAX || seg->head_size > seg->size)
		return "superblock: head size is out of range";
	if (seg->bitmap_offset != seg->offset + seg->head_size)
		return "superblock: presence bitmap does not follow the head";
	if (seg->bitmap_size != round_up_shift(bitmap_bytes, seg->chunk_shift) ||
	    !inside(seg->bitmap_offset, seg->bitmap_size, seg->offset, seg->end))
		return "superblock: presence bitmap size does not fit the segment";
	if (seg->meta_offset != seg->bitmap_offset + seg->bitmap_size)
		return "superblock: metadata does not follow the bitmap";
	if (!aligned(seg->meta_size, seg->chunk_shift) ||
	    !inside(seg->meta_offset, seg->meta_size, seg->offset, seg->end))
		return "superblock: metadata size is out of range";
	if (seg->data_offset != seg->meta_offset + seg->meta_size)
		return "superblock: data does not follow the metadata";
	if (!inside(seg->data_offset, seg->data_size, seg->offset, seg->end) ||
	    seg->data_offset + round_up_shift(seg->data_size, seg->chunk_shift) !=
	    seg->end)
		return "superblock: data does not end with the segment";

	data_chunks = (seg->end - seg->data_offset) >> seg->chunk_shift;
	if (seg->owners_size != data_chunks * 4)
		return "superblock: owner table does not fit the data";
	return NULL;
}

static bool head_range_ok(const struct inc_segment *seg, u32 offset, u64 size)
{
	return inside(offset, size, INC_BLOCK_SIZE, seg->head_size);
}

static const char *check_head(const struct inc_segment *seg)
{
	u64 map_bytes = (u64)seg->map_runs * sizeof(struct inc_run);
	u64 tree_bytes = (u64)seg->tree_runs * sizeof(struct inc_run);

	if (!seg->map_runs || seg->map_runs > INC_RUNS_MAX ||
	    !aligned(seg->map_dir_offset, 4) ||
	    !head_range_ok(seg, seg->map_dir_offset, map_bytes))
		return "superblock: map directory is out of range";
	if (!seg->tree_runs != !seg->tree.pages ||
	    seg->tree_runs > INC_RUNS_MAX ||
	    !aligned(seg->tree_dir_offset, 4) ||
	    !head_range_ok(seg, seg->tree_dir_offset, tree_bytes))
		return "superblock: tree directory is out of range";
	if (seg->signature_size > seg->signature_area ||
	    (seg->signature_area &&
	     !head_range_ok(seg, seg->signature_offset, seg->signature_area)))
		return "superblock: signature is out of range";
	if (overlap(seg->map_dir_offset, map_bytes,
		    seg->tree_dir_offset, tree_bytes) ||
	    overlap(seg->map_dir_offset, map_bytes,
		    seg->signature_offset, seg->signature_area) ||
	    overlap(seg->tree_dir_offset, tree_bytes,
		    seg->signature_offset, seg->signature_area))
		return "superblock: areas of the head overlap";
	return NULL;
}

static bool guarded(const struct inc_segment *seg, u64 offset, u64 size)
{
	return aligned(offset, INC_PAGE_SHIFT) &&
	       inside(offset, size, seg->guarded_offset,
		      seg->guarded_offset + seg->guarded_size);
}

static const char *check_guard(struct inc_segment *seg, u64 incompat)
{
	u64 guard_size;

	if (!seg->guarded_size || !aligned(seg->guarded_size, INC_PAGE_SHIFT) ||
	    !aligned(seg->guarded_offset, INC_PAGE_SHIFT) ||
	    !inside(seg->guarded_offset, seg->guarded_size, seg->meta_offset,
		    seg->data_offset) ||
	    dm_inc_tree_init(&seg->guard, seg->guarded_size >> INC_PAGE_SHIFT,
			     seg->digest_size))
		return "superblock: guarded pages are out of range";
	guard_size = seg->guard.pages << INC_PAGE_SHIFT;
	if (!aligned(seg->guard_offset, INC_PAGE_SHIFT) ||
	    !inside(seg->guard_offset, guard_size, seg->meta_offset,
		    seg->data_offset) ||
	    overlap(seg->guard_offset, guard_size, seg->guarded_offset,
		    seg->guarded_size))
		return "superblock: guard is out of range";
	if (!guarded(seg, seg->owners_offset, seg->owners_size))
		return "superblock: owner table is not among the guarded pages";
	if (!seg->dictionary_size != !(incompat & INC_INCOMPAT_DICTIONARY))
		return "superblock: dictionary does not fit the feature bits";
	if (seg->dictionary_size > INC_DICTIONARY_MAX ||
	    (seg->dictionary_size &&
	     !guarded(seg, seg->dictionary_offset, seg->dictionary_size)) ||
	    overlap(seg->dictionary_offset, seg->dictionary_size,
		    seg->owners_offset, seg->owners_size))
		return "superblock: dictionary is out of range";
	return NULL;
}

/* The list is a hint: an image is good without one that can be used. */
static void take_startup(struct inc_segment *seg, const struct inc_super *super)
{
	if (!(seg->compat & INC_COMPAT_STARTUP))
		return;
	seg->startup_offset = le64_to_cpu(super->startup_offset);
	seg->startup_size = le32_to_cpu(super->startup_size);
	if (seg->startup_size && seg->startup_size <= INC_STARTUP_MAX &&
	    guarded(seg, seg->startup_offset, seg->startup_size))
		return;
	seg->compat &= ~INC_COMPAT_STARTUP;
	seg->startup_offset = 0;
	seg->startup_size = 0;
}

static const char *check_hash(const struct inc_super *super,
			      struct inc_segment *seg)
{
	u32 i, length = 0;

	while (length < INC_HASH_NAME_MAX && super->hash_name[length]) {
		if (super->hash_name[length] <= ' ' ||
		    super->hash_name[length] > '~')
			return "superblock: hash name is not printable";
		length++;
	}
	if (!length || length == INC_HASH_NAME_MAX)
		return "superblock: hash name is empty or not terminated";
	for (i = length; i < INC_HASH_NAME_MAX; i++)
		if (super->hash_name[i])
			return "superblock: hash name is not padded with zeros";
	memcpy(seg->hash_name, super->hash_name, INC_HASH_NAME_MAX);

	seg->digest_size = le16_to_cpu(super->digest_size);
	if (dm_inc_tree_init(&seg->tree, seg->device_blocks, seg->digest_size))
		return "superblock: digest size is out of range";
	seg->salt_size = le16_to_cpu(super->salt_size);
	if (seg->salt_size > INC_SALT_MAX)
		return "superblock: salt is too long";
	memcpy(seg->root_digest, super->root_digest, INC_DIGEST_MAX);
	memcpy(seg->salt, super->salt, INC_SALT_MAX);
	return NULL;
}

static const char *check_super(const struct inc_super *super, u64 offset,
			       u64 image_size, struct inc_segment *seg)
{
	const char *why;

	if (memcmp(super->magic, INC_MAGIC, sizeof(super->magic)))
		return "superblock: wrong magic, not an incremental image";
	if (le32_to_cpu(super->version) != INC_VERSION)
		return "superblock: unknown format version";
	if (le64_to_cpu(super->incompat) & ~INC_INCOMPAT_KNOWN)
		return "superblock: image needs features that are not known here";
	if (super->block_shift != INC_BLOCK_SHIFT)
		return "superblock: block size is not 4096";
	if (super->chunk_shift < INC_CHUNK_SHIFT_MIN ||
	    super->chunk_shift > INC_CHUNK_SHIFT_MAX)
		return "superblock: chunk size is not 4 to 64 KiB";
	if (super->cluster_shift > INC_CLUSTER_SHIFT_MAX)
		return "superblock: cluster size is over 256 KiB";
	seg->compat = le64_to_cpu(super->compat) & INC_COMPAT_KNOWN;
	seg->chunk_shift = super->chunk_shift;
	seg->cluster_shift = super->cluster_shift;

	seg->generation = le32_to_cpu(super->generation);
	if (!offset && seg->generation && super->segment_offset)
		return "superblock: it is of a layer, which belongs behind its image";
	if (seg->generation >= INC_SEGMENTS_MAX || !seg->generation != !offset)
		return "superblock: generation does not fit the segment's place";
	seg->device_blocks = le64_to_cpu(super->device_blocks);
	if (!seg->device_blocks || seg->device_blocks > INC_BLOCKS_MAX)
		return "superblock: device size is out of range";

	seg->offset = le64_to_cpu(super->segment_offset);
	seg->size = le64_to_cpu(super->segment_size);
	if (image_size > INC_IMAGE_SIZE_MAX)
		image_size = INC_IMAGE_SIZE_MAX;
	if (seg->offset != offset || !aligned(offset, seg->chunk_shift))
		return "superblock: segment is not where it says";
	if (!seg->size || !aligned(seg->size, seg->chunk_shift))
		return "superblock: segment size is not whole chunks";
	if (!inside(offset, seg->size, 0, image_size))
		return "segment ends past the end of the image: truncated?";
	seg->end = seg->offset + seg->size;

	seg->head_size = le32_to_cpu(super->head_size);
	seg->bitmap_offset = le64_to_cpu(super->bitmap_offset);
	seg->bitmap_size = le64_to_cpu(super->bitmap_size);
	seg->owners_offset = le64_to_cpu(super->owners_offset);
	seg->owners_size = le64_to_cpu(super->owners_size);
	seg->meta_offset = le64_to_cpu(super->meta_offset);
	seg->meta_size = le64_to_cpu(super->meta_size);
	seg->data_offset = le64_to_cpu(super->data_offset);
	seg->data_size = le64_to_cpu(super->data_size);
	why = check_layout(seg);
	if (why)
		return why;

	why = check_hash(super, seg);
	if (why)
		return why;

	seg->map_dir_offset = le32_to_cpu(super->map_dir_offset);
	seg->tree_dir_offset = le32_to_cpu(super->tree_dir_offset);
	seg->map_runs = le32_to_cpu(super->map_runs);
	seg->tree_runs = le32_to_cpu(super->tree_runs);
	seg->map_pages = inc_map_page(seg->device_blocks - 1) + 1;
	seg->signature_offset = le32_to_cpu(super->signature_offset);
	seg->signature_area = le32_to_cpu(super->signature_area);
	seg->signature_size = le32_to_cpu(super->signature_size);
	seg->epoch = le32_to_cpu(super->epoch);
	seg->dictionary_size = le32_to_cpu(super->dictionary_size);
	seg->dictionary_offset = le64_to_cpu(super->dictionary_offset);
	seg->references = le64_to_cpu(super->incompat) & INC_INCOMPAT_REFERENCES;
	why = check_head(seg);
	if (why)
		return why;
	seg->guarded_offset = le64_to_cpu(super->guarded_offset);
	seg->guarded_size = le64_to_cpu(super->guarded_size);
	seg->guard_offset = le64_to_cpu(super->guard_offset);
	why = check_guard(seg, le64_to_cpu(super->incompat));
	if (why)
		return why;
	memcpy(seg->guard_digest, super->guard_digest, INC_DIGEST_MAX);
	take_startup(seg, super);

	memcpy(seg->head_digest, super->head_digest, sizeof(seg->head_digest));
	memcpy(seg->uuid, super->uuid, sizeof(seg->uuid));
	return NULL;
}

/**
 * dm_inc_segment_parse - check a superblock and decode it
 * @super: 4096 bytes read from @offset of the image
 * @offset: bytes from the start of the image
 * @image_size: bytes of the image file or backing device; may be more than the
 *	image has
 * @seg: filled in; undefined on failure
 * @why: on failure, a sentence that names the fault
 *
 * On success every size and offset in @seg is inside the segment, the segment
 * inside the image, both directories inside the head, owner table, dictionary
 * and guard inside the metadata, and none of them overlap. The contents of the
 * head, beyond the superblock, are not looked at: dm_inc_dir_check() does that,
 * and the caller compares the head's digest.
 *
 * Return: 0 or -EINVAL.
 */
int dm_inc_segment_parse(const struct inc_super *super, u64 offset,
			 u64 image_size, struct inc_segment *seg,
			 const char **why)
{
	memset(seg, 0, sizeof(*seg));
	*why = check_super(super, offset, image_size, seg);
	return *why ? -EINVAL : 0;
}

static u64 run_pages(const struct inc_run *runs, u32 count, u32 i, u64 pages)
{
	u64 next = i + 1 < count ? le32_to_cpu(runs[i + 1].first) : pages;

	return next - le32_to_cpu(runs[i].first);
}

/**
 * dm_inc_dir_check - check a directory
 * @runs: as on disk
 * @count: number of @runs, at least 1
 * @pages: metadata pages that the directory covers, at least 1
 * @image_end: end of the directory's segment, bytes: no page lies past it
 * @why: on failure, a sentence that names the fault
 *
 * Return: 0 or -EINVAL. Only a checked directory may be looked up.
 */
int dm_inc_dir_check(const struct inc_run *runs, u32 count, u64 pages,
		     u64 image_end, const char **why)
{
	u64 end_page = image_end >> INC_PAGE_SHIFT;
	u32 i;

	if (!count || le32_to_cpu(runs[0].first)) {
		*why = "directory does not start with page 0";
		return -EINVAL;
	}
	for (i = 1; i < count; i++) {
		if (le32_to_cpu(runs[i].first) <=
		    le32_to_cpu(runs[i - 1].first)) {
			*why = "directory is not sorted";
			return -EINVAL;
		}
	}
	if (le32_to_cpu(runs[count - 1].first) >= pages) {
		*why = "directory has more pages than the device";
		return -EINVAL;
	}
	for (i = 0; i < count; i++) {
		u32 flags = le32_to_cpu(runs[i].flags);
		u64 used = flags & INC_RUN_REPEAT ?
			   1 : run_pages(runs, count, i, pages);

		if (flags & ~INC_RUN_REPEAT) {
			*why = "directory has an unknown run flag";
			return -EINVAL;
		}
		if (!inside(le64_to_cpu(runs[i].file_page), used, 0, end_page)) {
			*why = "directory points past the end of the segment";
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * dm_inc_dir_lookup - where a metadata page is
 * @runs: a directory that passed dm_inc_dir_check()
 * @count: number of @runs
 * @page: number of the metadata page, below the directory's page count
 *
 * Return: its place in 4096-byte units of the image file.
 */
u64 dm_inc_dir_lookup(const struct inc_run *runs, u32 count, u64 page)
{
	u32 low = 0, high = count;

	/* Invariant: runs[low].first <= page < runs[high].first. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (le32_to_cpu(runs[middle].first) <= page)
			low = middle;
		else
			high = middle;
	}
	if (le32_to_cpu(runs[low].flags) & INC_RUN_REPEAT)
		return le64_to_cpu(runs[low].file_page);
	return le64_to_cpu(runs[low].file_page) +
	       (page - le32_to_cpu(runs[low].first));
}

/**
 * dm_inc_entry_decode - check a map entry and decode it
 * @entry: in CPU byte order
 * @cluster_shift_max: the segment's cluster_shift
 * @image_end: end of the generation's segment, bytes
 * @extent: filled in; undefined on failure
 *
 * On success the extent lies before @image_end, is 1 byte to one cluster long,
 * and expands to at most 64 blocks, to at most 8 if it refers. Whether the segment
 * that it starts in has what its codec needs is the caller's to check.
 *
 * Return: 0 or -EINVAL.
 */
int dm_inc_entry_decode(u64 entry, u32 cluster_shift_max, u64 image_end,
			struct inc_extent *extent)
{
	if (!entry) {
		memset(extent, 0, sizeof(*extent));
		return 0;
	}
	extent->offset = entry & ((1ull << ENTRY_OFFSET_BITS) - 1);
	entry >>= ENTRY_OFFSET_BITS;
	extent->length = (u32)(entry & ((1u << ENTRY_LENGTH_BITS) - 1)) + 1;
	entry >>= ENTRY_LENGTH_BITS;
	extent->cluster_shift = entry & ((1u << ENTRY_CLUSTER_BITS) - 1);
	extent->codec = (u8)(entry >> ENTRY_CLUSTER_BITS);

	if (extent->cluster_shift > cluster_shift_max ||
	    !inside(extent->offset, extent->length, 0, image_end))
		return -EINVAL;
	switch (extent->codec) {
	case INC_CODEC_STORED:
		return extent->length == inc_cluster_bytes(extent) ?
		       0 : -EINVAL;
	case INC_CODEC_LZ4:
	case INC_CODEC_LZ4_DICT:
		return extent->length < inc_cluster_bytes(extent) ?
		       0 : -EINVAL;
	case INC_CODEC_LZ4_REFERENCES:
		return extent->length < inc_cluster_bytes(extent) &&
		       extent->cluster_shift <= INC_REFERENCES_SHIFT ?
		       0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/**
 * dm_inc_entry_encode - make a map entry
 * @extent: within the limits that dm_inc_entry_decode() checks
 *
 * Return: the entry in CPU byte order, 0 for INC_CODEC_ZERO.
 */
u64 dm_inc_entry_encode(const struct inc_extent *extent)
{
	if (extent->codec == INC_CODEC_ZERO)
		return 0;
	return extent->offset |
	       (u64)(extent->length - 1) << ENTRY_OFFSET_BITS |
	       (u64)extent->cluster_shift <<
			(ENTRY_OFFSET_BITS + ENTRY_LENGTH_BITS) |
	       (u64)extent->codec << (ENTRY_OFFSET_BITS + ENTRY_LENGTH_BITS +
				      ENTRY_CLUSTER_BITS);
}

#define RUN_HEAD		6		/* bytes before its lengths */
#define RUN_COUNT		0x0f
#define RUN_SHIFT		4
#define RUN_MORE		0x80
#define RUN_RESERVED		0x40
#define RUN_DICTIONARY		0x8000

/* One of a run's extents: its place is known, its length and codec are @bits. */
static const char *decode_reference(u16 bits, struct inc_extent *reference,
				    const struct inc_extent *extent, u64 end)
{
	u32 cluster = inc_cluster_bytes(reference);

	reference->length = (u32)(bits & ~RUN_DICTIONARY) + 1;
	if (bits & RUN_DICTIONARY)
		reference->codec = INC_CODEC_LZ4_DICT;
	else
		reference->codec = reference->length < cluster ?
				   INC_CODEC_LZ4 : INC_CODEC_STORED;
	if (reference->length > cluster ||
	    (reference->length == cluster &&
	     reference->codec != INC_CODEC_STORED))
		return "a reference is longer than its cluster";
	if (!inside(reference->offset, reference->length, 0, end))
		return "a reference is past the end of its segment";
	if (overlap(reference->offset, reference->length, extent->offset,
		    extent->length))
		return "it refers to itself";
	return NULL;
}

static const char *decode_references(const u8 *stored, u32 length,
				     const struct inc_extent *extent, u64 end,
				     struct inc_references *references)
{
	u32 room = INC_REFERENCES_REACH - inc_cluster_bytes(extent);
	u32 at = 0, i, count;
	const char *why;
	bool more = true;

	for (; more; at += RUN_HEAD + 2 * count) {
		struct inc_extent reference = { 0 };

		if (at >= length || length - at <= RUN_HEAD)
			return "its references are cut short";
		more = stored[at] & RUN_MORE;
		count = (stored[at] & RUN_COUNT) + 1u;
		if (count > INC_REFERENCES_MAX || stored[at] & RUN_RESERVED)
			return "its references are malformed";
		if (length - at - RUN_HEAD <= 2 * count)
			return "its references are cut short";
		reference.cluster_shift = stored[at] >> RUN_SHIFT & 3;
		for (i = 0; i < RUN_HEAD - 1; i++)
			reference.offset |= (u64)stored[at + 1 + i] << (8 * i);
		for (i = 0; i < count; i++) {
			u32 place = at + RUN_HEAD + 2 * i;

			if (references->count == INC_REFERENCES_MAX ||
			    references->bytes + inc_cluster_bytes(&reference) > room)
				return "its references and its cluster have more than 64 KiB";
			why = decode_reference((u16)(stored[place] |
						     stored[place + 1] << 8),
					       &reference, extent, end);
			if (why)
				return why;
			references->extents[references->count++] = reference;
			references->bytes += inc_cluster_bytes(&reference);
			reference.offset += reference.length;
		}
	}
	references->size = at;
	return NULL;
}

/**
 * dm_inc_references_decode - check the references of an extent and decode them
 * @stored: the first @length bytes of the extent: all of them, or at least one more
 *	than INC_REFERENCES_SIZE_MAX
 * @length: bytes
 * @extent: of INC_CODEC_LZ4_REFERENCES, as dm_inc_entry_decode() makes it
 * @end: end of the segment that @extent starts in, bytes
 * @references: filled in; undefined on failure
 * @why: on failure, what is wrong with the extent, to follow "its extent: "
 *
 * On success there are 1 to INC_REFERENCES_MAX references. Each lies before @end, has
 * no byte of @extent, is of another codec, and is as long as its codec allows. All they
 * expand to and the cluster of @extent have at most INC_REFERENCES_REACH bytes.
 * @stored has at least a byte more. That the segment in which a reference starts has
 * a dictionary, if its codec needs one, is the caller's to check.
 *
 * Return: 0 or -EINVAL.
 */
int dm_inc_references_decode(const u8 *stored, u32 length,
			     const struct inc_extent *extent, u64 end,
			     struct inc_references *references,
			     const char **why)
{
	memset(references, 0, sizeof(*references));
	*why = decode_references(stored, length, extent, end, references);
	return *why ? -EINVAL : 0;
}

/* How many extents from @i on are one run. */
static u32 run_length(const struct inc_references *references, u32 i)
{
	const struct inc_extent *extents = references->extents;
	u32 count = 1;

	while (i + count < references->count &&
	       extents[i + count].cluster_shift == extents[i].cluster_shift &&
	       extents[i + count].offset == extents[i + count - 1].offset +
					    extents[i + count - 1].length)
		count++;
	return count;
}

/**
 * dm_inc_references_encode - make the runs of an extent's references
 * @references: @count and @extents, within the limits that
 *	dm_inc_references_decode() checks
 * @stored: room for INC_REFERENCES_SIZE_MAX bytes
 *
 * Return: bytes of @stored.
 */
u32 dm_inc_references_encode(const struct inc_references *references,
			     u8 *stored)
{
	u32 at = 0, i = 0, j, count;

	for (; i < references->count; i += count) {
		const struct inc_extent *first = &references->extents[i];

		count = run_length(references, i);
		stored[at++] = (u8)((count - 1) |
				    first->cluster_shift << RUN_SHIFT |
				    (i + count < references->count ?
				     RUN_MORE : 0));
		for (j = 0; j < RUN_HEAD - 1; j++)
			stored[at++] = (u8)(first->offset >> (8 * j));
		for (j = 0; j < count; j++) {
			u32 bits = first[j].length - 1;

			if (first[j].codec == INC_CODEC_LZ4_DICT)
				bits |= RUN_DICTIONARY;
			stored[at++] = (u8)bits;
			stored[at++] = (u8)(bits >> 8);
		}
	}
	return at;
}

/**
 * dm_inc_signed_text - what a signature is of
 * @root: root digest of a generation
 * @digest_size: its bytes, at most INC_DIGEST_MAX
 * @epoch: of that generation
 * @text: INC_SIGNED_TEXT_MAX bytes; ends with a zero
 *
 * Without an epoch it is what dm-verity takes signatures of.
 *
 * Return: the bytes of @text, without the zero.
 */
u32 dm_inc_signed_text(const u8 *root, u32 digest_size, u32 epoch, char *text)
{
	static const char digits[] = "0123456789abcdef";
	u32 i, length = 2 * digest_size;

	for (i = 0; i < digest_size; i++) {
		text[2 * i] = digits[root[i] >> 4];
		text[2 * i + 1] = digits[root[i] & 15];
	}
	text[length] = '\0';
	if (epoch)
		length += (u32)snprintf(text + length,
					INC_SIGNED_TEXT_MAX - length,
					" epoch %u", epoch);
	return length;
}
