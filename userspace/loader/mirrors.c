// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The origins of one image; see mirrors.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "loader/mirrors.h"

/* A server may be corrected while we run. */
#define REJECTED_SECONDS	60
/* Milliseconds: before that only if no other has the wanted range. */
#define LOOK_FIRST		250u
#define LOOK_MAX		8000u
/* Looks at its head while one range is read. */
#define LOOKS_MAX		8u
/*
 * Replies of no use until it has not got the image. One address may have several servers
 * behind it, or a cache that sends all of a file that it has just got itself.
 */
#define USELESS_MAX		3u
/* After that, one that could not be reached is worth another attempt. */
#define FAILED_SECONDS		60
/* So long it is distrusted after the first offence, doubling up to the last. */
#define DISTRUST_FIRST		30
#define DISTRUST_DOUBLINGS	6

static u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int mirrors_open(struct mirrors *mirrors, char *const *names,
		 unsigned int count, const struct origin_options *options,
		 const struct origin_access *access, struct incr_error *error)
{
	struct origin_options one = *options;
	unsigned int i;
	int err;

	for (i = 0; i < count; i++) {
		one.line = i >= access->first &&
			   i - access->first < access->listed ?
			   i - access->first + 1 : 0;
		err = origin_open(&mirrors->mirror[i].origin, names[i], &one,
				  error);
		if (err)
			return err;
		pthread_mutex_init(&mirrors->mirror[i].log.lock, NULL);
		mirrors->count++;
	}
	return 0;
}

void mirrors_close(struct mirrors *mirrors)
{
	while (mirrors->count)
		origin_close(mirrors->mirror[--mirrors->count].origin);
	free(mirrors->sources);
	mirrors->sources = NULL;
}

int mirrors_expect(struct mirrors *mirrors, const struct mirror_image *image)
{
	unsigned int i;

	/* For 1 TiB, 16 MiB; unused pages of it take no memory. */
	if (!mirrors->sources) {
		mirrors->sources = calloc(INC_IMAGE_SIZE_MAX / REGION + 1,
					  sizeof(*mirrors->sources));
		if (!mirrors->sources)
			return -ENOMEM;
		mirrors->first = *image;
	}
	pthread_mutex_lock(&mirrors->lock);
	mirrors->image = *image;
	for (i = 0; i < mirrors->count; i++)
		atomic_store(&mirrors->mirror[i].state, MIRROR_UNCHECKED);
	pthread_mutex_unlock(&mirrors->lock);
	return 0;
}

void mirrors_note_source(struct mirrors *mirrors, u64 offset, u64 length,
			 unsigned int index)
{
	u64 region = offset / REGION, last = (offset + length - 1) / REGION;

	for (; region <= last; region++)
		atomic_store_explicit(&mirrors->sources[region],
				      (u8)(index + 1), memory_order_relaxed);
}

unsigned int mirrors_source(const struct mirrors *mirrors, u64 offset)
{
	u8 source = atomic_load_explicit(&mirrors->sources[offset / REGION],
					 memory_order_relaxed);

	return source ? source - 1u : NO_MIRROR;
}

void mirror_distrust(struct mirror *mirror)
{
	unsigned int offences = atomic_fetch_add(&mirror->offences, 1);

	if (offences > DISTRUST_DOUBLINGS)
		offences = DISTRUST_DOUBLINGS;
	atomic_store(&mirror->distrusted_until,
		     seconds() + (DISTRUST_FIRST << offences));
}

bool mirror_is_distrusted(const struct mirror *mirror)
{
	time_t until = atomic_load(&mirror->distrusted_until);

	return until && seconds() < until;
}

