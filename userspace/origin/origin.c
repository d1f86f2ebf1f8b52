// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Origins: the kind of a name, and code that all kinds share; see origin.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "common/same-file.h"
#include "origin/backend.h"

/* So many changes, each so soon after the one before, are not of the file. */
#define CHANGES_MAX		3u
#define CHANGES_SECONDS		600u
/* Bytes that tell of a rate: at least, and at most. */
#define FLOW_MIN		(32u << 10)
#define FLOW_MAX		(1024u << 10)

size_t origin_scheme_length(const char *where)
{
	size_t n = strspn(where, "abcdefghijklmnopqrstuvwxyz"
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	/* A path of one letter and a colon is still a path. */
	return n > 1 && where[n] == ':' ? n : 0;
}

static bool scheme_is(const char *where, const char *scheme)
{
	size_t n = origin_scheme_length(where);

	return n == strlen(scheme) && !strncasecmp(where, scheme, n);
}

bool origin_is_url(const char *text)
{
	return !strncasecmp(text, "http://", 7) ||
	       !strncasecmp(text, "https://", 8) ||
	       !strncasecmp(text, "file:", 5);
}

static const struct origin_backend *find_backend(const char *where,
						 struct incr_error *error)
{
	size_t n = origin_scheme_length(where);

	if (!*where) {
		incr_fail(error, 0, "the origin's name is empty");
		return NULL;
	}
	if (!n || scheme_is(where, "file"))
		return &origin_file;
	if (scheme_is(where, "http") || scheme_is(where, "https"))
		return &origin_http;
	incr_fail(error, 0, "origins of kind \"%.*s:\" are not supported",
		  (int)(n > 32 ? 32 : n), where);
	return NULL;
}

int origin_open(struct origin **result, const char *where,
		const struct origin_options *options, struct incr_error *error)
{
	const struct origin_backend *backend = find_backend(where, error);
	struct origin *origin;
	int err;

	if (!backend)
		return -EINVAL;
	origin = calloc(1, sizeof(*origin));
	if (!origin)
		return incr_fail(error, -ENOMEM, "out of memory");
	origin->backend = backend;
	origin->options = *options;
	origin->fd = -1;
	redirect_init(&origin->redirect);
	pthread_mutex_init(&origin->lock, NULL);
	err = backend->open(origin, where, error);
	if (err) {
		origin_close(origin);
		return err;
	}
	*result = origin;
	return 0;
}

void origin_close(struct origin *origin)
{
	if (!origin)
		return;
	if (origin->backend->close)
		origin->backend->close(origin);
	redirect_destroy(&origin->redirect);
	pthread_mutex_destroy(&origin->lock);
	free(origin->name);
	free(origin);
}

const char *origin_name(const struct origin *origin)
{
	return origin->name;
}

bool origin_is_remote(const struct origin *origin)
{
	return origin->backend->remote;
}

bool origin_is_file(const struct origin *origin, const struct stat *file)
{
	struct stat st;

	return origin->fd >= 0 && !fstat(origin->fd, &st) &&
	       same_file(&st, file);
}

u64 origin_size(const struct origin *origin)
{
	return atomic_load(&origin->size);
}

bool origin_mark(struct origin *origin, struct mark *mark)
{
	pthread_mutex_lock(&origin->lock);
	*mark = origin->mark;
	pthread_mutex_unlock(&origin->lock);
	return !mark_is_empty(mark);
}

void origin_changed(struct origin *origin, const struct mark *expected)
{
	u64 now = redirect_clock();

	pthread_mutex_lock(&origin->lock);
	/* Of all connections that notice a change one counts it. */
	if (!mark_is_empty(&origin->mark) &&
	    !mark_differs(&origin->mark, expected)) {
		if (now - origin->changed_at > CHANGES_SECONDS)
			origin->changes = 0;
		origin->changes++;
		origin->changed_at = now;
		memset(&origin->mark, 0, sizeof(origin->mark));
	}
	pthread_mutex_unlock(&origin->lock);
}

void origin_vouch(const struct origin_connection *connection)
{
	struct origin *origin = connection->origin;

	pthread_mutex_lock(&origin->lock);
	if (origin->changes < CHANGES_MAX ||
	    redirect_clock() - origin->changed_at > CHANGES_SECONDS)
		origin->mark = connection->mark;
	pthread_mutex_unlock(&origin->lock);
}

void origin_doubt(struct origin *origin)
{
	pthread_mutex_lock(&origin->lock);
	memset(&origin->mark, 0, sizeof(origin->mark));
	pthread_mutex_unlock(&origin->lock);
}

int origin_connect(struct origin_connection **result, struct origin *origin,
		   struct incr_error *error)
{
	struct origin_connection *connection = calloc(1, sizeof(*connection));
	int err = 0;

	if (!connection)
		return incr_fail(error, -ENOMEM, "out of memory");
	connection->origin = origin;
	if (origin->backend->connect)
		err = origin->backend->connect(connection, error);
	if (err) {
		free(connection);
		return err;
	}
	*result = connection;
	return 0;
}

void origin_disconnect(struct origin_connection *connection)
{
	if (!connection)
		return;
	if (connection->origin->backend->disconnect)
		connection->origin->backend->disconnect(connection);
	free(connection);
}

void origin_hurry(struct origin_connection *connection, bool hurry)
{
	connection->hurry = hurry;
}

void origin_window(struct origin_connection *connection, size_t bytes)
{
	window_set(&connection->window, bytes);
}

void origin_watch(struct origin_connection *connection,
		  void (*arrived)(void *context, size_t received),
		  void *context)
{
	connection->arrived = arrived;
	connection->watcher = context;
}

unsigned int origin_retry_after(const struct origin_connection *connection)
{
	return connection->retry_after;
}

void origin_flow(struct origin *origin, size_t bytes, u64 pause)
{
	struct timespec time;
	u64 now, gap;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
	pthread_mutex_lock(&origin->lock);
	gap = now > origin->came_at ? now - origin->came_at : 0;
	if (origin->came_at && gap < pause) {
		origin->flowed += bytes;
		origin->flowed_for += gap;
	}
	origin->came_at = now;
	/* What was long ago counts little. */
	if (origin->flowed > FLOW_MAX) {
		origin->flowed /= 2;
		origin->flowed_for /= 2;
	}
	pthread_mutex_unlock(&origin->lock);
}

u64 origin_rate(struct origin *origin)
{
	u64 rate = 0;

	pthread_mutex_lock(&origin->lock);
	if (origin->flowed >= FLOW_MIN && origin->flowed_for)
		rate = (u64)((double)origin->flowed * 1e9 / (double)origin->flowed_for);
	pthread_mutex_unlock(&origin->lock);
	return rate;
}

u64 origin_delay(const struct origin_connection *connection)
{
	return connection->delay;
}

int origin_read(struct origin_connection *connection, u64 offset,
		size_t length, void *buffer, struct incr_error *error)
{
	const struct origin *origin = connection->origin;

	if (!length || length > ORIGIN_READ_MAX || offset > INT64_MAX - length)
		return incr_fail(error, -EPROTO, "the range is out of bounds");
	if (origin->options.stop && atomic_load(origin->options.stop))
		return incr_fail(error, -ECANCELED, "stopped");
	return origin->backend->read(connection, offset, length, buffer, error);
}

int origin_get(struct origin_connection *connection, size_t most, char **data,
	       size_t *length, struct incr_error *error)
{
	const struct origin *origin = connection->origin;
	int err;

	if (origin->options.stop && atomic_load(origin->options.stop))
		return incr_fail(error, -ECANCELED, "stopped");
	*data = malloc(most);
	if (!*data)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = origin->backend->get(connection, *data, most, length, error);
	if (err)
		free(*data);
	return err;
}
