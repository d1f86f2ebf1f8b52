// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a segment; see segment.h.
 *
 * Where the data starts is known only when all metadata is. Until then extents
 * and metadata pages are spooled, and offsets count from the data's start.
 */
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "io.h"
#include "segment/guard.h"
#include "segment/segment.h"

/*
 * The least room for a layer's signature: one by RSA-4096, with its certificate
 * and one above it.
 */
#define LAYER_SIGNATURE		3584u

struct segment_known {
	u32 tag;		/* of the cluster's id */
	u32 number;		/* of its record, plus 1; 0: empty */
};

/* A cluster that was stored. */
struct record {
	u8 id[INC_SHA256_SIZE];
	u64 entry;
};

static u64 round_up(u64 value, u32 shift)
{
	u64 mask = (1ull << shift) - 1;

	return (value + mask) & ~mask;
}

int segment_init(struct segment *seg, const char *dir)
{
	int ret = metadata_init(&seg->meta, seg->hash, seg->device_blocks,
				seg->chunk_shift, dir);

	if (ret)
		return ret;
	seg->data = spool_new(dir);
	seg->ids = spool_new(dir);
	return seg->data && seg->ids ? 0 : -EIO;
}

void segment_free(struct segment *seg)
{
	metadata_free(&seg->meta);
	within_free(seg->within);
	spool_free(seg->data);
	spool_free(seg->ids);
	free(seg->known);
	free(seg->signature);
	free(seg->startup);
}

static int known_grow(struct segment *seg)
{
	u64 room = segment_known_room(seg->known_room, seg->known_count), i, at;
	struct segment_known *more;

	if (room == seg->known_room)
		return 0;
	more = calloc(room, sizeof(*more));
	if (!more) {
		message_error("out of memory for %u clusters",
			      seg->known_count);
		return -ENOMEM;
	}
	for (i = 0; i < seg->known_room; i++) {
		if (!seg->known[i].number)
			continue;
		for (at = seg->known[i].tag; more[at & (room - 1)].number; at++)
			;
		more[at & (room - 1)] = seg->known[i];
	}
	free(seg->known);
	seg->known = more;
	seg->known_room = room;
	return 0;
}

/*
 * The entry of a stored cluster with the same contents, or 0 after making
 * place for this one.
 */
static int find_known(struct segment *seg, const u8 *id, u64 *entry,
		      struct segment_known **place)
{
	struct record record;
	u64 at;
	u32 tag;
	int ret = known_grow(seg);

	if (ret)
		return ret;
	memcpy(&tag, id, sizeof(tag));
	for (at = tag;; at++) {
		struct segment_known *known =
			&seg->known[at & (seg->known_room - 1)];

		*place = known;
		if (!known->number)
			break;
		if (known->tag != tag)
			continue;
		ret = spool_read(seg->ids,
				 (u64)(known->number - 1) * sizeof(record),
				 sizeof(record), &record);
		if (ret)
			return ret;
		if (!memcmp(record.id, id, sizeof(record.id))) {
			*entry = record.entry;
			return 0;
		}
	}
	(*place)->tag = tag;
	*entry = 0;
	return 0;
}

/*
 * Would a reader that comes from the chunk's owner not find an extent of @block
 * next? (The map's list lacks the page that is being filled, and the owner may lie
 * among copies.)
 */
static bool out_of_reach(const struct segment *seg, u64 block, u64 looks)
{
	if (seg->compat & INC_COMPAT_NEAR)
		return block < seg->last || inc_map_page(block) != inc_map_page(seg->owner);
	return looks - seg->looks + 2 > INC_WALK_PAGES;
}

/* What follows begins at a chunk. */
static int pad_to_chunk(struct segment *seg)
{
	static const u8 zeros[1u << INC_CHUNK_SHIFT_MAX];
	u64 size = spool_size(seg->data);

	return spool_append(seg->data, zeros, round_up(size, seg->chunk_shift) - size);
}