void mirrors_order(struct mirrors *mirrors, unsigned int avoid,
		   unsigned int order[MIRRORS_MAX])
{
	enum { WILLING, AVOIDED, DISTRUSTED, REJECTED } rank[MIRRORS_MAX];
	unsigned int first = atomic_load(&mirrors->preferred);
	unsigned int count = 0, now, i;

	for (i = 0; i < mirrors->count; i++) {
		struct mirror *mirror = &mirrors->mirror[i];

		rank[i] = mirror_is_rejected(mirror) ? REJECTED :
			  mirror_is_distrusted(mirror) ? DISTRUSTED :
			  i == avoid ? AVOIDED : WILLING;
	}
	for (now = WILLING; now <= REJECTED; now++) {
		for (i = 0; i < mirrors->count; i++) {
			unsigned int index = (first + i) % mirrors->count;

			if (rank[index] == now)
				order[count++] = index;
		}
	}
}

void connections_close(struct connections *connections)
{
	unsigned int i;

	for (i = 0; i < MIRRORS_MAX; i++) {
		origin_disconnect(connections->to[i]);
		connections->to[i] = NULL;
	}
}

int pool_create(struct pool *pool, unsigned int room)
{
	pool->idle = calloc(room, sizeof(*pool->idle));
	pool->room = pool->idle ? room : 0;
	return pool->idle ? 0 : -ENOMEM;
}

void pool_destroy(struct pool *pool)
{
	while (pool->count)
		connections_close(&pool->idle[--pool->count]);
	free(pool->idle);
	pool->idle = NULL;
}

void pool_take(struct pool *pool, struct connections *connections,
	       size_t window)
{
	unsigned int i;

	memset(connections, 0, sizeof(*connections));
	pthread_mutex_lock(&pool->lock);
	i = pool->count;
	while (i && !pool->idle[i - 1].window != !window)
		i--;
	if (!i)
		i = pool->count;
	if (i) {
		*connections = pool->idle[i - 1];
		pool->count--;
		memmove(&pool->idle[i - 1], &pool->idle[i],
			(pool->count + 1 - i) * sizeof(*pool->idle));
	}
	pthread_mutex_unlock(&pool->lock);
	connections->fetched = connections->delay = connections->rate = 0;
	connections->window = window;
}

void pool_give(struct pool *pool, struct connections *connections)
{
	bool kept;

	pthread_mutex_lock(&pool->lock);
	kept = pool->count < pool->room;
	if (kept)
		pool->idle[pool->count++] = *connections;
	pthread_mutex_unlock(&pool->lock);
	if (!kept)
		connections_close(connections);
	memset(connections, 0, sizeof(*connections));
}

bool mirror_is_rejected(struct mirror *mirror)
{
	int rejected = MIRROR_REJECTED;

	if (atomic_load(&mirror->state) != MIRROR_REJECTED)
		return false;
	if (seconds() - atomic_load(&mirror->rejected_at) < REJECTED_SECONDS)
		return true;
	atomic_compare_exchange_strong(&mirror->state, &rejected,
				       MIRROR_UNCHECKED);
	return false;
}

void mirror_suspect(struct mirror *mirror)
{
	int good = MIRROR_GOOD;

	atomic_compare_exchange_strong(&mirror->state, &good, MIRROR_UNCHECKED);
}

unsigned int mirrors_pause(struct mirrors *mirrors)
{
	u64 now = milliseconds(), soonest = 0;
	unsigned int i;

	for (i = 0; i < mirrors->count; i++) {
		struct mirror *mirror = &mirrors->mirror[i];
		int state = atomic_load(&mirror->state);
		u64 at = atomic_load(&mirror->look_at);

		if ((state == MIRROR_REJECTED || state == MIRROR_BEHIND) &&
		    at > now && (!soonest || at < soonest))
			soonest = at;
	}
	return soonest ? (unsigned int)(soonest - now) : 0;
}

void mirror_aside(struct mirror *mirror, const char *why)
{
	if (atomic_exchange(&mirror->set_aside, true))
		message_debug("%s", why);
	else
		message_warning("%s; it is looked at again from time to time",
				why);
}

void mirror_failing(struct mirror *mirror, const char *why)
{
	atomic_store(&mirror->failed_at, seconds() + 1);
	if (outage_begins(&mirror->outage))
		message_warning("%s; trying again", why);
}

