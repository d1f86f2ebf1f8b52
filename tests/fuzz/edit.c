// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile images; see edit.h.
 */
#include <stdlib.h>
#include "fuzz/edit.h"
#include "libincremental/hash.h"

#define EDITS_MAX	64	/* in one script */
#define SEAL_MAX	1024	/* pages of a tree that is made right */
#define RUNS_ROOM	256	/* runs of a directory that is moved: 4096 bytes */

struct script {
	const u8 *at;
	const u8 *end;
};

static u8 take8(struct script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

static u64 take(struct script *script, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | take8(script);
	return value;
}

/* Integers in the superblock. */
#define FIELD(name)	{ offsetof(struct inc_super, name), \
			  sizeof(((struct inc_super *)0)->name) }
static const struct field {
	u16 offset;
	u8 width;
} fields[] = {
	FIELD(version), FIELD(head_size), FIELD(compat), FIELD(incompat),
	FIELD(generation), FIELD(block_shift), FIELD(chunk_shift),
	FIELD(cluster_shift), FIELD(pad0), FIELD(device_blocks),
	FIELD(segment_offset), FIELD(segment_size), FIELD(bitmap_offset),
	FIELD(bitmap_size), FIELD(owners_offset), FIELD(owners_size),
	FIELD(meta_offset), FIELD(meta_size), FIELD(data_offset),
	FIELD(data_size), FIELD(map_dir_offset), FIELD(tree_dir_offset),
	FIELD(map_runs), FIELD(tree_runs), FIELD(signature_offset),
	FIELD(signature_area), FIELD(signature_size), FIELD(dictionary_size),
	FIELD(dictionary_offset), FIELD(digest_size), FIELD(salt_size),
	FIELD(guarded_offset), FIELD(guarded_size), FIELD(guard_offset),
	FIELD(epoch), FIELD(startup_offset), FIELD(startup_size),
};
#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

static u64 get(const u8 *at, u32 width)
{
	u64 value = 0;

	while (width--)
		value = value << 8 | at[width];
	return value;
}

static void put(u8 *at, u32 width, u64 value)
{
	for (; width--; value >>= 8)
		*at++ = (u8)value;
}

static struct inc_super *super_of(const struct edit_image *image, u32 number)
{
	return (struct inc_super *)(image->bytes + image->seg[number].offset);
}

/* A value that is likely to be wrong in an interesting way. */
static u64 other_value(struct script *script, u64 old, const u8 *super)
{
	const struct field *field;
	u8 kind = take8(script);

	switch (kind % 8) {
	case 0:
		return old ^ 1ull << take8(script) % 64;
	case 1:
		return take8(script);
	case 2:
		return ~(u64)take8(script);
	case 3:
		return old + (u64)(int64_t)(int8_t)take8(script);
	case 4:
		return old + ((u64)(int64_t)(int8_t)take8(script) << 12);
	case 5:
		return (1ull << take8(script) % 64) +
		       (u64)(int64_t)(int8_t)take8(script);
	case 6:
		return take(script, 8);
	default:
		field = &fields[take8(script) % FIELDS];
		return get(super + field->offset, field->width);
	}
}

/* Is [offset, offset + length) in memory? */
static u8 *bytes_at(const struct edit_image *image, u64 offset, u64 length)
{
	if (offset > image->room || length > image->room - offset)
		return NULL;
	return image->bytes + offset;
}

static u32 take_segment(struct edit_image *image, struct script *script)
{
	return take8(script) % image->segments;
}

static void edit_field(struct edit_image *image, struct script *script)
{
	u8 *super = (u8 *)super_of(image, take_segment(image, script));
	const struct field *field = &fields[take8(script) % FIELDS];
	u8 *at = super + field->offset;

	put(at, field->width,
	    other_value(script, get(at, field->width), super));
}

/* A directory as the superblock has it now; NULL if it is not in memory. */
static u8 *directory(const struct edit_image *image, u32 number, bool tree,
		     u32 *runs)
{
	const struct inc_super *super = super_of(image, number);
	u64 offset = le32_to_cpu(tree ? super->tree_dir_offset :
				 super->map_dir_offset);

	*runs = le32_to_cpu(tree ? super->tree_runs : super->map_runs);
	offset += image->seg[number].offset;
	if (!*runs || offset & 15)
		return NULL;
	return bytes_at(image, offset, 16ull * *runs);
}