/*
 * An extent of @block goes to a chunk of its own. A reader of the chunk before goes no
 * further than to that one's owner, if this is a later block than its own owner. If it
 * would miss an extent so, a chunk without an owner comes between.
 */
static int start_chunk(struct segment *seg, u64 block)
{
	static const u8 zeros[1u << INC_CHUNK_SHIFT_MAX];
	int ret = pad_to_chunk(seg);
	u64 start = spool_size(seg->data);

	if (ret || block <= seg->owner || block > seg->last)
		return ret;
	ret = spool_append(seg->data, zeros, 1u << seg->chunk_shift);
	return ret ? ret : metadata_add_extent(&seg->meta, start, 1,
					       INC_NO_OWNER);
}

/* Does an extent hold the first byte of a chunk, which makes it an owner? */
static bool owns(const struct segment *seg, const struct inc_extent *extent)
{
	return round_up(extent->offset, seg->chunk_shift) <
	       extent->offset + extent->length;
}

/* Store a cluster behind the others. */
static int append(struct segment *seg, u64 block, const struct cluster *cluster,
		  u64 looks, u64 *entry)
{
	struct inc_extent extent = {
		.length = cluster->length,
		.cluster_shift = cluster->shift,
		.codec = cluster->codec,
	};
	int ret = 0;

	if (out_of_reach(seg, block, looks))
		ret = start_chunk(seg, block);
	if (ret)
		return ret;
	extent.offset = spool_size(seg->data);
	if (owns(seg, &extent)) {
		seg->looks = looks;
		seg->owner = block;
	}
	seg->last = block;
	if (seg->offset + extent.offset + extent.length > INC_IMAGE_SIZE_MAX) {
		message_error("the image would be larger than 1 TiB, the format's limit");
		return -EFBIG;
	}
	ret = spool_append(seg->data, cluster->stored, cluster->length);
	if (!ret)
		ret = metadata_add_extent(&seg->meta, extent.offset,
					  extent.length, block);
	extent.offset += seg->offset;
	*entry = dm_inc_entry_encode(&extent);
	return ret;
}

/* The same, with references to others if that is worth while. */
static int append_referring(struct segment *seg, u64 block,
			    const struct cluster *cluster, u64 looks, u64 *entry)
{
	struct cluster made = *cluster;
	int ret = within_refer(seg->within, &made);

	if (!ret)
		ret = append(seg, block, &made, looks, entry);
	return ret ? ret : within_stored(seg->within, block, &made, *entry);
}

int segment_store(struct segment *seg, u64 block,
		  const struct cluster *cluster, u64 looks, u64 *entry)
{
	struct segment_known *place = NULL;
	struct record record;
	int ret = 0;

	*entry = 0;
	if (cluster->whole)
		ret = find_known(seg, cluster->id, entry, &place);
	if (ret)
		return ret;
	if (*entry) {
		seg->shared++;
		seg->shared_bytes += cluster->length;
		return 0;
	}
	ret = seg->within ? append_referring(seg, block, cluster, looks, entry) :
			    append(seg, block, cluster, looks, entry);
	if (ret || !place)
		return ret;
	memset(&record, 0, sizeof(record));
	memcpy(record.id, cluster->id, sizeof(record.id));
	record.entry = *entry;
	ret = spool_append(seg->ids, &record, sizeof(record));
	place->number = ++seg->known_count;
	return ret;
}

static int add_hole(struct segment *seg, u64 blocks)
{
	int ret = metadata_add_digest(&seg->meta, seg->zero_digest, blocks);

	seg->clusters[INC_CODEC_ZERO] +=
		(blocks + (1u << seg->cluster_shift) - 1) >> seg->cluster_shift;
	return ret ? ret : metadata_add_entry(&seg->meta, 0, blocks);
}

/* Of a batch's clusters those that are stored uncompressed, or the others. */
enum which { ALL, PLAIN, COMPRESSED };

/* So many in a batch are worth the padding that aligning them takes. */
#define PLAIN_LEAST	16u

