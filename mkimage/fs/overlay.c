// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A generation with changes on top; see overlay.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/overlay.h"
#include "io.h"
#include "libincremental/hash.h"
#include "mkimage.h"
#include "spool.h"

/* Blocks whose changes one page of bits tells. */
#define REGION_SHIFT	15
#define REGION_BLOCKS	(1u << REGION_SHIFT)

/* Blocks kept: filesystems come back to the same few again and again. */
#define CACHE_BLOCKS	1024u

struct region {
	u64 bits[REGION_BLOCKS / 64];
};

/* A set of blocks. */
struct marks {
	struct region **regions;
	u64 count;
};

struct cached {
	u64 block;		/* plus 1; 0: empty */
	u8 data[INC_BLOCK_SIZE];
};

struct overlay {
	struct incr_image *image;	/* NULL: @raw is below */
	int raw;
	const char *name;
	struct inc_hash *hash;
	int fd;			/* changed blocks, each at its own place */
	u64 blocks;
	u64 base;		/* blocks that the image still backs */
	struct marks changed;
	struct marks old;	/* see overlay_note_old() */
	u64 noted;		/* how often */
	bool compressed;	/* see overlay_note_compressed() */
	struct cached *cache;
};

static const u8 zero_block[INC_BLOCK_SIZE];

/* @new is allocated, its hash too if it needs one; NULL: no memory. */
static int open_new(struct overlay **overlay, struct overlay *new, u64 blocks,
		    const char *name, const char *dir)
{
	if (!new)
		return no_memory();
	new->name = name;
	new->blocks = new->base = blocks;
	new->fd = -1;
	new->cache = calloc(CACHE_BLOCKS, sizeof(*new->cache));
	if (!new->cache || (new->image && !new->hash)) {
		overlay_close(new);
		return no_memory();
	}
	new->fd = spool_open_file(dir);
	if (new->fd < 0) {
		overlay_close(new);
		return -EIO;
	}
	*overlay = new;
	return 0;
}

int overlay_open(struct overlay **overlay, struct incr_image *image,
		 const char *name, const char *dir)
{
	const struct inc_segment *seg = incr_image_segment(image);
	struct overlay *new = calloc(1, sizeof(*new));

	if (new) {
		new->image = image;
		new->hash = incr_hash_new(seg->hash_name, seg->salt,
					  seg->salt_size);
	}
	return open_new(overlay, new, seg->device_blocks, name, dir);
}

int overlay_open_raw(struct overlay **overlay, int fd, u64 blocks,
		     const char *name, const char *dir)
{
	struct overlay *new = calloc(1, sizeof(*new));

	if (new)
		new->raw = fd;
	return open_new(overlay, new, blocks, name, dir);
}

static void marks_free(struct marks *marks)
{
	u64 i;

	for (i = 0; i < marks->count; i++)
		free(marks->regions[i]);
	free(marks->regions);
}

void overlay_close(struct overlay *overlay)
{
	if (!overlay)
		return;
	if (overlay->fd >= 0)
		close(overlay->fd);
	marks_free(&overlay->changed);
	marks_free(&overlay->old);
	free(overlay->cache);
	incr_hash_free(overlay->hash);
	free(overlay);
}

struct incr_image *overlay_image(const struct overlay *overlay)
{
	return overlay->image;
}

const char *overlay_name(const struct overlay *overlay)
{
	return overlay->name;
}

u64 overlay_blocks(const struct overlay *overlay)
{
	return overlay->blocks;
}

static bool marked(const struct marks *marks, u64 block)
{
	const struct region *region;

	if (block >> REGION_SHIFT >= marks->count)
		return false;
	region = marks->regions[block >> REGION_SHIFT];
	block %= REGION_BLOCKS;
	return region && region->bits[block / 64] >> block % 64 & 1;
}

static int mark(struct marks *marks, u64 block)
{
	u64 number = block >> REGION_SHIFT;

	if (number >= marks->count) {
		u64 count = marks->count ? 2 * marks->count : 16;
		struct region **more;

		if (count <= number)
			count = number + 1;
		more = realloc(marks->regions, count * sizeof(*more));
		if (!more)
			return no_memory();
		memset(more + marks->count, 0,
		       (count - marks->count) * sizeof(*more));
		marks->regions = more;
		marks->count = count;
	}
	if (!marks->regions[number])
		marks->regions[number] = calloc(1, sizeof(struct region));
	if (!marks->regions[number])
		return no_memory();
	block %= REGION_BLOCKS;
	marks->regions[number]->bits[block / 64] |= 1ull << block % 64;
	return 0;
}

