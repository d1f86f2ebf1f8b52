// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The start-up list; see startup.h.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "common/parse.h"
#include "loader/pieces.h"
#include "loader/startup.h"

/* Milliseconds: after a first round over all places that may pass, then double. */
#define ROUND_PAUSE	250u
#define ROUNDS		3u
/* Milliseconds that the background waits for a list, which a server may not send. */
#define EXPECTED	5000u

static int add_source(struct startup *startup, const char *where,
		      const struct origin_options *options,
		      struct incr_error *error)
{
	int err = origin_open(&startup->from[startup->sources], where, options,
			      error);

	if (!err)
		startup->sources++;
	return err;
}

/* A file that is not there is no fault, nor is any other of what may be there. */
static int add_beside(struct startup *startup, const struct options *options,
		      struct incr_error *error)
{
	struct incr_error ignored;
	unsigned int i;

	for (i = 0; i < options->origin_count; i++) {
		char *name = origin_beside(options->origins[i],
					   INCR_STARTUP_SUFFIX);

		if (!name)
			return incr_fail(error, -ENOMEM, "out of memory");
		add_source(startup, name, &options->origin, &ignored);
		free(name);
	}
	return 0;
}

int startup_open(struct startup *startup, struct loader *loader,
		 const struct options *options, struct incr_error *error)
{
	startup->loader = loader;
	startup->named = options->startup || options->no_startup;
	pthread_mutex_init(&startup->lock, NULL);
	pthread_cond_init(&startup->wake, NULL);
	if (options->startup)
		return add_source(startup, options->startup, &options->origin,
				  error);
	return options->no_startup ? 0 : add_beside(startup, options, error);
}

void startup_close(struct startup *startup)
{
	while (startup->sources)
		origin_close(startup->from[--startup->sources]);
	free(startup->ranges);
}

/* Wait, but not for the end. Return: false if it has come. */
static bool pause_round(struct startup *startup, unsigned int milliseconds)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&startup->lock);
	while (!startup->stop &&
	       !pthread_cond_timedwait(&startup->wake, &startup->lock, &until))
		;
	stop = startup->stop;
	pthread_mutex_unlock(&startup->lock);
	return !stop;
}

static int read_list(struct origin *origin, char **text, size_t *length,
		     struct incr_error *error)
{
	struct origin_connection *connection;
	int err = origin_connect(&connection, origin, error);

	if (err)
		return err;
	err = origin_get(connection, INCR_STARTUP_TEXT_MAX, text, length,
			 error);
	origin_disconnect(connection);
	return err;
}

/*
 * The ranges as whole chunks, as far as they are in the generation that is
 * loaded. Return: how many of them, the first ones, are not data.
 */
static size_t take_ranges(struct startup *startup,
			  const struct incr_startup *list,
			  const struct incr_image *image)
{
	u64 end = incr_image_segment(image)->end;
	u64 mask = startup->loader->device.chunk - 1;
	size_t i, metadata = 0;

	for (i = 0; i < list->count; i++) {
		struct incr_range *range = &startup->ranges[startup->count];
		u64 stop = list->ranges[i].offset + list->ranges[i].length;

		range->offset = list->ranges[i].offset & ~mask;
		stop = (stop + mask) & ~mask;
		if (stop > end)
			stop = end;
		if (range->offset >= stop)
			continue;
		range->length = stop - range->offset;
		startup->bytes += range->length;
		if (metadata == startup->count &&
		    incr_image_area(image, range->offset) != INCR_AREA_DATA)
			metadata++;
		startup->count++;
	}
	return metadata;
}

/* Give the queue the list in @text. Return: 0 or -errno. */
static int take_list(struct startup *startup, const char *text, size_t length,
		     struct incr_error *error)
{
	struct loader *loader = startup->loader;
	struct loaded *loaded = loaded_hold(loader);
	struct incr_startup list;
	size_t metadata = 0;
	int err;

	err = incr_startup_parse(&list, text, length, error);
	if (!err)
		err = incr_startup_check(&list, loaded->image, error);
	if (!err) {
		pthread_mutex_lock(&startup->lock);
		startup->ranges = calloc(list.count + 1,
					 sizeof(*startup->ranges));
		if (!startup->ranges)
			err = incr_fail(error, -ENOMEM, "out of memory");
		else
			metadata = take_ranges(startup, &list, loaded->image);
		pthread_mutex_unlock(&startup->lock);
	}
	if (!err)
		queue_startup(&loader->queue, startup->ranges, startup->count,
			      metadata);
	incr_startup_free(&list);
	loaded_drop(loader, loaded);
	return err;
}

static void say_taken(const struct startup *startup, const char *name)
{
	char bytes[FORMAT_SIZE_MAX];

	message_info("start-up list %s: %zu ranges, %s", name, startup->count,
		     format_size(startup->bytes, bytes));
}

/* The newest list that the image has, up to the generation that is loaded. */
static void find_own(struct startup *startup)
{
	struct loaded *loaded = loaded_hold(startup->loader);
	u32 i = incr_image_segment(loaded->image)->generation + 1;

	while (!startup->own.length && i-- > 0) {
		const struct inc_segment *seg =
			incr_image_segment_at(loaded->image, i);

		startup->own.offset = seg->startup_offset;
		startup->own.length = seg->startup_size;
	}
	loaded_drop(startup->loader, loaded);
}