static bool is_of(const struct cluster *cluster, enum which which)
{
	if (cluster->codec == INC_CODEC_ZERO || cluster->entry)
		return false;
	return which == ALL || (cluster->codec == INC_CODEC_STORED) == (which == PLAIN);
}

static u32 count_of(const struct batch *batch, enum which which)
{
	u32 count = 0, i;

	for (i = 0; i < batch->cluster_count; i++)
		count += is_of(&batch->clusters[i], which);
	return count;
}

/* In a layer any page of the map before @block may have to be looked at. */
static u64 looks_to(const struct segment *seg, u64 block)
{
	return seg->generation ? inc_map_page(block) :
	       pagelist_looks(&seg->meta.map.list, &seg->meta.map_runs);
}

static int store_clusters(struct segment *seg, const struct batch *batch,
			  enum which which, u64 *entries)
{
	bool first = which != ALL;
	u64 block = batch->block;
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < batch->cluster_count; i++) {
		const struct cluster *cluster = &batch->clusters[i];

		if (is_of(cluster, which)) {
			if (first)
				ret = start_chunk(seg, block);
			first = false;
			if (!ret)
				ret = segment_store(seg, block, cluster,
						    looks_to(seg, block),
						    &entries[i]);
		}
		block += 1u << cluster->shift;
	}
	return ret;
}

int segment_store_batch(struct segment *seg, const struct batch *batch, u64 *entries)
{
	bool apart = seg->plain_apart && count_of(batch, PLAIN) >= PLAIN_LEAST;
	int ret = 0;
	u32 i;

	for (i = 0; i < batch->cluster_count; i++) {
		entries[i] = batch->clusters[i].entry;
		seg->clusters[batch->clusters[i].codec]++;
	}
	if (apart)
		ret = store_clusters(seg, batch, PLAIN, entries);
	return ret ? ret : store_clusters(seg, batch, apart ? COMPRESSED : ALL, entries);
}

int segment_add(struct segment *seg, const struct batch *batch)
{
	u64 entries[BATCH_BLOCKS], done = 0;
	int ret = 0;
	u64 i;

	if (batch->hole)
		return add_hole(seg, batch->blocks);
	for (i = 0; !ret && i < batch->blocks; i++)
		ret = metadata_add_digest(&seg->meta, batch->digest[i], 1);
	if (!ret)
		ret = segment_store_batch(seg, batch, entries);
	for (i = 0; !ret && i < batch->cluster_count; i++) {
		u64 left = batch->blocks - done, step = 1u << batch->clusters[i].shift;

		ret = metadata_add_entry(&seg->meta, entries[i],
					 left < step ? left : step);
		done += step;
	}
	return ret;
}

/* Where a list's pages are: those that lead, and the others. */
struct pages {
	u64 leading;
	u64 others;
};

/* The places of all parts, from the start of the segment. */
struct layout {
	u32 signature_area;
	u64 bitmap_offset, bitmap_size;
	u64 meta_offset, meta_size;
	u64 startup_offset, dictionary_offset, owners_offset;
	u64 guarded_offset, guarded_size;	/* these and the map */
	struct pages map, level[INC_LEVELS_MAX];
	u64 data_offset, data_size;
	struct guard guard;
};

/*
 * A layer's directories take room that its signature can spare beyond
 * LAYER_SIGNATURE bytes: every page counts in a layer, and few signatures are
 * larger.
 */
static u32 signature_area(const struct segment *seg, u64 directories)
{
	u32 least = seg->signature_size > LAYER_SIGNATURE ?
		    seg->signature_size : LAYER_SIGNATURE;
	u32 room;

	for (room = INC_PAGE_SIZE; seg->generation && room <= INC_SIGNATURE_AREA;
	     room *= 2)
		if (least + directories <= room)
			return room - (u32)directories;
	return INC_SIGNATURE_AREA;
}

