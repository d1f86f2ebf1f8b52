// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A local file and an origin as one image; see store.h.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/same-file.h"
#include "libincremental/exact.h"
#include "store/internal.h"

/* Seconds that a failure which may pass is tried again. */
#define PATIENCE	3u

static _Thread_local bool only_present;

void store_only_present(bool only)
{
	only_present = only;
}

static int read_absent(struct store *store, u64 offset, size_t length,
		       u8 *buffer, struct incr_error *error)
{
	struct incr_error why;
	int err;

	if (!store->source_count)
		return incr_fail(error, -ENODATA,
				 "bytes %llu to %llu are not present in this local image",
				 (unsigned long long)offset,
				 (unsigned long long)offset + length - 1);
	if (only_present)
		return incr_fail(error, -EAGAIN, "not present yet");
	if (!store->local)
		return store_read_origin(store, offset, length, buffer, error);
	err = store->filled ? store_fill(store, offset, length, buffer, &why) :
			      store_read_origin(store, offset, length, buffer, &why);
	return err ? incr_fail(error, err, "%s: %s",
			       origin_name(store_origin(store)), why.text) : 0;
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

		if (store_at_hand(store, offset, length, bytes))
			return 0;
		if (store_present(store, offset, length, &part))
			err = read_local(store, offset, part, bytes, error);
		else
			err = read_absent(store, offset, part, bytes, error);
		bytes += part;
		offset += part;
		length -= part;
	}
	return err;
}

static int open_local(struct store *store, bool fill, struct incr_error *error)
{
	int err = 0;

	store->fd = open(store->path, (fill ? O_RDWR : O_RDONLY) | O_CLOEXEC |
			 O_NONBLOCK);
	if (store->fd < 0)
		return incr_fail(error, -errno, "%s: %s", store->path,
				 strerror(errno));
	if (fill)
		err = store_fill_lock(store, error);
	if (err)
		return err;
	err = incr_image_open_fd(&store->local, store->fd, store->path,
				 INCR_NEWEST, error);
	if (!err)
		err = store_read_bitmaps(store, error);
	if (!err && fill)
		err = store_fill_start(store, error);
	/* From here on, what is absent is filled when it is read. */
	return err || !fill ? err : store_image(store, &store->filled,
						INCR_NEWEST, error);
}

int store_open(struct store **result, const char *local,
	       char *const *origins, unsigned int count,
	       const struct origin_options *options, bool fill,
	       struct incr_error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	unsigned int i;
	int err = 0;

	if (!store)
		return incr_fail(error, -ENOMEM, "out of memory");
	store->path = local;
	store->fd = -1;
	store->patience = PATIENCE;
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->commit_lock, NULL);
	pthread_cond_init(&store->landed, NULL);
	for (i = 0; !err && i < count; i++)
		err = store_add_source(store, origins[i], options, error);
	if (!err && local)
		err = open_local(store, fill, error);
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
	incr_image_close(store->filled);
	count = store->local ? incr_image_segments(store->local) : 0;
	for (i = 0; store->bitmaps && i < count; i++)
		free(store->bitmaps[i]);
	free(store->bitmaps);
	incr_image_close(store->local);
	if (store->fd >= 0)
		close(store->fd);
	for (i = 0; i < WINDOWS; i++)
		free(store->windows[i].bytes);
	store_close_sources(store);
	free(store->dirty);
	pthread_cond_destroy(&store->landed);
	pthread_mutex_destroy(&store->commit_lock);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

bool store_is_file(const struct store *store, const struct stat *file)
{
	unsigned int i;
	struct stat st;

	if (store->fd >= 0 && !fstat(store->fd, &st) && same_file(&st, file))
		return true;
	for (i = 0; i < store->source_count; i++)
		if (origin_is_file(store->sources[i].origin, file))
			return true;
	return false;
}

void store_set_patience(struct store *store, unsigned int seconds)
{
	store->patience = seconds;
}

const char *store_name(const struct store *store)
{
	return store->path ? store->path : origin_name(store_origin(store));
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
		size = origin_size(store_origin(store));
		if (!err && !size)
			err = incr_fail(error, -EPROTO,
					"%s: the server does not say how long the image is",
					origin_name(store_origin(store)));
	}
	return err ? err : incr_image_open(image, &io, size, generation, error);
}