void mirror_unusable(struct mirror *mirror, const char *why)
{
	mirror_distrust(mirror);
	if (outage_begins(&mirror->outage))
		message_warning("%s; it is asked last for some time", why);
}

bool mirrors_have_other(struct mirrors *mirrors, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < mirrors->count; i++) {
		struct mirror *mirror = &mirrors->mirror[i];
		time_t failed = atomic_load(&mirror->failed_at);

		if (i != index && !mirror_is_rejected(mirror) &&
		    !mirror_is_distrusted(mirror) &&
		    (!failed || seconds() - failed >= FAILED_SECONDS))
			return true;
	}
	return false;
}

void mirrors_prefer_next(struct mirrors *mirrors, unsigned int index)
{
	unsigned int expected = index;

	atomic_compare_exchange_strong(&mirrors->preferred, &expected,
				       (index + 1) % mirrors->count);
}

unsigned int mirror_quiet(const struct mirror *mirror, bool reader)
{
	u64 until = atomic_load(&mirror->quiet_until), now = milliseconds();
	u64 most = atomic_load(&mirror->quiet_from) + QUIET_READER;

	if (reader && until > most)
		until = most;
	return until > now ? (unsigned int)(until - now) : 0;
}

static int read_origin(struct mirrors *mirrors, struct mirror *mirror,
		       struct origin_connection *connection, u64 offset,
		       size_t length, void *buffer, struct incr_error *error)
{
	int err = origin_read(connection, offset, length, buffer, error);
	unsigned int after = err ? origin_retry_after(connection) : 0;
	u64 now = milliseconds();

	/* Not later because of a reply that comes last. */
	if (after && origin_error_passes(err) && !mirror_quiet(mirror, false)) {
		atomic_store(&mirror->quiet_from, now);
		atomic_store(&mirror->quiet_until, now + after * 1000ull);
	}
	if (err)
		return err;
	atomic_store(&mirror->quiet_until, 0);
	atomic_fetch_add(&mirrors->stats->fetches, 1);
	atomic_fetch_add(&mirrors->stats->bytes_fetched, length);
	return 0;
}

/* The mirror has sent the bytes that it was asked for. */
static void mirror_works(struct mirrors *mirrors, struct mirror *mirror)
{
	atomic_store(&mirror->failed_at, 0);
	if (!outage_ends(&mirror->outage))
		return;
	message_info("%s answers again", origin_name(mirror->origin));
	atomic_store(&mirrors->recovered, true);
}

/*
 * Does it have @image? A longer one does: it has got more segments since.
 * Return: 0; -EPROTO if not; another -errno if that cannot be known.
 */
static int compare(struct mirrors *mirrors, struct mirror *mirror,
		   struct origin_connection *connection,
		   const struct mirror_image *image, struct incr_error *error)
{
	unsigned int useless = 0;
	struct inc_super super;
	u64 size;
	int err;

	do {
		err = read_origin(mirrors, mirror, connection, image->offset,
				  sizeof(super), &super, error);
	} while (err == -EPROTO && ++useless < USELESS_MAX);
	if (err && err != -ENOENT)
		return err;
	size = origin_size(mirror->origin);
	if (!err && !memcmp(&super, &image->super, sizeof(super)) &&
	    (!size || size >= image->size)) {
		origin_vouch(connection);
		return 0;
	}
	/* Not there at all: 404 is a better reason than a wrong image. */
	if (err && (!size || size >= image->size))
		return err;
	if (err || (size && size < image->size))
		snprintf(error->text, sizeof(error->text),
			 "the origin holds %llu bytes of the image's %llu",
			 (unsigned long long)size,
			 (unsigned long long)image->size);
	else
		snprintf(error->text, sizeof(error->text),
			 "the origin holds another image");
	return -EPROTO;
}