static void edit_run(struct edit_image *image, struct script *script)
{
	u32 number = take_segment(image, script), runs;
	u8 which = take8(script);
	u8 *at = directory(image, number, which & 1, &runs);
	u32 width = 4;

	if (!at)
		return;
	at += 16 * (take(script, 2) % runs);
	switch (which >> 1 & 7) {
	case 0:
		break;
	case 1:
		at += 4;
		break;
	default:
		at += 8;
		width = 8;
	}
	put(at, width, other_value(script, get(at, width),
				   (u8 *)super_of(image, number)));
}

/*
 * Move a directory to the signature area, where it has room, and split one of
 * its runs in two: it still leads to the same pages.
 */
static void split_run(struct edit_image *image, struct script *script)
{
	u32 number = take_segment(image, script), runs, i;
	struct inc_super *super = super_of(image, number);
	bool tree = take8(script) & 1;
	u32 page = (u32)take(script, 2);
	u32 place = INC_BLOCK_SIZE + (tree ? INC_BLOCK_SIZE : 0);
	struct inc_run run, all[RUNS_ROOM];
	u8 *at = directory(image, number, tree, &runs);
	u8 *to = bytes_at(image, image->seg[number].offset + place,
			  sizeof(all));

	if (!at || !to || runs >= RUNS_ROOM)
		return;
	memcpy(all, at, runs * sizeof(run));
	for (i = runs; i && le32_to_cpu(all[i - 1].first) > page; i--)
		;
	if (!i)
		return;
	run = all[i - 1];
	if (!(le32_to_cpu(run.flags) & INC_RUN_REPEAT))
		run.file_page = cpu_to_le64(le64_to_cpu(run.file_page) + page -
					    le32_to_cpu(run.first));
	run.first = cpu_to_le32(page);
	memmove(all + i + 1, all + i, (runs - i) * sizeof(run));
	all[i] = run;
	memcpy(to, all, (runs + 1) * sizeof(run));
	super->signature_size = super->signature_area = 0;
	if (tree) {
		super->tree_dir_offset = cpu_to_le32(place);
		super->tree_runs = cpu_to_le32(runs + 1);
	} else {
		super->map_dir_offset = cpu_to_le32(place);
		super->map_runs = cpu_to_le32(runs + 1);
	}
}

/* The map entry of @block, by the directory as it is now. Return: NULL if not in memory. */
static u8 *entry_at(const struct edit_image *image, u32 number, u64 block)
{
	const struct inc_segment *seg = &image->seg[number];
	u32 runs;
	u8 *dir = directory(image, number, false, &runs);
	u64 page;

	block %= seg->device_blocks;
	if (!dir)
		return NULL;
	page = dm_inc_dir_lookup((struct inc_run *)dir, runs,
				 inc_map_page(block));
	if (page > INC_IMAGE_SIZE_MAX >> INC_PAGE_SHIFT)
		return NULL;
	return bytes_at(image, (page << INC_PAGE_SHIFT) +
			8 * inc_map_index(block), 8);
}

static void edit_entry(struct edit_image *image, struct script *script)
{
	static const struct { u8 shift, bits; } parts[] = {
		{ 0, 40 }, { 40, 18 }, { 58, 3 }, { 61, 3 }, { 0, 64 },
	};
	u32 number = take_segment(image, script);
	u64 block = take(script, 2);
	u8 which = take8(script);
	u32 count = 1u << (which >> 5), part = which % 5, i;
	u64 mask = parts[part].bits == 64 ? ~0ull :
		   (1ull << parts[part].bits) - 1;
	struct script again = *script;

	for (i = 0; i < count; i++) {
		u8 *at = entry_at(image, number, block + i);
		u64 entry, value;

		if (!at)
			return;
		*script = again;
		entry = get(at, 8);
		value = other_value(script, entry >> parts[part].shift & mask,
				    (u8 *)super_of(image, number));
		entry &= ~(mask << parts[part].shift);
		put(at, 8, entry | (value & mask) << parts[part].shift);
	}
}

