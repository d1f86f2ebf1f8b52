// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filling the local file: absent bytes are fetched with the extents that they are in,
 * verified, and written. The file says that they are present after they are durable,
 * so that it is right whenever the process or the machine stops.
 */
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/file-lock.h"
#include "common/same-file.h"
#include "libincremental/exact.h"
#include "store/internal.h"

#define COMMIT_SECONDS	5u
/* What one fill of the rest brings. */
#define PIECE		(512u << 10)

/**
 * struct flight - a range that a thread is filling
 */
struct flight {
	struct flight *next;
	u64 offset;
	u64 end;
};

/**
 * struct held - fetched bytes that a thread has libincremental verify
 * @outer: those in whose verification these are read
 */
struct held {
	const struct store *store;
	u64 offset;
	u64 length;
	const u8 *bytes;
	const struct held *outer;
};

static _Thread_local const struct held *held;
/* Fills of this thread that are under way, each for a read of the one before. */
static _Thread_local unsigned int depth;

bool store_at_hand(const struct store *store, u64 offset, size_t length,
		   void *buffer)
{
	const struct held *each;

	for (each = held; each; each = each->outer) {
		if (each->store != store || offset < each->offset ||
		    offset - each->offset > each->length ||
		    length > each->length - (offset - each->offset))
			continue;
		memcpy(buffer, each->bytes + (offset - each->offset), length);
		return true;
	}
	return false;
}

static bool overlaps(const struct store *store, u64 offset, u64 end)
{
	const struct flight *flight;

	for (flight = store->flights; flight; flight = flight->next)
		if (flight->offset < end && offset < flight->end)
			return true;
	return false;
}

/*
 * Wait until nobody fills this range. Reads from within a fill do not wait: the one that
 * they waited for might wait for theirs, or be theirs.
 */
static void take_off(struct store *store, struct flight *flight)
{
	pthread_mutex_lock(&store->lock);
	while (!depth && overlaps(store, flight->offset, flight->end))
		pthread_cond_wait(&store->landed, &store->lock);
	flight->next = store->flights;
	store->flights = flight;
	pthread_mutex_unlock(&store->lock);
}

static void land(struct store *store, struct flight *flight)
{
	struct flight **place = &store->flights;

	pthread_mutex_lock(&store->lock);
	while (*place != flight)
		place = &(*place)->next;
	*place = flight->next;
	pthread_cond_broadcast(&store->landed);
	pthread_mutex_unlock(&store->lock);
}

/* Absent bytes from the origin, the others from the file. */
static int gather(struct store *store, u64 offset, u64 length, u8 *bytes,
		  struct incr_error *error)
{
	int err = 0;

	while (!err && length) {
		u64 part;

		if (store_present(store, offset, length, &part))
			err = incr_read_exactly(store->fd, offset, bytes, part);
		else
			err = store_fetch(store, offset, part, bytes, error);
		if (err == -ENODATA)
			incr_fail(error, err, "the local file ends before offset %llu",
				  (unsigned long long)offset + part);
		bytes += part;
		offset += part;
		length -= part;
	}
	return err;
}

static void note_present(struct store *store, u64 offset, u64 end)
{
	pthread_mutex_lock(&store->lock);
	while (offset < end) {
		u32 number = store_segment(store, offset);
		const struct inc_segment *seg =
			incr_image_segment_at(store->local, number);
		u64 bit = (offset - seg->offset) >> seg->chunk_shift;
		struct incr_range *dirty = &store->dirty[number];

		store->bitmaps[number][bit / 8] |= (u8)(1u << bit % 8);
		if (!dirty->length)
			dirty->offset = bit / 8;
		if (bit / 8 < dirty->offset) {
			dirty->length += dirty->offset - bit / 8;
			dirty->offset = bit / 8;
		}
		if (bit / 8 >= dirty->offset + dirty->length)
			dirty->length = bit / 8 - dirty->offset + 1;
		offset += 1ull << seg->chunk_shift;
	}
	pthread_mutex_unlock(&store->lock);
}