/* How it fits is known now. Its pauses grow until it has all of the image. */
/* Under mirrors->lock; @why of one that is rejected. */
static void set_state(struct mirrors *mirrors, struct mirror *mirror,
		      enum mirror_state state, const struct incr_error *why)
{
	unsigned int pause = atomic_load(&mirror->pause);

	atomic_store(&mirror->rejected_at, seconds());
	if (state == MIRROR_GOOD || !pause)
		pause = LOOK_FIRST;
	atomic_store(&mirror->look_at, milliseconds() + pause);
	if (state != MIRROR_GOOD && pause < LOOK_MAX)
		pause *= 2;
	atomic_store(&mirror->pause, pause);
	if (state == MIRROR_REJECTED)
		mirror->why = *why;
	atomic_store(&mirror->state, state);
	if (state != MIRROR_GOOD || !atomic_exchange(&mirror->set_aside, false))
		return;
	message_info("%s has the image again", origin_name(mirror->origin));
	atomic_store(&mirrors->recovered, true);
}

/* The state of a mirror that replies so to a look for @image. */
static enum mirror_state look(struct mirrors *mirrors, struct mirror *mirror,
			      struct origin_connection *connection,
			      const struct mirror_image *image, int *err,
			      struct incr_error *error)
{
	struct incr_error ignored;

	*err = compare(mirrors, mirror, connection, image, error);
	if (!*err)
		return MIRROR_GOOD;
	if (*err == -ECANCELED || origin_error_passes(*err))
		return MIRROR_UNCHECKED;
	if (image->size != mirrors->first.size &&
	    (*err == -EPROTO || *err == -ENOENT) &&
	    !compare(mirrors, mirror, connection, &mirrors->first, &ignored)) {
		*err = 0;
		return MIRROR_BEHIND;
	}
	*err = -ESTALE;
	return MIRROR_REJECTED;
}

/*
 * Is it our image, all of it, or as much as there was at first? After success the mirror's
 * state says which: if the image has got longer meanwhile, it is looked for again.
 */
static int check_head(struct mirrors *mirrors, struct mirror *mirror,
		      struct origin_connection *connection,
		      struct incr_error *error)
{
	enum mirror_state state;
	struct mirror_image image;
	bool same;
	int err;

	do {
		pthread_mutex_lock(&mirrors->lock);
		image = mirrors->image;
		pthread_mutex_unlock(&mirrors->lock);
		/* Whatever it has now is looked at. */
		origin_doubt(mirror->origin);
		state = look(mirrors, mirror, connection, &image, &err, error);
		if (state == MIRROR_UNCHECKED)
			return err;
		pthread_mutex_lock(&mirrors->lock);
		same = image.size == mirrors->image.size;
		if (same)
			set_state(mirrors, mirror, state, error);
		pthread_mutex_unlock(&mirrors->lock);
	} while (!same);
	return err;
}

/*
 * A mirror that lacks the wanted range may have it by now: look again, but not all
 * the time, and not from all threads at once. One that does not look says what another
 * found: whichever comes first is the one that is logged.
 */
static int look_again(struct mirrors *mirrors, struct mirror *mirror,
		      struct origin_connection *connection,
		      struct incr_error *error)
{
	u64 at = atomic_load(&mirror->look_at), now = milliseconds();

	if (now >= at && atomic_compare_exchange_strong(&mirror->look_at, &at,
							now + LOOK_FIRST))
		return check_head(mirrors, mirror, connection, error);
	if (atomic_load(&mirror->state) != MIRROR_REJECTED)
		return 0;
	pthread_mutex_lock(&mirrors->lock);
	*error = mirror->why;
	pthread_mutex_unlock(&mirrors->lock);
	return -ESTALE;
}

/* A mirror that has been looked at: does it lack bytes before @end, as it lacks layers? */
static int check_length(struct mirrors *mirrors, struct mirror *mirror, u64 end,
			struct incr_error *error)
{
	if (end <= mirrors->first.size ||
	    atomic_load(&mirror->state) != MIRROR_BEHIND)
		return 0;
	return incr_fail(error, -ESTALE,
			 "the origin holds the image without its last layers");
}

