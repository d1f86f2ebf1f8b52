// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading from the origins.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "store/internal.h"

int store_add_source(struct store *store, const char *where,
		     const struct origin_options *options,
		     struct incr_error *error)
{
	int err = origin_open(&store->sources[store->source_count].origin, where,
			      options, error);

	if (!err)
		store->source_count++;
	return err;
}

void store_close_sources(struct store *store)
{
	struct source *source;
	unsigned int i;

	for (i = 0; i < store->source_count; i++) {
		source = &store->sources[i];
		while (source->idle_count)
			origin_disconnect(source->idle[--source->idle_count]);
		free(source->idle);
		origin_close(source->origin);
	}
}

static int borrow(struct store *store, struct source *source,
		  struct origin_connection **connection,
		  struct incr_error *error)
{
	*connection = NULL;
	pthread_mutex_lock(&store->lock);
	if (source->idle_count)
		*connection = source->idle[--source->idle_count];
	pthread_mutex_unlock(&store->lock);
	return *connection ? 0 : origin_connect(connection, source->origin, error);
}

static void give_back(struct store *store, struct source *source,
		      struct origin_connection *connection)
{
	pthread_mutex_lock(&store->lock);
	if (source->idle_count == source->idle_room) {
		size_t room = source->idle_room ? 2 * source->idle_room : 4;
		void *more = realloc(source->idle, room * sizeof(*source->idle));

		if (more) {
			source->idle = more;
			source->idle_room = room;
		}
	}
	if (source->idle_count < source->idle_room) {
		source->idle[source->idle_count++] = connection;
		connection = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	if (connection)
		origin_disconnect(connection);
}

u64 store_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec;
}

static int fetch_once(struct store *store, unsigned int number, u64 offset,
		      size_t length, void *buffer, struct incr_error *error)
{
	struct source *source = &store->sources[number];
	struct origin_connection *connection;
	int err = borrow(store, source, &connection, error);

	if (err)
		return err;
	err = origin_read(connection, offset, length, buffer, error);
	give_back(store, source, connection);
	return err;
}

/* Ask each origin once, and the one that has answered first from now on. */
static int fetch_any(struct store *store, u64 offset, size_t length,
		     void *buffer, bool *passes, struct incr_error *error)
{
	unsigned int first = atomic_load(&store->source), number, i;
	struct incr_error other;
	int result = -ENODATA, err;

	*passes = false;
	for (i = 0; i < store->source_count; i++) {
		number = (first + i) % store->source_count;
		err = fetch_once(store, number, offset, length, buffer,
				 i ? &other : error);
		if (!err && i)
			atomic_store(&store->source, number);
		if (!err || err == -ECANCELED)
			return err;
		if (!i)
			result = err;
		*passes |= origin_error_passes(err);
	}
	return result;
}

int store_fetch(struct store *store, u64 offset, size_t length, void *buffer,
		struct incr_error *error)
{
	u64 end = store_now() + store->patience;
	unsigned int pause = 1;
	bool passes;
	int err;

	while ((err = fetch_any(store, offset, length, buffer, &passes, error)) &&
	       passes && store_now() < end) {
		sleep(pause);
		pause = pause < 8 ? 2 * pause : pause;
	}
	return err;
}

void store_leave_source(struct store *store, unsigned int source)
{
	unsigned int i;

	atomic_compare_exchange_strong(&store->source, &source,
				       (source + 1) % store->source_count);
	pthread_mutex_lock(&store->lock);
	for (i = 0; i < WINDOWS; i++)
		store->windows[i].used = 0;
	pthread_mutex_unlock(&store->lock);
}

/* Copy bytes that were fetched lately, all of them or none. */
static bool remembered(struct store *store, u64 offset, size_t length,
		       void *buffer)
{
	bool found = false;
	unsigned int i;

	pthread_mutex_lock(&store->lock);
	for (i = 0; !found && i < WINDOWS; i++) {
		struct window *window = &store->windows[i];

		if (!window->used || offset < window->offset ||
		    offset - window->offset > window->length ||
		    length > window->length - (offset - window->offset))
			continue;
		memcpy(buffer, window->bytes + (offset - window->offset), length);
		window->used = ++store->clock;
		found = true;
	}
	pthread_mutex_unlock(&store->lock);
	return found;
}

/* Keep @bytes, which are on the heap, in place of what was used least lately. */
static void remember(struct store *store, u64 offset, u64 length, u8 *bytes)
{
	struct window *oldest = &store->windows[0];
	unsigned int i;

	pthread_mutex_lock(&store->lock);
	for (i = 1; i < WINDOWS; i++)
		if (store->windows[i].used < oldest->used)
			oldest = &store->windows[i];
	free(oldest->bytes);
	*oldest = (struct window){
		.offset = offset, .length = length, .bytes = bytes,
		.used = ++store->clock,
	};
	pthread_mutex_unlock(&store->lock);
}

/* How much a read brings that begins at @offset. */
static u64 window_size(struct store *store, u64 offset)
{
	u64 size = WINDOW;
	unsigned int i;

	pthread_mutex_lock(&store->lock);
	for (i = 0; i < WINDOWS; i++) {
		const struct window *window = &store->windows[i];

		if (window->used && offset == window->offset + window->length &&
		    2 * window->length <= WINDOW_MAX)
			size = 2 * window->length;
	}
	pthread_mutex_unlock(&store->lock);
	return size;
}

/* A short read, by way of a window; -ENOENT: the origin ends before that does. */
static int fetch_window(struct store *store, u64 offset, size_t length,
			void *buffer, struct incr_error *error)
{
	u64 size = origin_size(store_origin(store));
	u64 most = window_size(store, offset);
	u8 *bytes;
	int err;

	if (size > offset && size - offset < most)
		most = size - offset;
	if (most < length)
		return -ENOENT;
	bytes = malloc(most);
	if (!bytes)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = store_fetch(store, offset, most, bytes, error);
	if (err) {
		free(bytes);
		return err;
	}
	memcpy(buffer, bytes, length);
	remember(store, offset, most, bytes);
	return 0;
}

/* Bytes of the origin. */
int store_read_origin(struct store *store, u64 offset, size_t length,
		      u8 *buffer, struct incr_error *error)
{
	int err = 0;

	if (length < WINDOW && origin_is_remote(store_origin(store))) {
		if (remembered(store, offset, length, buffer))
			return 0;
		err = fetch_window(store, offset, length, buffer, error);
		if (err != -ENOENT)
			return err;
		err = 0;
	}
	while (!err && length) {
		size_t part = length < ORIGIN_READ_MAX ? length : ORIGIN_READ_MAX;

		err = store_fetch(store, offset, part, buffer, error);
		buffer += part;
		offset += part;
		length -= part;
	}
	return err;
}