/* Verify [offset, end), which is among the held bytes, and write it. */
static int fill(struct store *store, const struct held *bytes, u64 offset,
		u64 end, struct incr_error *error)
{
	const u8 *data = bytes->bytes + (offset - bytes->offset);
	const struct held *outer = held;
	int err;

	held = bytes;
	err = incr_image_verify(store->filled, offset, end - offset, data, error);
	held = outer;
	if (err)
		return err;
	err = incr_write_exactly(store->fd, offset, data, end - offset);
	/* A reader need not suffer for a disk that is full. */
	if (err)
		atomic_store(&store->unwritable, err);
	else
		note_present(store, offset, end);
	return 0;
}

/* Fetch, verify and fill chunks, and copy the @length bytes at @wanted out of them. */
static int fill_chunks(struct store *store, u64 offset, u64 end, u64 wanted,
		       size_t length, u8 *buffer, struct incr_error *error)
{
	struct held bytes = { .store = store, .outer = held };
	unsigned int source, tries = 0;
	bool wrong;
	u64 start = offset, size = end - offset;
	u8 *data;
	int err;

	/* Every extent that has a part there must be whole. */
	err = incr_image_widen(store->filled, &start, &size, error);
	if (err)
		return err;
	if (start > offset || start + size < end)
		return incr_fail(error, -EINVAL, "extents are malformed");
	data = size > ORIGIN_READ_MAX ? NULL : malloc(size);
	if (!data)
		return incr_fail(error, -ENOMEM, "out of memory");
	bytes.offset = start;
	bytes.length = size;
	bytes.bytes = data;
	/* Each origin may have its try at giving right bytes. */
	do {
		source = atomic_load(&store->source);
		err = gather(store, start, size, data, error);
		if (err)
			break;
		err = fill(store, &bytes, offset, end, error);
		/* Otherwise it is right, or what it is verified by cannot be had. */
		wrong = err && !origin_error_passes(err);
		if (wrong)
			store_leave_source(store, source);
	} while (wrong && ++tries < store->source_count);
	if (!err)
		memcpy(buffer, data + (wanted - start), length);
	free(data);
	return err;
}

static void commit_now_and_then(struct store *store)
{
	u64 now = store_now(), last = atomic_load(&store->committed_at);
	struct incr_error ignored;

	/* A failure is told by the last one, which somebody waits for. */
	if (now - last >= COMMIT_SECONDS &&
	    atomic_compare_exchange_strong(&store->committed_at, &last, now))
		store_commit(store, &ignored);
}

/* The chunks of one segment that are filled for a read. */
static void choose(struct store *store, u64 offset, size_t length,
		   struct flight *flight)
{
	const struct inc_segment *seg = incr_image_segment_at(store->local,
					store_segment(store, offset));
	u64 chunk = 1ull << seg->chunk_shift, first, end, same;

	first = (offset - seg->offset) & ~(chunk - 1);
	end = (offset + length - seg->offset + chunk - 1) & ~(chunk - 1);
	flight->offset = seg->offset + first;
	flight->end = seg->offset + end;
	/* A short read brings some absent bytes that follow. */
	if (end - first < WINDOW && seg->end - flight->offset > end - first) {
		u64 most = seg->end - flight->offset < WINDOW ?
			   seg->end - flight->offset : WINDOW;

		if (!store_present(store, flight->offset, most, &same) &&
		    flight->offset + same > flight->end)
			flight->end = flight->offset + same;
	}
}

int store_fill(struct store *store, u64 offset, size_t length, u8 *buffer,
	       struct incr_error *error)
{
	u64 end = incr_image_segment_at(store->local,
					store_segment(store, offset))->end, same;
	struct flight flight;
	int err;

	/* What extents refer to is verified by what is made of it, and fills would nest. */
	if (depth && incr_image_area(store->filled, offset) == INCR_AREA_DATA)
		return store_read_origin(store, offset, length, buffer, error);
	if (length > end - offset) {
		size_t part = (size_t)(end - offset);

		err = store_fill(store, offset, part, buffer, error);
		return err ? err : store_fill(store, offset + part, length - part,
					      buffer + part, error);
	}
	choose(store, offset, length, &flight);
	take_off(store, &flight);
	depth++;
	/* It may have come while we waited. */
	if (store_present(store, offset, length, &same) && same == length)
		err = incr_read_exactly(store->fd, offset, buffer, length);
	else
		err = fill_chunks(store, flight.offset, flight.end, offset,
				  length, buffer, error);
	depth--;
	land(store, &flight);
	if (!err && !depth)
		commit_now_and_then(store);
	return err;
}

