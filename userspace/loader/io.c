// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How libincremental reads the image that is being loaded: from the worker's
 * buffer, the device, the cache of fetched chunks, and the origin.
 */
#include <stdio.h>
#include <stdlib.h>
#include "loader/loader.h"

/* libincremental calls back with the loader; the worker is the thread's. */
static _Thread_local struct worker *self;

void worker_become(struct worker *worker)
{
	self = worker;
}

static bool in_hand(const struct worker *worker, u64 start, u64 end)
{
	return start >= worker->have && end <= worker->have_end;
}

/* Bytes of a window that is fetched of what libincremental asks for. */
#define NESTED_WINDOW	(64ull << 10)

/* A chunk that need not be fetched. */
static bool read_chunk(struct worker *worker, u64 offset, u8 *to)
{
	struct loader *loader = worker->loader;
	u32 chunk = loader->device.chunk;

	if (in_hand(worker, offset, offset + chunk)) {
		memcpy(to, worker->buffer + (offset - worker->have), chunk);
		return true;
	}
	if (worker->only_mirror)
		return false;
	return (!worker->refetch && cache_get(loader->cache, offset, to)) ||
	       !device_read(&loader->device, offset, chunk, to);
}

/* The bytes are absent: once verified, they might as well be filled. */
static void remember_extra(struct worker *worker, u64 offset, u64 length)
{
	if (!worker->filling_extras &&
	    worker->extras < sizeof(worker->extra) / sizeof(worker->extra[0]))
		worker->extra[worker->extras++] = (struct incr_range){
			.offset = offset, .length = length,
		};
}

/* The segment of the image that has the byte before @end. */
static const struct inc_segment *segment_before(const struct incr_image *image,
						u64 end)
{
	u32 i;

	for (i = 0; i < incr_image_segments(image); i++)
		if (incr_image_segment_at(image, i)->end >= end)
			return incr_image_segment_at(image, i);
	return NULL;
}

/*
 * Data of an earlier segment is asked for: the extents that are being verified refer to it.
 * These refer to what lies side by side, too: what is absent behind comes along, up to the
 * end of a window. Else each run of it is a round trip. (A mirror may lack later segments.)
 */
static u64 widen(struct worker *worker, u64 end)
{
	const struct device *device = &worker->loader->device;
	u64 limit = (end + NESTED_WINDOW - 1) & ~(NESTED_WINDOW - 1);
	u64 mask = device->chunk - 1, from, to;
	const struct inc_segment *seg;

	if (!worker->loaded || worker->only_mirror || worker->filling_extras)
		return end;
	seg = segment_before(worker->loaded->image, end);
	if (!seg || end <= seg->data_offset || seg->end > worker->have)
		return end;
	if (limit > seg->end)
		limit = seg->end;
	if (end >= limit ||
	    device_next_missing(device, end, limit, &from, &to) <= 0 ||
	    from != end)
		return end;
	to = (to + mask) & ~mask;
	return to < limit ? to : limit;
}

static int fetch_wide(struct worker *worker, u64 offset, u64 end, u8 *to,
		      u64 wanted, struct incr_error *error)
{
	struct loader *loader = worker->loader;
	u32 chunk = loader->device.chunk;
	u8 *bytes = malloc(end - offset);
	u64 at;
	int err;

	if (!bytes)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = mirrors_read(&loader->mirrors, worker->mirror,
			   &worker->connections, offset, end - offset, bytes,
			   error);
	for (at = offset; !err && at < end; at += chunk)
		cache_put(loader->cache, at, bytes + (at - offset));
	if (!err)
		memcpy(to, bytes, wanted - offset);
	free(bytes);
	return err;
}

static int fetch_run(struct worker *worker, u64 offset, u64 end, u8 *to,
		     struct incr_error *error)
{
	u64 wide;
	int err;

	/* Within a read; what needs this is checked again at its end. */
	if (worker->streaming)
		return incr_fail(error, -EAGAIN, "not now");
	wide = widen(worker, end);
	err = fetch_wide(worker, offset, wide, to, end, error);
	if (err) {
		worker->nested_error = err;
		return err;
	}
	remember_extra(worker, offset, wide - offset);
	return 0;
}

/* Read whole chunks, fetching runs of those that are nowhere near. */
static int read_chunks(struct worker *worker, u64 start, u64 end, u8 *to,
		       struct incr_error *error)
{
	u32 chunk = worker->loader->device.chunk;
	u64 at, run = end;
	int err;

	for (at = start; at < end; at += chunk) {
		if (read_chunk(worker, at, to + (at - start))) {
			if (run < at) {
				err = fetch_run(worker, run, at,
						to + (run - start), error);
				if (err)
					return err;
			}
			run = end;
		} else if (run == end) {
			run = at;
		}
	}
	if (run < end)
		return fetch_run(worker, run, end, to + (run - start), error);
	return 0;
}

int loader_read(void *context, u64 offset, size_t length, void *buffer,
		struct incr_error *error)
{
	struct loader *loader = context;
	struct worker *worker = self;
	u64 mask = loader->device.chunk - 1;
	u64 start = offset & ~mask, end;
	u8 *chunks;
	int err;

	if (offset > loader->device.size ||
	    length > loader->device.size - offset) {
		snprintf(error->text, sizeof(error->text),
			 "read past the end of the image");
		return -EINVAL;
	}
	if (!length)
		return 0;
	end = (offset + length + mask) & ~mask;

	if (in_hand(worker, offset, offset + length)) {
		memcpy(buffer, worker->buffer + (offset - worker->have), length);
		return 0;
	}
	if (!worker->only_mirror &&
	    !device_read(&loader->device, offset, length, buffer))
		return 0;
	chunks = malloc(end - start);
	if (!chunks) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	err = read_chunks(worker, start, end, chunks, error);
	if (!err)
		memcpy(buffer, chunks + (offset - start), length);
	free(chunks);
	return err;
}