static u64 put_leading(struct pages *pages, const struct pagelist *list,
		       u64 offset)
{
	pages->leading = offset;
	return offset + (list->leading << INC_PAGE_SHIFT);
}

static u64 put_others(struct pages *pages, const struct pagelist *list,
		      u64 offset)
{
	pages->others = offset;
	return offset + ((list->stored - list->leading) << INC_PAGE_SHIFT);
}

/*
 * The metadata, in the order in which reading the image needs it. What leads is all
 * in one piece, up to the first pages of the owner table.
 */
static void lay_out_metadata(struct segment *seg, struct layout *to)
{
	u64 offset = to->meta_offset;
	u32 levels = seg->meta.tree.levels, i;

	for (i = levels; i-- > 0;)
		offset = put_leading(&to->level[i], &seg->meta.level[i].list,
				     offset);
	to->guard.offset = offset;
	offset += to->guard.tree.pages << INC_PAGE_SHIFT;
	to->guarded_offset = to->startup_offset = offset;
	offset += round_up(seg->startup_room, INC_PAGE_SHIFT);
	to->dictionary_offset = offset;
	offset += round_up(seg->dictionary_size, INC_PAGE_SHIFT);
	offset = put_leading(&to->map, &seg->meta.map.list, offset);
	to->owners_offset = offset;
	offset += round_up(spool_size(seg->meta.owners), INC_PAGE_SHIFT);
	offset = put_others(&to->map, &seg->meta.map.list, offset);
	for (i = levels; i-- > 0;)
		offset = put_others(&to->level[i], &seg->meta.level[i].list,
				    offset);
}

static int lay_out(struct segment *seg, struct layout *to, const char *name)
{
	u64 runs = (u64)seg->meta.map_runs.count + seg->meta.tree_runs.count;
	u64 directories = runs * sizeof(struct inc_run);
	u64 head = INC_BLOCK_SIZE + signature_area(seg, directories) +
		   directories;
	u64 owners = spool_size(seg->meta.owners), pages;
	u32 shift = seg->chunk_shift;
	u64 before;
	u32 i;

	head = round_up(head, shift);
	if (head > INC_HEAD_SIZE_MAX) {
		message_error("%s: the directories take %llu bytes, over the format's limit",
			      name, (unsigned long long)head);
		return -EFBIG;
	}
	seg->head_size = (u32)head;

	memset(to, 0, sizeof(*to));
	to->signature_area = signature_area(seg, directories);
	to->guarded_size = round_up(seg->startup_room, INC_PAGE_SHIFT) +
			   round_up(seg->dictionary_size, INC_PAGE_SHIFT) +
			   round_up(owners, INC_PAGE_SHIFT) +
			   (seg->meta.map.list.stored << INC_PAGE_SHIFT);
	dm_inc_tree_init(&to->guard.tree, to->guarded_size >> INC_PAGE_SHIFT,
			 INC_SHA256_SIZE);
	pages = to->guard.tree.pages;
	for (i = 0; i < seg->meta.tree.levels; i++)
		pages += seg->meta.level[i].list.stored;
	to->meta_size = round_up(to->guarded_size + (pages << INC_PAGE_SHIFT),
				 shift);
	to->data_size = spool_size(seg->data);
	/* The bitmap has bits for its own chunks, too. */
	do {
		before = to->bitmap_size;
		seg->size = head + before + to->meta_size +
			    round_up(to->data_size, shift);
		to->bitmap_size = round_up(((seg->size >> shift) + 7) / 8,
					   shift);
	} while (to->bitmap_size != before);

	to->bitmap_offset = head;
	to->meta_offset = head + to->bitmap_size;
	lay_out_metadata(seg, to);
	to->data_offset = to->meta_offset + to->meta_size;
	if (seg->offset + seg->size > INC_IMAGE_SIZE_MAX) {
		message_error("%s: the image would be larger than 1 TiB, the format's limit",
			      name);
		return -EFBIG;
	}
	return 0;
}