/* Clear the marks of the blocks from @block up to @end. */
static void unmark(struct marks *marks, u64 block, u64 end)
{
	for (; block < end; block++) {
		struct region *region;

		if (block >> REGION_SHIFT >= marks->count)
			return;
		region = marks->regions[block >> REGION_SHIFT];
		if (!region)
			block |= REGION_BLOCKS - 1;
		else
			region->bits[block % REGION_BLOCKS / 64] &=
				~(1ull << block % 64);
	}
}

static bool next_marked(const struct marks *marks, u64 block, u64 *first,
			u64 *end)
{
	u64 limit = marks->count << REGION_SHIFT;

	for (; block < limit; block++) {
		const struct region *region =
			marks->regions[block >> REGION_SHIFT];

		if (!region)
			block |= REGION_BLOCKS - 1;
		else if (!(region->bits[block % REGION_BLOCKS / 64] >>
			   block % 64))
			block |= 63;
		else if (marked(marks, block))
			break;
	}
	if (block >= limit)
		return false;
	*first = block;
	while (marked(marks, block))
		block++;
	*end = block;
	return true;
}

static bool changed(const struct overlay *overlay, u64 block)
{
	return marked(&overlay->changed, block);
}

static struct cached *cache_place(struct overlay *overlay, u64 block)
{
	return &overlay->cache[block % CACHE_BLOCKS];
}

int overlay_resize(struct overlay *overlay, u64 blocks)
{
	u32 i;

	if (!blocks || blocks > INC_BLOCKS_MAX) {
		message_error("%s: a device of %llu blocks is not possible",
			      overlay->name, (unsigned long long)blocks);
		return -EFBIG;
	}
	if (blocks < overlay->base)
		overlay->base = blocks;
	if (blocks < overlay->blocks) {
		unmark(&overlay->changed, blocks, overlay->blocks);
		for (i = 0; i < CACHE_BLOCKS; i++)
			if (overlay->cache[i].block > blocks)
				overlay->cache[i].block = 0;
	}
	overlay->blocks = blocks;
	return 0;
}

static int read_base(struct overlay *overlay, u64 block, u64 count, void *data)
{
	struct incr_error error;
	int ret;

	if (!overlay->image)
		return read_all(overlay->raw, block << INC_BLOCK_SHIFT, data,
				count << INC_BLOCK_SHIFT, overlay->name);
	ret = incr_image_read(overlay->image, block, count, data, &error);
	if (ret)
		message_error("%s: %s", overlay->name, error.text);
	return ret;
}

/* Whole blocks, all of them changed or none. */
static int read_blocks(struct overlay *overlay, u64 block, u64 count, u8 *data)
{
	u64 base = block < overlay->base ? overlay->base - block : 0;

	if (changed(overlay, block))
		return read_all(overlay->fd, block << INC_BLOCK_SHIFT, data,
				count << INC_BLOCK_SHIFT, SPOOL_NAME);
	if (base > count)
		base = count;
	memset(data + (base << INC_BLOCK_SHIFT), 0,
	       (count - base) << INC_BLOCK_SHIFT);
	return base ? read_base(overlay, block, base, data) : 0;
}

/* One block, by way of the cache. */
static int read_block(struct overlay *overlay, u64 block, const u8 **data)
{
	struct cached *place = cache_place(overlay, block);
	int ret = 0;

	if (place->block != block + 1) {
		place->block = 0;
		ret = read_blocks(overlay, block, 1, place->data);
		if (!ret)
			place->block = block + 1;
	}
	*data = place->data;
	return ret;
}

static int check_range(const struct overlay *overlay, u64 offset, size_t length)
{
	u64 size = overlay->blocks << INC_BLOCK_SHIFT;

	if (offset <= size && length <= size - offset)
		return 0;
	message_error("%s: its filesystem refers to offset %llu, past the device's end at %llu",
		      overlay->name, (unsigned long long)offset + length,
		      (unsigned long long)size);
	return -EINVAL;
}

/* How many whole blocks from @block on, up to @most, are alike. */
static u64 alike(const struct overlay *overlay, u64 block, u64 most)
{
	bool first = changed(overlay, block);
	u64 count = 1;

	while (count < most && changed(overlay, block + count) == first)
		count++;
	return count;
}

