// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A local file and an origin as one image; see store.h.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/same-file.h"
#include "libincremental/exact.h"
#include "store/store.h"

#define ATTEMPTS	3u
/*
 * A read of metadata is a page, and the next one is often beside it: so a short
 * read brings this much, and one that goes on where another ended twice as much as
 * that, up to the second. So many of these windows are kept.
 */
#define WINDOW		(32u << 10)
#define WINDOW_MAX	(512u << 10)
#define WINDOWS		64u

/**
 * struct window - bytes that were fetched
 * @used: when it was last looked at; 0: it is empty
 */
struct window {
	u64 offset;
	u64 length;
	u64 used;
	u8 *bytes;
};

/**
 * struct store - see store.h
 * @local: heads of the local file; NULL: there is none, all is absent
 * @fd: of that; -1: none
 * @bitmaps: of its segments
 * @lock: protects the fields after it
 * @idle: connections that nobody uses, linked by their slots
 */
struct store {
	const char *path;
	struct incr_image *local;
	int fd;
	u8 **bitmaps;
	struct origin *origin;
	pthread_mutex_t lock;
	struct origin_connection **idle;
	size_t idle_count, idle_room;
	struct window windows[WINDOWS];
	u64 clock;
};

/* The segment that byte @offset is in. */
static u32 segment_of(const struct store *store, u64 offset)
{
	u32 i = incr_image_segments(store->local) - 1;

	while (i && offset < incr_image_segment_at(store->local, i)->offset)
		i--;
	return i;
}

static bool chunk_present(const struct store *store, u32 number, u64 offset)
{
	const struct inc_segment *seg =
		incr_image_segment_at(store->local, number);
	u64 chunk = (offset - seg->offset) >> seg->chunk_shift;

	/* Head and bitmap are there whatever their bits say. */
	return offset < seg->meta_offset ||
	       store->bitmaps[number][chunk / 8] >> chunk % 8 & 1;
}

/*
 * Is byte @offset present? Sets how many bytes from there on, up to @most, are
 * as it is.
 */
static bool present(const struct store *store, u64 offset, u64 most, u64 *same)
{
	u64 at = offset, end = offset + most;
	bool first = false;

	*same = most;
	if (!store->local)
		return false;
	while (at < end) {
		u32 number = segment_of(store, at);
		const struct inc_segment *seg =
			incr_image_segment_at(store->local, number);
		u64 next = (((at - seg->offset) >> seg->chunk_shift) + 1) <<
			   seg->chunk_shift;
		bool here = chunk_present(store, number, at);

		if (at == offset)
			first = here;
		else if (here != first)
			break;
		at = seg->offset + next < seg->end ? seg->offset + next : seg->end;
	}
	*same = at < end ? at - offset : most;
	return first;
}

static int borrow(struct store *store, struct origin_connection **connection,
		  struct incr_error *error)
{
	*connection = NULL;
	pthread_mutex_lock(&store->lock);
	if (store->idle_count)
		*connection = store->idle[--store->idle_count];
	pthread_mutex_unlock(&store->lock);
	return *connection ? 0 : origin_connect(connection, store->origin, error);
}

static void give_back(struct store *store, struct origin_connection *connection)
{
	pthread_mutex_lock(&store->lock);
	if (store->idle_count == store->idle_room) {
		size_t room = store->idle_room ? 2 * store->idle_room : 4;
		void *more = realloc(store->idle, room * sizeof(*store->idle));

		if (more) {
			store->idle = more;
			store->idle_room = room;
		}
	}
	if (store->idle_count < store->idle_room) {
		store->idle[store->idle_count++] = connection;
		connection = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	if (connection)
		origin_disconnect(connection);
}

/* A failure that may pass is tried again. Return: as origin_read(). */
static int fetch(struct store *store, u64 offset, size_t length, void *buffer,
		 struct incr_error *error)
{
	struct origin_connection *connection;
	unsigned int attempt;
	int err = borrow(store, &connection, error);

	if (err)
		return err;
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt)
			sleep(attempt);
		err = origin_read(connection, offset, length, buffer, error);
		if (!err || !origin_error_passes(err))
			break;
	}
	give_back(store, connection);
	return err;
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
	u64 size = origin_size(store->origin);
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
	err = fetch(store, offset, most, bytes, error);
	if (err) {
		free(bytes);
		return err;
	}
	memcpy(buffer, bytes, length);
	remember(store, offset, most, bytes);
	return 0;
}

/* Bytes of the origin. */
static int read_origin(struct store *store, u64 offset, size_t length,
		       u8 *buffer, struct incr_error *error)
{
	int err = 0;

	if (length < WINDOW && origin_is_remote(store->origin)) {
		if (remembered(store, offset, length, buffer))
			return 0;
		err = fetch_window(store, offset, length, buffer, error);
		if (err != -ENOENT)
			return err;
		err = 0;
	}
	while (!err && length) {
		size_t part = length < ORIGIN_READ_MAX ? length : ORIGIN_READ_MAX;

		err = fetch(store, offset, part, buffer, error);
		buffer += part;
		offset += part;
		length -= part;
	}
	return err;
}