/* Offset in the segment of a list's page that is @at in its order. */
static u64 page_offset(const struct pages *pages, const struct pagelist *list,
		       u64 at)
{
	return at < list->leading ?
	       pages->leading + (at << INC_PAGE_SHIFT) :
	       pages->others + ((at - list->leading) << INC_PAGE_SHIFT);
}

/* A list's runs, its own pages being at @pages of the segment at @start. */
static struct inc_run *put_runs(struct inc_run *to, const struct pagelist *list,
				u64 first, const struct pages *pages, u64 start)
{
	u32 i;

	for (i = 0; i < list->run_count; i++, to++) {
		const struct pagelist_run *run = &list->runs[i];
		u64 offset = start + page_offset(pages, list, run->at);

		to->first = cpu_to_le32((u32)(first + run->first));
		to->flags = cpu_to_le32(run->repeat ? INC_RUN_REPEAT : 0);
		to->file_page = cpu_to_le64(run->old ? run->at :
					    offset >> INC_PAGE_SHIFT);
	}
	return to;
}

static u64 incompat(const struct segment *seg)
{
	return (seg->dictionary_size ? INC_INCOMPAT_DICTIONARY : 0) |
	       (seg->clusters[INC_CODEC_LZ4_REFERENCES] ||
		within_any(seg->within) ? INC_INCOMPAT_REFERENCES : 0);
}

static int write_head(struct segment *seg, const struct layout *at, int fd,
		      const char *name)
{
	u8 *head = calloc(1, seg->head_size);
	struct inc_super *super = (struct inc_super *)head;
	u32 map_dir = INC_BLOCK_SIZE + at->signature_area;
	u64 start = seg->offset;
	struct inc_run *run;
	u32 level;
	int ret;

	if (!head) {
		message_error("out of memory for the head");
		return -ENOMEM;
	}
	run = (struct inc_run *)(head + map_dir);
	run = put_runs(run, &seg->meta.map.list, 0, &at->map, start);
	super->tree_dir_offset = cpu_to_le32((u32)((u8 *)run - head));
	for (level = seg->meta.tree.levels; level-- > 0;)
		run = put_runs(run, &seg->meta.level[level].list,
			       seg->meta.tree.first[level], &at->level[level],
			       start);

	memcpy(super->magic, INC_MAGIC, sizeof(super->magic));
	super->version = cpu_to_le32(INC_VERSION);
	super->head_size = cpu_to_le32(seg->head_size);
	super->compat = cpu_to_le64(seg->compat | (seg->startup_size ?
						   INC_COMPAT_STARTUP : 0));
	memcpy(super->uuid, seg->uuid, sizeof(super->uuid));
	super->generation = cpu_to_le32(seg->generation);
	super->block_shift = INC_BLOCK_SHIFT;
	super->chunk_shift = (u8)seg->chunk_shift;
	super->cluster_shift = (u8)seg->cluster_shift;
	super->device_blocks = cpu_to_le64(seg->device_blocks);
	super->segment_offset = cpu_to_le64(start);
	super->segment_size = cpu_to_le64(seg->size);
	super->bitmap_offset = cpu_to_le64(start + at->bitmap_offset);
	super->bitmap_size = cpu_to_le64(at->bitmap_size);
	super->owners_offset = cpu_to_le64(start + at->owners_offset);
	super->owners_size = cpu_to_le64(spool_size(seg->meta.owners));
	super->meta_offset = cpu_to_le64(start + at->meta_offset);
	super->meta_size = cpu_to_le64(at->meta_size);
	super->data_offset = cpu_to_le64(start + at->data_offset);
	super->data_size = cpu_to_le64(at->data_size);
	super->map_dir_offset = cpu_to_le32(map_dir);
	super->map_runs = cpu_to_le32(seg->meta.map_runs.count);
	super->tree_runs = cpu_to_le32(seg->meta.tree_runs.count);
	super->signature_offset = cpu_to_le32(INC_BLOCK_SIZE);
	super->signature_area = cpu_to_le32(at->signature_area);
	strcpy((char *)super->hash_name, "sha256");
	super->digest_size = cpu_to_le16(INC_SHA256_SIZE);
	super->salt_size = cpu_to_le16((u16)seg->salt_size);
	super->epoch = cpu_to_le32(seg->epoch);
	memcpy(super->root_digest, seg->meta.root, INC_SHA256_SIZE);
	memcpy(super->salt, seg->salt, seg->salt_size);
	super->incompat = cpu_to_le64(incompat(seg));
	if (seg->dictionary_size) {
		super->dictionary_size = cpu_to_le32(seg->dictionary_size);
		super->dictionary_offset = cpu_to_le64(start +
						       at->dictionary_offset);
	}
	if (seg->startup_size) {
		super->startup_offset = cpu_to_le64(start + at->startup_offset);
		super->startup_size = cpu_to_le32(seg->startup_size);
	}
	super->guarded_offset = cpu_to_le64(start + at->guarded_offset);
	super->guarded_size = cpu_to_le64(at->guarded_size);
	super->guard_offset = cpu_to_le64(start + at->guard.offset);
	memcpy(super->guard_digest, at->guard.root, INC_SHA256_SIZE);
	if (seg->signature) {
		super->signature_size = cpu_to_le32(seg->signature_size);
		memcpy(head + INC_BLOCK_SIZE, seg->signature,
		       seg->signature_size);
	}
	incr_head_digest(head, seg->head_size, super->head_digest);

	ret = write_all(fd, 0, head, seg->head_size, name);
	free(head);
	return ret;
}

