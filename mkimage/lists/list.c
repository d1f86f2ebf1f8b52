// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a start-up list; see list.h.
 *
 * Which metadata verifying takes is not computed but seen: the ranges are verified
 * as the loader will do it, through an incr_io that notes what is read. Metadata
 * that come in are verified, too, until nothing new does.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/message.h"
#include "io.h"
#include "lists/list.h"
#include "mkimage.h"

/* Data that follow each other in the file have one place in the order, up to this. */
#define STRETCH		(256u << 10)
/* Bytes that are verified at a time. */
#define VERIFY_MAX	(1u << 20)

/**
 * struct maker - a list being made
 * @rank: for each chunk of the image, when it is first touched, 0 being never; of
 *	metadata it only matters whether it is 0
 * @ranks: the last one given
 * @verified: a byte for each chunk
 * @chunks: of the image
 * @grown: chunks have come in since that was cleared
 * @buffer: of VERIFY_MAX bytes
 */
struct maker {
	int fd;
	const char *name;
	struct incr_image *image;
	u32 chunk_shift;
	u64 chunks;
	u32 *rank;
	u32 ranks;
	u8 *verified;
	bool grown;
	u8 *buffer;
};

/* A range with its place in the order. */
struct stretch {
	struct incr_range range;
	u32 rank;
};

static bool is_data(const struct maker *maker, u64 chunk)
{
	return incr_image_area(maker->image, chunk << maker->chunk_shift) ==
	       INCR_AREA_DATA;
}

static void touch_chunks(struct maker *maker, u64 offset, u64 length, u32 rank)
{
	u64 chunk = offset >> maker->chunk_shift;
	u64 end = (offset + length - 1) >> maker->chunk_shift;

	for (; chunk <= end && chunk < maker->chunks; chunk++) {
		if (maker->rank[chunk])
			continue;
		maker->rank[chunk] = rank;
		maker->grown = true;
	}
}

static int read_noting(void *context, u64 offset, size_t length, void *buffer,
		       struct incr_error *error)
{
	struct maker *maker = context;

	/* The first reads are of the heads, which tell how large a chunk is. */
	if (length && maker->rank &&
	    !is_data(maker, offset >> maker->chunk_shift))
		touch_chunks(maker, offset, length, 1);
	return read_bytes(maker->fd, offset, buffer, length, error);
}

static int failed(const struct maker *maker, int ret,
		  const struct incr_error *error)
{
	message_error("%s: %s", maker->name, error->text);
	return ret;
}

static int open_maker(struct maker *maker, u32 generation)
{
	const struct incr_io io = { .read = read_noting, .context = maker };
	struct incr_error error;
	const struct inc_segment *seg;
	struct stat st;
	int ret;

	if (fstat(maker->fd, &st)) {
		message_error("%s: %s", maker->name, strerror(errno));
		return -errno;
	}
	ret = incr_image_open(&maker->image, &io, (u64)st.st_size, generation,
			      &error);
	if (ret)
		return failed(maker, ret, &error);
	seg = incr_image_segment(maker->image);
	maker->chunk_shift = seg->chunk_shift;
	maker->chunks = seg->end >> seg->chunk_shift;
	maker->rank = calloc(maker->chunks, sizeof(*maker->rank));
	maker->verified = calloc(maker->chunks, 1);
	maker->buffer = malloc(VERIFY_MAX);
	return maker->rank && maker->verified && maker->buffer ? 0 :
	       no_memory();
}

static void close_maker(struct maker *maker)
{
	incr_image_close(maker->image);
	free(maker->rank);
	free(maker->verified);
	free(maker->buffer);
}

/* The heads of the generation and of those before it. */
static void touch_heads(struct maker *maker)
{
	u32 last = incr_image_segment(maker->image)->generation, i;

	for (i = 0; i <= last; i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(maker->image, i);

		touch_chunks(maker, seg->offset, seg->head_size, 1);
	}
}

static int touch_blocks(struct maker *maker, const struct touch *touch)
{
	struct incr_range *ranges;
	struct incr_error error;
	size_t count, i;
	int ret;

	ret = incr_image_plan(maker->image, touch->block, touch->count,
			      &ranges, &count, &error);
	if (ret)
		return failed(maker, ret, &error);
	maker->ranks++;
	for (i = 0; i < count; i++)
		touch_chunks(maker, ranges[i].offset, ranges[i].length,
			     maker->ranks);
	free(ranges);
	return 0;
}