int overlay_read(struct overlay *overlay, u64 offset, size_t length,
		 void *buffer)
{
	u8 *bytes = buffer;
	int ret = check_range(overlay, offset, length);

	while (!ret && length) {
		u64 block = offset >> INC_BLOCK_SHIFT;
		u32 at = (u32)(offset % INC_BLOCK_SIZE);
		size_t part = INC_BLOCK_SIZE - at;
		const u8 *data;

		if (!at && length >= 2 * INC_BLOCK_SIZE) {
			part = alike(overlay, block,
				     length >> INC_BLOCK_SHIFT) <<
			       INC_BLOCK_SHIFT;
			ret = read_blocks(overlay, block,
					  part >> INC_BLOCK_SHIFT, bytes);
		} else {
			part = part < length ? part : length;
			ret = read_block(overlay, block, &data);
			if (!ret)
				memcpy(bytes, data + at, part);
		}
		bytes += part;
		offset += part;
		length -= part;
	}
	return ret;
}

/* Does the image have @data there? */
static int as_before(struct overlay *overlay, u64 block, const void *data,
		     bool *same)
{
	u8 old[INC_SHA256_SIZE], new[INC_SHA256_SIZE];
	struct incr_error error;
	int ret;

	if (block >= overlay->base) {
		*same = !memcmp(data, zero_block, sizeof(zero_block));
		return 0;
	}
	ret = incr_image_digests(overlay->image, block, 1, old, &error);
	if (ret) {
		message_error("%s: %s", overlay->name, error.text);
		return ret;
	}
	incr_hash_digest(overlay->hash, data, INC_BLOCK_SIZE, new);
	*same = !memcmp(old, new, sizeof(old));
	return 0;
}

int overlay_same(struct overlay *overlay, u64 block, const void *data,
		 bool *same)
{
	const u8 *now;
	int ret = check_range(overlay, block << INC_BLOCK_SHIFT,
			      INC_BLOCK_SIZE);

	if (ret)
		return ret;
	if (!changed(overlay, block))
		return as_before(overlay, block, data, same);
	ret = read_block(overlay, block, &now);
	*same = !ret && !memcmp(now, data, INC_BLOCK_SIZE);
	return ret;
}

static int write_block(struct overlay *overlay, u64 block, const void *data)
{
	struct cached *place = cache_place(overlay, block);
	bool same;
	int ret;

	ret = as_before(overlay, block, data, &same);
	if (ret)
		return ret;
	if (same) {
		unmark(&overlay->changed, block, block + 1);
	} else {
		ret = write_all(overlay->fd, block << INC_BLOCK_SHIFT, data,
				INC_BLOCK_SIZE, SPOOL_NAME);
		if (!ret)
			ret = mark(&overlay->changed, block);
	}
	place->block = 0;
	if (!ret) {
		memcpy(place->data, data, INC_BLOCK_SIZE);
		place->block = block + 1;
	}
	return ret;
}

int overlay_write(struct overlay *overlay, u64 offset, size_t length,
		  const void *buffer)
{
	const u8 *bytes = buffer;
	int ret = check_range(overlay, offset, length);

	while (!ret && length) {
		u64 block = offset >> INC_BLOCK_SHIFT;
		u32 at = (u32)(offset % INC_BLOCK_SIZE);
		size_t part = INC_BLOCK_SIZE - at;
		u8 whole[INC_BLOCK_SIZE];
		const u8 *old;

		part = part < length ? part : length;
		if (part == INC_BLOCK_SIZE) {
			ret = write_block(overlay, block, bytes);
		} else {
			ret = read_block(overlay, block, &old);
			if (ret)
				break;
			memcpy(whole, old, sizeof(whole));
			memcpy(whole + at, bytes, part);
			ret = write_block(overlay, block, whole);
		}
		bytes += part;
		offset += part;
		length -= part;
	}
	return ret;
}

bool overlay_next(const struct overlay *overlay, u64 block, u64 *first,
		  u64 *end)
{
	return next_marked(&overlay->changed, block, first, end);
}

void overlay_note_compressed(struct overlay *overlay)
{
	overlay->compressed = true;
}

bool overlay_compressed(const struct overlay *overlay)
{
	return overlay->compressed;
}

int overlay_note_old(struct overlay *overlay, u64 block, u64 count)
{
	u64 blocks = overlay->image ?
		     incr_image_segment(overlay->image)->device_blocks : 0;
	int ret = 0;

	/* A hostile image may have any number of files of the same blocks. */
	for (; !ret && count && block < blocks && overlay->noted < blocks;
	     count--, overlay->noted++)
		ret = mark(&overlay->old, block++);
	return ret;
}

bool overlay_next_old(const struct overlay *overlay, u64 block, u64 *first,
		      u64 *end)
{
	return next_marked(&overlay->old, block, first, end);
}