static void copy_entry(struct edit_image *image, struct script *script)
{
	u32 number = take_segment(image, script);
	u8 *from = entry_at(image, number, take(script, 2));
	u64 to = take(script, 2);
	u32 count = 1u << take8(script) % 8, i;

	for (i = 0; from && i < count; i++) {
		u8 *at = entry_at(image, number, to + i);

		if (at)
			put(at, 8, get(from, 8));
	}
}

/* The first extent with references that the map of a segment has from @block on. */
static u8 *referring_extent(const struct edit_image *image, u32 number, u64 block)
{
	u64 blocks = image->seg[number].device_blocks, i;

	for (i = 0; i < blocks && i < 1024; i++) {
		u8 *at = entry_at(image, number, (block + i) % blocks);
		u64 entry = at ? get(at, 8) : 0;

		if ((entry >> 58 & 7) == INC_CODEC_LZ4_REFERENCES)
			return bytes_at(image, entry & ((1ull << 40) - 1),
					INC_REFERENCES_SIZE_MAX);
	}
	return NULL;
}

/* Change what an extent refers to: a run's kind, its place, an extent's length. */
static void edit_references(struct edit_image *image, struct script *script)
{
	u32 number = take_segment(image, script);
	const u8 *super = (u8 *)super_of(image, number);
	u8 *run = referring_extent(image, number, take(script, 2));
	u8 which = take8(script), part = which >> 2 & 3;
	const u8 *other;
	u32 i, place;

	if (!run)
		return;
	/* The runs of an extent that was edited may lead anywhere. */
	for (i = which & 3; i && *run & 0x80; i--) {
		run += 6 + 2 * ((*run & 15u) + 1);
		if (run - image->bytes + INC_REFERENCES_SIZE_MAX >
		    (ptrdiff_t)image->room)
			return;
	}
	switch (part) {
	case 0:
		*run = (u8)other_value(script, *run, super);
		break;
	case 1:
		put(run + 1, 5, other_value(script, get(run + 1, 5), super));
		break;
	case 2:
		place = 6 + 2 * (take8(script) & 15u);
		put(run + place, 2,
		    other_value(script, get(run + place, 2), super));
		break;
	default:	/* to the extent of another block */
		other = entry_at(image, take_segment(image, script),
				 take(script, 2));
		if (other)
			put(run + 1, 5, get(other, 8));
	}
}

/* Choose a part of a segment, by its superblock before any edit. */
static void take_area(struct edit_image *image, struct script *script,
		      u64 *start, u64 *length)
{
	const struct inc_segment *seg =
		&image->seg[take_segment(image, script)];

	switch (take8(script) % 8) {
	case 0:
		*start = seg->offset;
		*length = INC_BLOCK_SIZE;
		break;
	case 1:
		*start = seg->offset;
		*length = seg->head_size;
		break;
	case 2:
		*start = seg->bitmap_offset;
		*length = ((seg->size >> seg->chunk_shift) + 7) / 8;
		break;
	case 3:
		*start = seg->owners_offset;
		*length = seg->owners_size;
		break;
	case 4:
	case 5:
		*start = seg->meta_offset;
		*length = seg->meta_size;
		break;
	default:
		*start = seg->data_offset;
		*length = seg->data_size;
	}
}

static void edit_bytes(struct edit_image *image, struct script *script)
{
	u64 start, length, offset;
	u32 width;
	u8 *at;

	take_area(image, script, &start, &length);
	width = 1u << take8(script) % 4;
	offset = take(script, 3);
	if (length < width)
		return;
	offset %= length - width + 1;
	if (width > 1)
		offset &= ~(u64)(width - 1);
	at = image->bytes + start + offset;
	put(at, width, other_value(script, get(at, width), image->bytes));
}

static void fill_bytes(struct edit_image *image, struct script *script)
{
	u64 start, length, offset, count;

	take_area(image, script, &start, &length);
	offset = take(script, 3);
	count = take(script, 2);
	if (!length)
		return;
	offset %= length;
	if (count > length - offset)
		count = length - offset;
	memset(image->bytes + start + offset, take8(script), count);
}