void store_next_absent(struct store *store, u64 *offset, u64 *next)
{
	u64 size = incr_image_size(store->local), same;

	if (*offset < size && store_present(store, *offset, size - *offset, &same))
		*offset += same;
	if (*offset >= size) {
		*offset = *next = UINT64_MAX;
		return;
	}
	store_present(store, *offset, size - *offset < PIECE ? size - *offset :
		      PIECE, &same);
	*next = *offset + same;
}

static int unwritable(const struct store *store, struct incr_error *error)
{
	int err = atomic_load(&store->unwritable);

	return err ? incr_fail(error, err, "%s: cannot be filled: %s",
			       store->path, strerror(-err)) : 0;
}

int store_fill_at(struct store *store, u64 offset, struct incr_error *error)
{
	u64 next;
	u8 *buffer;
	int err = 0;

	store_next_absent(store, &offset, &next);
	buffer = malloc(PIECE);
	if (!buffer)
		return incr_fail(error, -ENOMEM, "out of memory");
	if (offset != UINT64_MAX)
		err = store_fill(store, offset, (size_t)(next - offset), buffer,
				 error);
	free(buffer);
	return err ? err : unwritable(store, error);
}

/* Write a segment's bits, as they were before the data became durable. */
static int write_bits(struct store *store, u32 number, const u8 *bits,
		      const struct incr_range *range)
{
	const struct inc_segment *seg =
		incr_image_segment_at(store->local, number);

	return incr_write_exactly(store->fd, seg->bitmap_offset + range->offset,
				  bits, range->length);
}

static int commit_segment(struct store *store, u32 number)
{
	struct incr_range range;
	u8 *bits = NULL;
	int err = 0;

	pthread_mutex_lock(&store->lock);
	range = store->dirty[number];
	if (range.length)
		bits = malloc(range.length);
	if (bits) {
		memcpy(bits, store->bitmaps[number] + range.offset, range.length);
		store->dirty[number].length = 0;
	}
	pthread_mutex_unlock(&store->lock);
	if (!range.length)
		return 0;
	if (!bits)
		return -ENOMEM;
	if (fdatasync(store->fd))
		err = -errno;
	if (!err)
		err = write_bits(store, number, bits, &range);
	free(bits);
	return err;
}

int store_commit(struct store *store, struct incr_error *error)
{
	u32 count = store->filled ? incr_image_segments(store->local) : 0, i;
	int err = 0;

	pthread_mutex_lock(&store->commit_lock);
	for (i = 0; !err && i < count; i++)
		err = commit_segment(store, i);
	if (!err && count && fdatasync(store->fd))
		err = -errno;
	pthread_mutex_unlock(&store->commit_lock);
	return err ? incr_fail(error, err, "%s: cannot note what is present: %s",
			       store->path, strerror(-err)) :
		     unwritable(store, error);
}

/* The kernel's store knows nothing of our lock. */
static int check_loops(const struct store *store, const struct stat *st,
		       struct incr_error *error)
{
	glob_t names;
	size_t i;
	int err = 0;

	if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &names))
		return 0;
	for (i = 0; !err && i < names.gl_pathc; i++) {
		char path[PATH_MAX];
		FILE *file = fopen(names.gl_pathv[i], "re");
		struct stat other;

		if (!file)
			continue;
		if (fgets(path, sizeof(path), file)) {
			path[strcspn(path, "\n")] = '\0';
			if (!stat(path, &other) && same_file(&other, st))
				err = incr_fail(error, -EBUSY,
						"%s: a loop device is set up on it: close the device first",
						store->path);
		}
		fclose(file);
	}
	globfree(&names);
	return err;
}

int store_fill_lock(struct store *store, struct incr_error *error)
{
	struct stat st;
	int err = file_lock(store->fd, true);

	if (err == -EAGAIN)
		return incr_fail(error, -EBUSY, "%s: another program uses it",
				 store->path);
	if (err || fstat(store->fd, &st))
		return incr_fail(error, err ? err : -errno, "%s: cannot lock it",
				 store->path);
	return check_loops(store, &st, error);
}

int store_fill_start(struct store *store, struct incr_error *error)
{
	store->dirty = calloc(incr_image_segments(store->local),
			      sizeof(*store->dirty));
	if (!store->dirty)
		return incr_fail(error, -ENOMEM, "out of memory");
	atomic_store(&store->committed_at, store_now());
	return 0;
}