/* Does the mirror have all bytes before @end? */
static int check_mirror(struct mirrors *mirrors, struct mirror *mirror,
			struct origin_connection *connection, u64 end,
			struct incr_error *error)
{
	int state = atomic_load(&mirror->state), err = 0;

	if (state == MIRROR_UNCHECKED)
		err = check_head(mirrors, mirror, connection, error);
	else if (state == MIRROR_REJECTED ||
		 (state == MIRROR_BEHIND && end > mirrors->first.size))
		err = look_again(mirrors, mirror, connection, error);
	return err ? err : check_length(mirrors, mirror, end, error);
}

/*
 * Read bytes that the mirror should have. If its file is another version than that
 * with the head, its head is looked at first: it may be another image by now, or
 * the same with another ETag.
 */
static int read_mirror(struct mirrors *mirrors, unsigned int index,
		       struct connections *connections, u64 offset,
		       size_t length, void *buffer, struct incr_error *error)
{
	struct origin_connection *connection = connections->to[index];
	struct mirror *mirror = &mirrors->mirror[index];
	struct incr_error head;
	unsigned int looks = 0;
	int err, head_err;

	err = check_mirror(mirrors, mirror, connection, offset + length, error);
	if (err || !length)
		return err;
	/* A server that names another version each time is not believed any more. */
	do {
		origin_watch(connection, connections->arrived,
			     connections->watcher);
		err = read_origin(mirrors, mirror, connection, offset, length,
				  buffer, error);
		origin_watch(connection, NULL, NULL);
		if (!err || err == -ECANCELED || origin_error_passes(err))
			return err;
		/* Is it this range that it lacks, or has it lost all of the image? */
		head_err = check_head(mirrors, mirror, connection, &head);
		if (!head_err)
			head_err = check_length(mirrors, mirror, offset + length,
						&head);
		/*
		 * A reply that is of no use may have been one of a kind, and a range that
		 * was not there may have come before the head was looked at.
		 */
	} while (!head_err && ++looks < LOOKS_MAX &&
		 (err == -ESTALE ||
		  ((err == -EPROTO || err == -ENOENT) && looks == 1)));
	if (!head_err)
		return err;
	*error = head;
	return head_err;
}

static void note_time(struct connections *connections, unsigned int index,
		      const struct mirror *mirror)
{
	u64 delay = origin_delay(connections->to[index]);

	if (delay && (!connections->delay || delay < connections->delay))
		connections->delay = delay;
	connections->rate = origin_rate(mirror->origin);
}

int mirrors_read(struct mirrors *mirrors, unsigned int index,
		 struct connections *connections, u64 offset, size_t length,
		 void *buffer, struct incr_error *error)
{
	struct mirror *mirror = &mirrors->mirror[index];
	struct incr_error why;
	int err = 0;

	if (!connections->to[index])
		err = origin_connect(&connections->to[index], mirror->origin,
				     &why);
	if (!err) {
		origin_hurry(connections->to[index], connections->hurry);
		origin_window(connections->to[index], connections->window);
		err = read_mirror(mirrors, index, connections, offset, length,
				  buffer, &why);
	}
	if (!err) {
		mirror_works(mirrors, mirror);
		note_time(connections, index, mirror);
		connections->fetched += length;
		return 0;
	}
	return incr_fail(error, err, "%s: %s", origin_name(mirror->origin),
			 why.text);
}

void range_log(struct ratelimit *limit, int level, u64 offset, u64 length,
	       const char *why, const char *then)
{
	unsigned int dropped = 0;

	if (level < MESSAGE_DEBUG && !ratelimit_ok(limit, &dropped))
		return;
	if (dropped)
		message((enum message_level)level,
			"%u messages like the next were left out", dropped);
	message((enum message_level)level, "bytes %llu to %llu: %s%s",
		(unsigned long long)offset,
		(unsigned long long)(offset + length - 1), why, then);
}