/* Small gaps between chunks of data, or between others, are closed. */
static void close_gaps(struct maker *maker, u64 gap)
{
	u64 most = gap >> maker->chunk_shift, chunk, last = UINT64_MAX, i;
	bool data = false;

	for (chunk = 0; chunk < maker->chunks; chunk++) {
		bool is;

		if (!maker->rank[chunk])
			continue;
		is = is_data(maker, chunk);
		if (last != UINT64_MAX && is == data && chunk - last - 1 <= most)
			for (i = last + 1; i < chunk; i++) {
				maker->rank[i] = maker->rank[last];
				maker->grown = true;
			}
		last = chunk;
		data = is;
	}
}

/* Verify the chunks that have come in, which may bring others in. */
static int verify_new(struct maker *maker)
{
	u64 at = 0, end, most = VERIFY_MAX >> maker->chunk_shift;
	struct incr_error error;
	int ret = 0;

	for (; !ret && at < maker->chunks; at = end) {
		u64 offset = at << maker->chunk_shift, length;

		end = at + 1;
		if (!maker->rank[at] || maker->verified[at])
			continue;
		while (end < maker->chunks && end - at < most &&
		       maker->rank[end] && !maker->verified[end])
			end++;
		length = (end - at) << maker->chunk_shift;
		memset(maker->verified + at, 1, end - at);
		ret = read_bytes(maker->fd, offset, maker->buffer, length,
				 &error);
		if (!ret)
			ret = incr_image_verify(maker->image, offset, length,
						maker->buffer, &error);
	}
	return ret ? failed(maker, ret, &error) : 0;
}

/* All that the chunks need comes in, with the gaps between it. */
static int complete(struct maker *maker, u64 gap)
{
	int ret;

	do {
		maker->grown = false;
		close_gaps(maker, gap);
		ret = verify_new(maker);
	} while (!ret && maker->grown);
	return ret;
}

static int by_rank(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->range.offset < b->range.offset ? -1 :
	       a->range.offset > b->range.offset;
}

/* The next chunks at or after *@at that follow each other, data or not. */
static bool next_stretch(const struct maker *maker, u64 *at,
			 struct stretch *stretch)
{
	u64 most = STRETCH >> maker->chunk_shift, start;
	bool data;

	while (*at < maker->chunks && !maker->rank[*at])
		(*at)++;
	if (*at == maker->chunks)
		return false;
	start = *at;
	data = is_data(maker, start);
	stretch->rank = data ? maker->rank[start] : 0;
	for (; *at < maker->chunks && maker->rank[*at] &&
	       is_data(maker, *at) == data &&
	       (!data || *at - start < most); (*at)++)
		if (data && maker->rank[*at] < stretch->rank)
			stretch->rank = maker->rank[*at];
	stretch->range.offset = start << maker->chunk_shift;
	stretch->range.length = (*at - start) << maker->chunk_shift;
	return true;
}

/* The chunks as ranges in order, on the heap. */
static int make_ranges(struct maker *maker, struct incr_startup *list,
		       u64 *metadata)
{
	struct stretch *all = NULL, stretch;
	size_t count = 0, room = 0, i;
	u64 at = 0;

	while (next_stretch(maker, &at, &stretch)) {
		if (count == room) {
			struct stretch *more;

			room = room ? 2 * room : 256;
			more = realloc(all, room * sizeof(*all));
			if (!more) {
				free(all);
				return no_memory();
			}
			all = more;
		}
		all[count++] = stretch;
	}
	qsort(all, count, sizeof(*all), by_rank);
	list->ranges = calloc(count + 1, sizeof(*list->ranges));
	list->count = 0;
	list->bytes = *metadata = 0;
	for (i = 0; list->ranges && i < count; i++) {
		struct incr_range *last = list->count ?
			&list->ranges[list->count - 1] : NULL;

		list->bytes += all[i].range.length;
		if (!all[i].rank)
			*metadata += all[i].range.length;
		/* The list begins with metadata, so both are data, or neither. */
		if (last && !all[i].rank == !all[i - 1].rank &&
		    last->offset + last->length == all[i].range.offset)
			last->length += all[i].range.length;
		else
			list->ranges[list->count++] = all[i].range;
	}
	free(all);
	return list->ranges ? 0 : no_memory();
}