/* It is verified as little as one from elsewhere, and need not become present. */
static int read_own(struct startup *startup, char *text,
		    struct incr_error *error)
{
	const struct incr_range *own = &startup->own;
	struct loader *loader = startup->loader;
	unsigned int order[MIRRORS_MAX], i;
	struct connections connections;
	int err = device_read(&loader->device, own->offset, own->length, text);

	if (!err)
		return 0;
	pool_take(&loader->pool, &connections, 0);
	mirrors_order(&loader->mirrors, NO_MIRROR, order);
	for (i = 0; err && i < loader->mirrors.count; i++)
		err = mirrors_read(&loader->mirrors, order[i], &connections,
				   own->offset, own->length, text, error);
	pool_give(&loader->pool, &connections);
	return err;
}

/* Return: as ask_sources(). */
static int ask_own(struct startup *startup)
{
	char *text = malloc(startup->own.length);
	struct incr_error error;
	int err;

	if (!text)
		return -ENOENT;
	err = read_own(startup, text, &error);
	if (err) {
		message_debug("the image's start-up list: %s", error.text);
		free(text);
		return origin_error_passes(err) ? -EAGAIN : -ENOENT;
	}
	err = take_list(startup, text, startup->own.length, &error);
	free(text);
	if (!err)
		say_taken(startup, "in the image");
	else
		message_warning("the image's start-up list: %s; it is not used",
				error.text);
	return err ? -ENOENT : 0;
}

/*
 * Ask all places once. Return: 0 if one had a list; -ENOENT if none has; -EAGAIN
 * if that may change.
 */
static int ask_sources(struct startup *startup)
{
	int result = startup->own.length ? ask_own(startup) : -ENOENT;
	unsigned int i;

	for (i = 0; result && i < startup->sources; i++) {
		const char *name = origin_name(startup->from[i]);
		struct incr_error error;
		size_t length;
		char *text;
		int err = read_list(startup->from[i], &text, &length, &error);

		if (!err) {
			err = take_list(startup, text, length, &error);
			free(text);
			if (!err) {
				say_taken(startup, name);
				return 0;
			}
			message_warning("%s: %s; it is not used", name,
					error.text);
		} else if (origin_error_passes(err)) {
			message_debug("%s: %s", name, error.text);
			result = -EAGAIN;
		} else {
			message_debug("no start-up list %s: %s", name,
				      error.text);
		}
	}
	return result;
}

static void *run(void *context)
{
	struct startup *startup = context;
	struct loader *loader = startup->loader;
	unsigned int round, pause = ROUND_PAUSE;
	int err = -EAGAIN;

	for (round = 0; err == -EAGAIN && round < ROUNDS; round++) {
		if (round && !pause_round(startup, pause))
			break;
		if (round)
			pause *= 2;
		err = ask_sources(startup);
		/* Others need not wait for the next round. */
		if (err && !round)
			queue_startup(&loader->queue, NULL, 0, 0);
	}
	pthread_mutex_lock(&startup->lock);
	startup->ended = true;
	pthread_mutex_unlock(&startup->lock);
	loader_wake_main(loader);
	return NULL;
}

int startup_begin(struct startup *startup)
{
	sigset_t all, old;
	int err;

	if (!startup->named)
		find_own(startup);
	startup->ended = !startup->sources && !startup->own.length;
	if (startup->ended)
		return 0;
	queue_expect_startup(&startup->loader->queue, EXPECTED);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&startup->thread, NULL, run, startup);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	startup->started = !err;
	return err;
}

void startup_end(struct startup *startup)
{
	if (!startup->started)
		return;
	pthread_mutex_lock(&startup->lock);
	startup->stop = true;
	pthread_cond_broadcast(&startup->wake);
	pthread_mutex_unlock(&startup->lock);
	pthread_join(startup->thread, NULL);
	startup->started = false;
}

void startup_count(struct startup *startup)
{
	const struct device *device = &startup->loader->device;
	struct stats *stats = &startup->loader->stats;
	u64 ranges = 0, bytes = 0;
	size_t i;

	pthread_mutex_lock(&startup->lock);
	for (i = 0; i < startup->count; i++) {
		const struct incr_range *range = &startup->ranges[i];
		u64 at = range->offset, end = at + range->length, start, stop;
		u64 absent = 0;

		while (device_next_missing(device, at, end, &start, &stop) > 0) {
			absent += stop - start;
			at = stop;
		}
		bytes += range->length - absent;
		ranges += !absent;
	}
	atomic_store(&stats->startup_ranges, startup->count);
	atomic_store(&stats->startup_bytes, startup->bytes);
	atomic_store(&stats->startup_ranges_done, ranges);
	atomic_store(&stats->startup_bytes_done, bytes);
	pthread_mutex_unlock(&startup->lock);
}

bool startup_over(struct startup *startup)
{
	bool over;

	pthread_mutex_lock(&startup->lock);
	over = startup->ended && queue_startup_over(&startup->loader->queue);
	pthread_mutex_unlock(&startup->lock);
	return over;
}

bool startup_has_list(struct startup *startup)
{
	bool has;

	pthread_mutex_lock(&startup->lock);
	has = startup->count;
	pthread_mutex_unlock(&startup->lock);
	return has;
}