static void copy_page(struct edit_image *image, struct script *script)
{
	u64 pages = image->stored >> INC_PAGE_SHIFT;
	u64 from = take(script, 2) % pages, to = take(script, 2) % pages;

	memmove(image->bytes + (to << INC_PAGE_SHIFT),
		image->bytes + (from << INC_PAGE_SHIFT), INC_PAGE_SIZE);
}

/* Clear presence bits: some chunks are absent, whatever they hold. */
static void clear_bits(struct edit_image *image, struct script *script)
{
	const struct inc_segment *seg =
		&image->seg[take_segment(image, script)];
	u64 chunks = seg->size >> seg->chunk_shift;
	u64 first = take(script, 2) % chunks, count = take(script, 2), i;

	for (i = first; i < chunks && i - first < count; i++)
		image->bytes[seg->bitmap_offset + i / 8] &=
			(u8)~(1u << i % 8);
}

static void resize(struct edit_image *image, struct script *script)
{
	image->size = other_value(script, image->size, image->bytes);
	/* A file of a size that cannot be written would not test anything. */
	image->size %= 2 * INC_IMAGE_SIZE_MAX;
}

/*
 * Make the last segment larger, up to the largest image possible, and keep it
 * consistent: more chunks, a larger bitmap, a larger owner table and its guard.
 * The directories still name the same pages.
 */
static void stretch(struct edit_image *image, struct script *script)
{
	u32 number = image->segments - 1;
	const struct inc_segment *seg = &image->seg[number];
	struct inc_super *super = super_of(image, number);
	u64 chunk = 1ull << seg->chunk_shift, mask = chunk - 1;
	u64 size = seg->size + (chunk << take8(script) % 30);
	u64 chunks = size >> seg->chunk_shift;
	u64 bitmap = ((chunks + 7) / 8 + mask) & ~mask;
	/* A little more than the owners of the bytes that are left for data. */
	u64 owners = (4 * chunks + INC_PAGE_SIZE - 1) & ~(INC_PAGE_SIZE - 1ull);
	u64 at = seg->bitmap_offset + bitmap, meta, data;
	struct inc_tree guard;

	if (size > INC_IMAGE_SIZE_MAX - seg->offset ||
	    dm_inc_tree_init(&guard, owners >> INC_PAGE_SHIFT, INC_SHA256_SIZE))
		return;
	meta = (owners + (guard.pages << INC_PAGE_SHIFT) + mask) & ~mask;
	if (seg->head_size + bitmap + meta > size)
		return;
	data = size - seg->head_size - bitmap - meta;
	super->segment_size = cpu_to_le64(size);
	super->bitmap_size = cpu_to_le64(bitmap);
	super->meta_offset = cpu_to_le64(at);
	super->meta_size = cpu_to_le64(meta);
	super->owners_offset = cpu_to_le64(at);
	super->owners_size = cpu_to_le64(4 * (data >> seg->chunk_shift));
	super->guarded_offset = cpu_to_le64(at);
	super->guarded_size = cpu_to_le64(owners);
	super->guard_offset = cpu_to_le64(at + owners);
	super->data_offset = cpu_to_le64(at + meta);
	super->data_size = cpu_to_le64(data);
	image->size = seg->offset + size;
}

