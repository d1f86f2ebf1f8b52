// SPDX-License-Identifier: GPL-2.0-only
/*
 * The origins of one image; see mirrors.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "message.h"
#include "mirrors.h"

/* A server may be corrected while we run. */
#define REJECTED_SECONDS	60
/* It may just be about to get what we have got already. */
#define BEHIND_SECONDS		5
/* After that, one that could not be reached is worth another attempt. */
#define FAILED_SECONDS		60
/* So long it is distrusted after the first offence, doubling up to the last. */
#define DISTRUST_FIRST		30
#define DISTRUST_DOUBLINGS	6

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int mirrors_open(struct mirrors *mirrors, char *const *names,
		 unsigned int count, const struct origin_options *options,
		 struct inc_error *error)
{
	unsigned int i;
	int err;

	for (i = 0; i < count; i++) {
		err = origin_open(&mirrors->mirror[i].origin, names[i], options,
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

	/* For 1 TiB, 16 MiB; what is not used takes no memory. */
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

unsigned int mirrors_order(struct mirrors *mirrors, unsigned int avoid,
			   unsigned int order[MIRRORS_MAX])
{
	unsigned int first = atomic_load(&mirrors->preferred);
	unsigned int late[MIRRORS_MAX], count = 0, lates = 0, i;
	bool avoided = false;

	for (i = 0; i < mirrors->count; i++) {
		unsigned int index = (first + i) % mirrors->count;

		if (mirror_is_rejected(&mirrors->mirror[index]))
			continue;
		if (mirror_is_distrusted(&mirrors->mirror[index]))
			late[lates++] = index;
		else if (index == avoid)
			avoided = true;
		else
			order[count++] = index;
	}
	if (avoided)
		order[count++] = avoid;
	for (i = 0; i < lates; i++)
		order[count++] = late[i];
	return count;
}

void connections_close(struct connections *connections)
{
	unsigned int i;

	for (i = 0; i < MIRRORS_MAX; i++) {
		origin_disconnect(connections->to[i]);
		connections->to[i] = NULL;
	}
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

static int read_origin(struct mirrors *mirrors, struct mirror *mirror,
		       struct origin_connection *connection, u64 offset,
		       size_t length, void *buffer, struct inc_error *error)
{
	int err = origin_read(connection, offset, length, buffer, error);

	if (err)
		return err;
	atomic_fetch_add(&mirrors->stats->fetches, 1);
	atomic_fetch_add(&mirrors->stats->bytes_fetched, length);
	atomic_store(&mirror->failed_at, 0);
	if (outage_ends(&mirror->outage))
		message_info("%s answers again", origin_name(mirror->origin));
	return 0;
}

/*
 * Does it have @image? A longer one does: it has got more segments since.
 * Return: 0; -EPROTO if not; another -errno if that cannot be known.
 */
static int compare(struct mirrors *mirrors, struct mirror *mirror,
		   struct origin_connection *connection,
		   const struct mirror_image *image, struct inc_error *error)
{
	struct inc_super super;
	u64 size;
	int err;

	err = read_origin(mirrors, mirror, connection, image->offset,
			  sizeof(super), &super, error);
	if (err && err != -ENOENT)
		return err;
	size = origin_size(mirror->origin);
	if (!err && !memcmp(&super, &image->super, sizeof(super)) &&
	    (!size || size >= image->size))
		return 0;
	/* Not there at all: 404 is a better reason than a wrong image. */
	if (err && !size)
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

/* Is it our image, all of it, or as much as there was at first? */
static int check_head(struct mirrors *mirrors, struct mirror *mirror,
		      struct origin_connection *connection,
		      struct inc_error *error)
{
	enum mirror_state state = MIRROR_GOOD;
	struct mirror_image image;
	struct inc_error ignored;
	int err;

	pthread_mutex_lock(&mirrors->lock);
	image = mirrors->image;
	pthread_mutex_unlock(&mirrors->lock);
	err = compare(mirrors, mirror, connection, &image, error);
	if (err && image.size != mirrors->first.size &&
	    (err == -EPROTO || err == -ENOENT) &&
	    !compare(mirrors, mirror, connection, &mirrors->first, &ignored)) {
		state = MIRROR_BEHIND;
		err = 0;
	} else if (err == -EPROTO) {
		state = MIRROR_REJECTED;
	} else if (err) {
		return err;
	}
	atomic_store(&mirror->rejected_at, seconds());
	pthread_mutex_lock(&mirrors->lock);
	/* If it has got longer meanwhile, the next one looks again. */
	if (image.size == mirrors->image.size)
		atomic_store(&mirror->state, state);
	pthread_mutex_unlock(&mirrors->lock);
	return err;
}

/* It may have got what it lacks by now; look again, but not all the time. */
static int check_behind(struct mirrors *mirrors, struct mirror *mirror,
			struct origin_connection *connection,
			struct inc_error *error)
{
	int err = 0;

	if (seconds() - atomic_load(&mirror->rejected_at) >= BEHIND_SECONDS)
		err = check_head(mirrors, mirror, connection, error);
	if (!err && atomic_load(&mirror->state) == MIRROR_BEHIND) {
		snprintf(error->text, sizeof(error->text),
			 "the origin holds the image without what was added last");
		err = -ENOENT;
	}
	return err;
}

int mirrors_read(struct mirrors *mirrors, unsigned int index,
		 struct connections *connections, u64 offset, size_t length,
		 void *buffer, struct inc_error *error)
{
	struct mirror *mirror = &mirrors->mirror[index];
	struct inc_error why;
	int err = 0;

	if (!connections->to[index])
		err = origin_connect(&connections->to[index], mirror->origin,
				     &why);
	if (!err)
		origin_hurry(connections->to[index], connections->hurry);
	if (!err && atomic_load(&mirror->state) == MIRROR_UNCHECKED)
		err = check_head(mirrors, mirror, connections->to[index], &why);
	if (!err && offset + length > mirrors->first.size &&
	    atomic_load(&mirror->state) == MIRROR_BEHIND)
		err = check_behind(mirrors, mirror, connections->to[index],
				   &why);
	if (!err && length)
		err = read_origin(mirrors, mirror, connections->to[index],
				  offset, length, buffer, &why);
	return err ? inc_fail(error, err, "%s: %s",
			      origin_name(mirror->origin), why.text) : 0;
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