static int make(struct maker *maker, struct incr_startup *list,
		const struct touches *touches, u64 *metadata)
{
	u64 gap = LIST_GAP;
	size_t i;
	int ret = 0;

	touch_heads(maker);
	for (i = 0; !ret && i < touches->count; i++)
		ret = touch_blocks(maker, &touches->list[i]);
	for (; !ret; gap *= 2) {
		ret = complete(maker, gap);
		if (!ret)
			ret = make_ranges(maker, list, metadata);
		if (!ret && list->count <= INCR_STARTUP_RANGES_MAX)
			break;
		free(list->ranges);
		list->ranges = NULL;
	}
	return ret;
}

int list_make(struct incr_startup *list, int fd, const char *name,
	      u32 generation, const struct touches *touches, u64 *metadata)
{
	struct maker maker = { .fd = fd, .name = name };
	int ret = open_maker(&maker, generation);

	memset(list, 0, sizeof(*list));
	if (!ret)
		ret = make(&maker, list, touches, metadata);
	if (!ret) {
		const struct inc_segment *seg =
			incr_image_segment(maker.image);

		incr_identity_of(&list->made_for, seg);
		list->size = seg->end;
	}
	close_maker(&maker);
	return ret;
}

/* ---- the check ---- */

/* An image file that has the ranges of a list; @sorted by their offset. */
struct sparse {
	int fd;
	struct incr_range *sorted;
	size_t count;
};

static int by_offset(const void *left, const void *right)
{
	const struct incr_range *a = left, *b = right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int read_sparse(void *context, u64 offset, size_t length, void *buffer,
		       struct incr_error *error)
{
	const struct sparse *sparse = context;
	u64 at = offset, end = offset + length;
	size_t low = 0, high = sparse->count;

	/* The last range that begins at or before @offset is before @low. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sparse->sorted[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	for (low -= low > 0; low < sparse->count && at < end &&
	     sparse->sorted[low].offset <= at; low++)
		if (sparse->sorted[low].offset + sparse->sorted[low].length > at)
			at = sparse->sorted[low].offset +
			     sparse->sorted[low].length;
	if (at < end)
		return incr_fail(error, -ENODATA,
				 "bytes from %llu on are not in the list",
				 (unsigned long long)at);
	return read_bytes(sparse->fd, offset, buffer, length, error);
}

static int check_blocks(struct incr_image *image, const struct touch *touch,
			void *buffer, struct incr_error *error)
{
	u64 most = VERIFY_MAX >> INC_BLOCK_SHIFT, done, part;
	int ret = 0;

	for (done = 0; !ret && done < touch->count; done += part) {
		part = touch->count - done < most ? touch->count - done : most;
		ret = incr_image_read(image, touch->block + done, part, buffer,
				      error);
	}
	return ret;
}

int list_check(const struct incr_startup *list, int fd, const char *name,
	       const struct touches *touches)
{
	struct sparse sparse = { .fd = fd, .count = list->count };
	const struct incr_io io = { .read = read_sparse, .context = &sparse };
	struct incr_image *image = NULL;
	void *buffer = malloc(VERIFY_MAX);
	struct incr_error error;
	size_t i;
	int ret = 0;

	sparse.sorted = calloc(list->count + 1, sizeof(*sparse.sorted));
	if (!buffer || !sparse.sorted) {
		free(buffer);
		free(sparse.sorted);
		return no_memory();
	}
	memcpy(sparse.sorted, list->ranges,
	       list->count * sizeof(*list->ranges));
	qsort(sparse.sorted, sparse.count, sizeof(*sparse.sorted), by_offset);
	ret = incr_image_open(&image, &io, list->size,
			      list->made_for.generation, &error);
	for (i = 0; !ret && i < touches->count; i++)
		ret = check_blocks(image, &touches->list[i], buffer, &error);
	if (ret)
		message_error("%s: the list that was made lacks something: %s",
			      name, error.text);
	incr_image_close(image);
	free(sparse.sorted);
	free(buffer);
	return ret;
}