/* Add the first segment once more, as the next generation, on its own. */
static void append(struct edit_image *image, struct script *script)
{
	u32 number = image->segments, runs, i;
	const struct inc_segment *first = &image->seg[0];
	u64 start = image->stored, block;
	u8 moved = take8(script);
	struct inc_segment seg = *first;
	struct inc_super *super;
	u8 *dir;

	if (number == EDIT_SEGMENTS || first->size > image->room - start ||
	    start != image->size || start & ((1ull << seg.chunk_shift) - 1))
		return;
	memcpy(image->bytes + start, image->bytes, first->size);
	seg.generation = number;
	seg.offset += start;
	seg.end += start;
	seg.bitmap_offset += start;
	seg.owners_offset += start;
	seg.meta_offset += start;
	seg.data_offset += start;
	seg.guarded_offset += start;
	seg.guard_offset += start;
	image->seg[number] = seg;
	image->segments++;
	image->stored += first->size;
	image->size = image->stored;

	super = super_of(image, number);
	super->generation = cpu_to_le32(number);
	super->segment_offset = cpu_to_le64(seg.offset);
	super->bitmap_offset = cpu_to_le64(seg.bitmap_offset);
	super->owners_offset = cpu_to_le64(seg.owners_offset);
	super->meta_offset = cpu_to_le64(seg.meta_offset);
	super->data_offset = cpu_to_le64(seg.data_offset);
	super->guarded_offset = cpu_to_le64(seg.guarded_offset);
	super->guard_offset = cpu_to_le64(seg.guard_offset);
	if (seg.dictionary_size)
		super->dictionary_offset =
			cpu_to_le64(seg.dictionary_offset + start);
	/* The tree's pages or the map's may be those of the first segment. */
	for (i = 0; i < 2; i++) {
		u32 run;

		dir = moved & 1u << i ? NULL : directory(image, number, i,
							 &runs);
		for (run = 0; dir && run < runs; run++)
			put(dir + 16 * run + 8, 8, get(dir + 16 * run + 8, 8) +
			    (start >> INC_PAGE_SHIFT));
	}
	if (moved & 1)
		return;
	for (block = 0; block < seg.device_blocks && block < 4096; block++) {
		u8 *at = entry_at(image, number, block);

		if (at && get(at, 8) &&
		    !(block % INC_ENTRIES_PER_PAGE &&
		      at == entry_at(image, number, block -
				     INC_ENTRIES_PER_PAGE)))
			put(at, 8, get(at, 8) + start);
	}
}

/* One of the two hash trees of a segment, for making its digests right. */
struct sealed {
	struct edit_image *image;
	const struct inc_tree *tree;
	const struct inc_hash *hash;
	const struct inc_run *runs;	/* to its pages; NULL: they are at @offset */
	u32 count;
	u64 offset;			/* of its pages, one after the other */
	u64 blocks;			/* offset of the hashed blocks; 0: leave */
	u8 *root;
};

static u8 *sealed_page(const struct sealed *sealed, u64 number)
{
	u64 offset = sealed->offset + (number << INC_PAGE_SHIFT);

	if (sealed->runs)
		offset = dm_inc_dir_lookup(sealed->runs, sealed->count,
					   number) << INC_PAGE_SHIFT;
	return bytes_at(sealed->image, offset, INC_PAGE_SIZE);
}

/* Put the digest of @page, whose parent is on @level, into its place. */
static void seal_page(const struct sealed *sealed, const u8 *page, u32 level,
		      u64 block)
{
	u8 *parent = sealed->root;
	u32 place = 0;

	if (level < sealed->tree->levels) {
		u64 number =
			dm_inc_tree_page(sealed->tree, level, block, &place);

		parent = sealed_page(sealed, number);
	}
	if (page && parent)
		incr_hash_digest(sealed->hash, page, INC_PAGE_SIZE,
				 parent + place);
}

/* Digests along a tree, from the lowest pages to the root. */
static void seal(const struct sealed *sealed)
{
	const struct inc_tree *tree = sealed->tree;
	u32 fanout_shift = INC_PAGE_SHIFT - tree->digest_shift, level;
	u64 block, number;

	for (block = 0; sealed->blocks && block < tree->blocks; block++)
		seal_page(sealed,
			  bytes_at(sealed->image, sealed->blocks +
				   (block << INC_PAGE_SHIFT), INC_PAGE_SIZE),
			  0, block);
	for (level = 0; level < tree->levels; level++) {
		u64 end = level ? tree->first[level - 1] : tree->pages;

		for (number = tree->first[level]; number < end; number++)
			seal_page(sealed, sealed_page(sealed, number),
				  level + 1, (number - tree->first[level]) <<
				  fanout_shift * (level + 1));
	}
}