static int write_bitmap(const struct segment *seg, const struct layout *at,
			int fd, const char *name)
{
	u64 chunks = seg->size >> seg->chunk_shift;
	u8 *bits = calloc(1, at->bitmap_size);
	int ret;

	if (!bits) {
		message_error("out of memory for the presence bitmap");
		return -ENOMEM;
	}
	memset(bits, 0xff, chunks / 8);
	if (chunks % 8)
		bits[chunks / 8] = (u8)((1u << chunks % 8) - 1);
	ret = write_all(fd, at->bitmap_offset, bits, at->bitmap_size, name);
	free(bits);
	return ret;
}

static int write_guarded(struct layout *at, u64 offset, const void *page)
{
	int ret = write_all(at->guard.fd, offset, page, INC_PAGE_SIZE,
			    at->guard.name);

	return ret ? ret : guard_add(&at->guard, page);
}

/* @size of @data's bytes, and zeros up to @room. */
static int write_guarded_bytes(struct layout *at, u64 offset, const void *data,
			       u32 size, u32 room)
{
	u32 done;
	int ret = 0;

	for (done = 0; !ret && done < room; done += INC_PAGE_SIZE) {
		u8 page[INC_PAGE_SIZE] = { 0 };
		u32 left = size > done ? size - done : 0;

		if (left)
			memcpy(page, (const u8 *)data + done,
			       left < sizeof(page) ? left : sizeof(page));
		ret = write_guarded(at, offset + done, page);
	}
	return ret;
}

static int write_owners(struct segment *seg, struct layout *at)
{
	u64 size = spool_size(seg->meta.owners), done;
	int ret = 0;

	for (done = 0; !ret && done < size; done += INC_PAGE_SIZE) {
		u8 page[INC_PAGE_SIZE] = { 0 };
		u64 left = size - done;

		ret = spool_read(seg->meta.owners, done,
				 left < sizeof(page) ? left : sizeof(page),
				 page);
		if (!ret)
			ret = write_guarded(at, at->owners_offset + done, page);
	}
	return ret;
}

/*
 * Turn an offset of the data into one of the image; an extent of an earlier
 * segment has one already.
 */
static u64 place_entry(const struct segment *seg, const struct layout *at,
		       u64 entry)
{
	u64 offset = entry & (INC_IMAGE_SIZE_MAX - 1);

	return entry && offset >= seg->offset ? entry + at->data_offset : entry;
}

