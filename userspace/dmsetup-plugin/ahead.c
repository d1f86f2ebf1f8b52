// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads of heads; see ahead.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dmsetup-plugin/ahead.h"

#define ATTEMPTS	3
#define SLICES		2u
#define SLICE		(12u << 10)	/* bytes; with its header in one first reply */
#define WINDOW		((size_t)SLICES * SLICE)

/**
 * struct ahead - see ahead.h
 * @connection: for all reads but the first one's further slices
 * @begun: the first read has been tried
 * @start: offset of the first byte in @bytes
 * @have: bytes there
 */
struct ahead {
	struct origin *origin;
	struct origin_connection *connection;
	bool begun;
	u64 start;
	size_t have;
	u8 bytes[WINDOW];
};

/**
 * struct slice - a part of the first read, in a thread of its own
 * @to: SLICE bytes
 * @err: the result
 */
struct slice {
	pthread_t thread;
	bool started;
	struct origin *origin;
	u64 offset;
	u8 *to;
	int err;
};

int ahead_open(struct ahead **result, struct origin *origin,
	       struct incr_error *error)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	int err;

	if (!ahead)
		return incr_fail(error, -ENOMEM, "out of memory");
	ahead->origin = origin;
	err = origin_connect(&ahead->connection, origin, error);
	if (err) {
		free(ahead);
		return err;
	}
	*result = ahead;
	return 0;
}

void ahead_close(struct ahead *ahead)
{
	if (!ahead)
		return;
	origin_disconnect(ahead->connection);
	free(ahead);
}

static void *read_slice(void *context)
{
	struct slice *slice = context;
	struct origin_connection *connection;
	struct incr_error ignored;

	slice->err = origin_connect(&connection, slice->origin, &ignored);
	if (slice->err)
		return NULL;
	slice->err = origin_read(connection, slice->offset, SLICE, slice->to,
				 &ignored);
	origin_disconnect(connection);
	return NULL;
}

/*
 * The first read. Only its first slice must succeed: the origin may be shorter
 * than all of them, or have no more connections for us.
 */
static int read_slices(struct ahead *ahead, u64 offset,
		       struct incr_error *error)
{
	struct slice slices[SLICES] = { 0 };
	unsigned int i;
	int err;

	ahead->begun = true;
	for (i = 1; i < SLICES; i++) {
		slices[i].origin = ahead->origin;
		slices[i].offset = offset + (u64)i * SLICE;
		slices[i].to = ahead->bytes + (size_t)i * SLICE;
		slices[i].started = !pthread_create(&slices[i].thread, NULL,
						    read_slice, &slices[i]);
	}
	err = origin_read(ahead->connection, offset, SLICE, ahead->bytes,
			  error);
	for (i = 1; i < SLICES; i++)
		if (slices[i].started)
			pthread_join(slices[i].thread, NULL);
	if (err)
		return err;
	ahead->have = SLICE;
	for (i = 1; i < SLICES && slices[i].started && !slices[i].err; i++)
		ahead->have += SLICE;
	return 0;
}

/* Have the bytes from @offset on in memory, as many as there is room for. */
static int fill(struct ahead *ahead, u64 offset, struct incr_error *error)
{
	u64 size = origin_size(ahead->origin);
	size_t length = SLICE;
	int err;

	ahead->have = 0;
	ahead->start = offset;
	if (!ahead->begun)
		return read_slices(ahead, offset, error);
	if (size > offset)
		length = size - offset < WINDOW ? (size_t)(size - offset) :
						  WINDOW;
	err = origin_read(ahead->connection, offset, length, ahead->bytes,
			  error);
	if (!err)
		ahead->have = length;
	return err;
}

static bool has(const struct ahead *ahead, u64 offset, size_t length)
{
	return offset >= ahead->start &&
	       offset - ahead->start <= ahead->have &&
	       length <= ahead->have - (offset - ahead->start);
}

static int read_once(struct ahead *ahead, u64 offset, size_t length,
		     void *buffer, struct incr_error *error)
{
	int err = 0;

	/* A file has no round trips to save. */
	if (length <= WINDOW && origin_is_remote(ahead->origin)) {
		if (!has(ahead, offset, length))
			err = fill(ahead, offset, error);
		if (has(ahead, offset, length)) {
			memcpy(buffer, ahead->bytes + (offset - ahead->start),
			       length);
			return 0;
		}
		/* -ENOENT: the origin ends before the window does. */
		if (err && err != -ENOENT)
			return err;
	}
	return origin_read(ahead->connection, offset, length, buffer, error);
}

int ahead_read(void *context, u64 offset, size_t length, void *buffer,
	       struct incr_error *error)
{
	struct ahead *ahead = context;
	unsigned int attempt;
	int err = -EAGAIN;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt)
			sleep(attempt);
		err = read_once(ahead, offset, length, buffer, error);
		if (!err || !origin_error_passes(err))
			break;
	}
	return err;
}