static int read_absent(struct store *store, u64 offset, size_t length,
		       u8 *buffer, struct incr_error *error)
{
	struct incr_error why;
	int err;

	if (!store->origin)
		return incr_fail(error, -ENODATA,
				 "bytes %llu to %llu are not present in this local image",
				 (unsigned long long)offset,
				 (unsigned long long)offset + length - 1);
	if (!store->local)
		return read_origin(store, offset, length, buffer, error);
	err = read_origin(store, offset, length, buffer, &why);
	return err ? incr_fail(error, err, "%s: %s", origin_name(store->origin),
			       why.text) : 0;
}

static int read_local(const struct store *store, u64 offset, size_t length,
		      u8 *buffer, struct incr_error *error)
{
	int err = incr_read_exactly(store->fd, offset, buffer, length);

	if (err == -ENODATA)
		return incr_fail(error, -EIO,
				 "file ends before offset %llu: truncated?",
				 (unsigned long long)offset + length);
	return err ? incr_fail(error, err, "reading at offset %llu: %s",
			       (unsigned long long)offset, strerror(-err)) : 0;
}

static int store_read(void *context, u64 offset, size_t length, void *buffer,
		      struct incr_error *error)
{
	struct store *store = context;
	u8 *bytes = buffer;
	int err = 0;

	while (!err && length) {
		u64 part;

		if (present(store, offset, length, &part))
			err = read_local(store, offset, part, bytes, error);
		else
			err = read_absent(store, offset, part, bytes, error);
		bytes += part;
		offset += part;
		length -= part;
	}
	return err;
}

static int read_bitmaps(struct store *store, struct incr_error *error)
{
	u32 count = incr_image_segments(store->local), i;

	store->bitmaps = calloc(count, sizeof(*store->bitmaps));
	if (!store->bitmaps)
		return incr_fail(error, -ENOMEM, "out of memory");
	for (i = 0; i < count; i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(store->local, i);
		int err;

		store->bitmaps[i] = malloc(seg->bitmap_size);
		if (!store->bitmaps[i])
			return incr_fail(error, -ENOMEM, "out of memory");
		err = incr_read_exactly(store->fd, seg->bitmap_offset,
					store->bitmaps[i], seg->bitmap_size);
		if (err)
			return incr_fail(error, err,
					 "%s: cannot read its presence bitmap: %s",
					 store->path, strerror(-err));
	}
	return 0;
}

static int open_local(struct store *store, struct incr_error *error)
{
	int err;

	store->fd = open(store->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (store->fd < 0)
		return incr_fail(error, -errno, "%s: %s", store->path,
				 strerror(errno));
	err = incr_image_open_fd(&store->local, store->fd, store->path,
				 INCR_NEWEST, error);
	return err ? err : read_bitmaps(store, error);
}

int store_open(struct store **result, const char *local, const char *where,
	       const struct origin_options *options, struct incr_error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	int err = 0;

	if (!store)
		return incr_fail(error, -ENOMEM, "out of memory");
	store->path = local;
	store->fd = -1;
	pthread_mutex_init(&store->lock, NULL);
	if (where)
		err = origin_open(&store->origin, where, options, error);
	if (!err && local)
		err = open_local(store, error);
	if (err) {
		store_close(store);
		return err;
	}
	*result = store;
	return 0;
}

void store_close(struct store *store)
{
	u32 i, count;

	if (!store)
		return;
	count = store->local ? incr_image_segments(store->local) : 0;
	for (i = 0; store->bitmaps && i < count; i++)
		free(store->bitmaps[i]);
	free(store->bitmaps);
	incr_image_close(store->local);
	if (store->fd >= 0)
		close(store->fd);
	for (i = 0; i < WINDOWS; i++)
		free(store->windows[i].bytes);
	while (store->idle_count)
		origin_disconnect(store->idle[--store->idle_count]);
	free(store->idle);
	origin_close(store->origin);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

bool store_is_file(const struct store *store, const struct stat *file)
{
	struct stat st;

	return (store->fd >= 0 && !fstat(store->fd, &st) &&
		same_file(&st, file)) ||
	       (store->origin && origin_is_file(store->origin, file));
}

const char *store_name(const struct store *store)
{
	return store->path ? store->path : origin_name(store->origin);
}

int store_image(struct store *store, struct incr_image **image, u32 generation,
		struct incr_error *error)
{
	const struct incr_io io = { .read = store_read, .context = store };
	struct inc_super super;
	u64 size = store->local ? incr_image_size(store->local) : 0;
	int err = 0;

	/* The first read tells how long the origin is. */
	if (!store->local) {
		err = store_read(store, 0, sizeof(super), &super, error);
		size = origin_size(store->origin);
		if (!err && !size)
			err = incr_fail(error, -EPROTO,
					"%s: the server does not say how long the image is",
					origin_name(store->origin));
	}
	return err ? err : incr_image_open(image, &io, size, generation, error);
}