/* The stored page that is @number in the list's order. */
static int read_page(struct pagelist *list, u64 number, void *page)
{
	if (list->order)
		number = list->order[number];
	return spool_read(list->spool, number << INC_PAGE_SHIFT, INC_PAGE_SIZE,
			  page);
}

/* Pages @number to @end - 1 of the map. */
static int write_map(struct segment *seg, struct layout *at, u64 number,
		     u64 end)
{
	struct pagelist *list = &seg->meta.map.list;
	__le64 page[INC_ENTRIES_PER_PAGE];
	int ret = 0;
	u32 i;

	for (; !ret && number < end; number++) {
		ret = read_page(list, number, page);
		if (ret)
			return ret;
		for (i = 0; i < INC_ENTRIES_PER_PAGE; i++)
			page[i] = cpu_to_le64(place_entry(seg, at,
							le64_to_cpu(page[i])));
		ret = write_guarded(at, page_offset(&at->map, list, number),
				    page);
	}
	return ret;
}

static int write_level(struct segment *seg, const struct layout *at, u32 level,
		       int fd, const char *name)
{
	struct pagelist *list = &seg->meta.level[level].list;
	const struct pages *pages = &at->level[level];
	u8 page[INC_PAGE_SIZE];
	int ret = 0;
	u64 i;

	if (!list->order)
		return spool_copy(list->spool, fd, pages->others, name);
	for (i = 0; !ret && i < list->stored; i++) {
		ret = read_page(list, i, page);
		if (!ret)
			ret = write_all(fd, page_offset(pages, list, i), page,
					sizeof(page), name);
	}
	return ret;
}

static int write_tree(struct segment *seg, const struct layout *at, int fd,
		      const char *name)
{
	u32 level;
	int ret = 0;

	for (level = seg->meta.tree.levels; !ret && level-- > 0;)
		ret = write_level(seg, at, level, fd, name);
	return ret;
}

/* In file order, as the guard takes them. */
static int write_guarded_pages(struct segment *seg, struct layout *at)
{
	const struct pagelist *map = &seg->meta.map.list;
	int ret = write_guarded_bytes(at, at->startup_offset, seg->startup,
				      seg->startup_size, seg->startup_room);

	if (!ret)
		ret = write_guarded_bytes(at, at->dictionary_offset,
					  seg->dictionary,
					  seg->dictionary_size,
					  seg->dictionary_size);
	if (!ret)
		ret = write_map(seg, at, 0, map->leading);
	if (!ret)
		ret = write_owners(seg, at);
	if (!ret)
		ret = write_map(seg, at, map->leading, map->stored);
	return ret ? ret : guard_finish(&at->guard);
}

int segment_finish(struct segment *seg)
{
	return metadata_finish(&seg->meta);
}

int segment_write(struct segment *seg, int fd, const char *name)
{
	struct layout at;
	int ret = lay_out(seg, &at, name);

	if (ret)
		return ret;
	/* No bytes of the last time may be left where zeros belong. */
	if ((seg->data_written && seg->data_written != at.data_offset &&
	     ftruncate(fd, 0)) || ftruncate(fd, (off_t)seg->size)) {
		ret = -errno;
		message_error("%s: cannot give it %llu bytes: %s", name,
			      (unsigned long long)seg->size, strerror(-ret));
		return ret;
	}
	at.guard.hash = seg->hash;
	at.guard.fd = fd;
	at.guard.name = name;
	ret = write_bitmap(seg, &at, fd, name);
	if (!ret)
		ret = write_guarded_pages(seg, &at);
	if (!ret)
		ret = write_tree(seg, &at, fd, name);
	if (!ret && seg->data_written != at.data_offset)
		ret = spool_copy(seg->data, fd, at.data_offset, name) ?:
		      within_write(seg->within, fd, at.data_offset, name);
	if (!ret)
		seg->data_written = at.data_offset;
	return ret ? ret : write_head(seg, &at, fd, name);
}