static void reseal(struct edit_image *image, u32 number)
{
	struct inc_super *super = super_of(image, number);
	struct inc_hash *hash;
	struct inc_segment seg;
	const char *why;
	u32 runs;
	u8 *dir;

	if (dm_inc_segment_parse(super, image->seg[number].offset, image->size,
				 &seg, &why) ||
	    seg.digest_size != INC_SHA256_SIZE)
		return;
	hash = incr_hash_new("sha256", seg.salt, seg.salt_size);
	if (!hash)
		return;
	dir = directory(image, number, true, &runs);
	if (image->flags & EDIT_RESEAL && dir && seg.tree.pages <= SEAL_MAX &&
	    !dm_inc_dir_check((struct inc_run *)dir, runs, seg.tree.pages,
			      seg.end, &why)) {
		const struct sealed tree = {
			.image = image, .tree = &seg.tree, .hash = hash,
			.runs = (struct inc_run *)dir, .count = runs,
			.root = super->root_digest,
		};

		seal(&tree);
	}
	if ((image->flags & EDIT_OLD_GUARD) != EDIT_OLD_GUARD &&
	    seg.guard.blocks <= SEAL_MAX) {
		const struct sealed guard = {
			.image = image, .tree = &seg.guard, .hash = hash,
			.offset = seg.guard_offset,
			.blocks = seg.guarded_offset,
			.root = super->guard_digest,
		};

		seal(&guard);
	}
	incr_hash_free(hash);
}

static void fix_heads(struct edit_image *image)
{
	u32 i;

	for (i = 0; i < image->segments; i++) {
		struct inc_super *super = super_of(image, i);
		u32 size = le32_to_cpu(super->head_size);
		u8 *head = bytes_at(image, image->seg[i].offset, size);

		if (head && size >= INC_BLOCK_SIZE)
			incr_head_digest(head, size, super->head_digest);
	}
}

int edit_segments(const void *bytes, size_t size,
		  struct inc_segment seg[EDIT_SEGMENTS], const char **why)
{
	u64 offset = 0;
	int count = 0;

	*why = "it has too many segments";
	while (offset < size && count < EDIT_SEGMENTS) {
		if (size - offset < INC_BLOCK_SIZE)
			return -EINVAL;
		if (dm_inc_segment_parse((const struct inc_super *)
					 ((const u8 *)bytes + offset), offset,
					 size, &seg[count], why))
			return -EINVAL;
		offset = seg[count++].end;
	}
	return count && offset == size ? count : -EINVAL;
}

int edit_load(struct edit_image *image, const void *bytes, size_t size)
{
	const char *why;
	int segments;

	if (4 * size > image->room)
		return -EINVAL;
	segments = edit_segments(bytes, size, image->seg, &why);
	if (segments < 0)
		return segments;
	memcpy(image->bytes, bytes, size);
	memset(image->bytes + size, 0, image->room - size);
	image->stored = size;
	image->size = size;
	image->segments = (u32)segments;
	image->flags = 0;
	return 0;
}

void edit_apply(struct edit_image *image, const u8 *bytes, size_t length)
{
	static void (*const edits[])(struct edit_image *, struct script *) = {
		edit_field, edit_run, split_run, edit_entry, copy_entry,
		edit_bytes, fill_bytes, copy_page, clear_bits, resize,
		stretch, append,
	};
	const u32 count = sizeof(edits) / sizeof(edits[0]);
	struct script script = { bytes, bytes + length };
	u32 i;

	image->flags = take8(&script);
	for (i = 0; i < EDITS_MAX && script.at < script.end; i++) {
		u8 edit = take8(&script);

		/* Came later: the others keep the bytes that they have in corpora. */
		if (edit >= 0xf0)
			edit_references(image, &script);
		else
			edits[edit % count](image, &script);
	}
	for (i = 0; i < image->segments; i++)
		reseal(image, i);
	if ((image->flags & EDIT_OLD_HEAD) != EDIT_OLD_HEAD)
		fix_heads(image);
}

u32 edit_generation(const struct edit_image *image)
{
	u32 wanted = image->flags & EDIT_GENERATION;

	return wanted == EDIT_GENERATION ? UINT32_MAX : wanted;
}

void edit_read(const struct edit_image *image, u64 offset, size_t length,
	       void *buffer)
{
	size_t part = 0;

	if (offset < image->stored) {
		part = image->stored - offset;
		if (part > length)
			part = length;
		memcpy(buffer, image->bytes + offset, part);
	}
	memset((u8 *)buffer + part, 0, length - part);
}
