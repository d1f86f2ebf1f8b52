/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The origins of one image, in the order given. One is preferred until it fails;
 * then the next. One that has sent wrong bytes is asked last for some time, longer
 * each time it happens.
 *
 * One that does not have the image is set aside, and looked at again: after a
 * minute like any other, and before that, with growing pauses, whenever no other
 * has the wanted range. A server's file may be replaced at any time, by a wrong
 * one or the right one.
 */
#ifndef LOADER_MIRRORS_H
#define LOADER_MIRRORS_H

#include "loader/ratelimit.h"
#include "loader/stats.h"
#include "origin/origin.h"

#define MIRRORS_MAX	16

enum mirror_state {
	MIRROR_UNCHECKED,	/* its head has not been read */
	MIRROR_GOOD,		/* its head is the local one's */
	MIRROR_BEHIND,		/* it lacks segments that were added meanwhile */
	MIRROR_REJECTED,	/* it holds something else, or nothing */
};

/**
 * struct mirror - one origin
 * @state: enum mirror_state
 * @rejected_at: when, CLOCK_MONOTONIC seconds
 * @look_at: of one that is rejected or behind: not to be looked at before then,
 *	CLOCK_MONOTONIC milliseconds
 * @pause: milliseconds to wait the next time
 * @why: of one that is rejected; under struct mirrors' lock
 * @set_aside: that was said
 * @failed_at: it could not be reached then, CLOCK_MONOTONIC seconds, and has
 *	not been since; 0: it could
 * @outage: limits messages of that, or of replies that cannot be used
 * @log: limits messages of ranges that it lacks, or has wrong
 * @quiet_from, @quiet_until: its server wants to be left alone (Retry-After),
 *	CLOCK_MONOTONIC milliseconds
 * @distrusted_until: it is asked last, CLOCK_MONOTONIC seconds
 * @offences: how often it was caught
 */
struct mirror {
	struct origin *origin;
	atomic_int state;
	_Atomic time_t rejected_at;
	_Atomic u64 look_at;
	atomic_uint pause;
	struct incr_error why;
	atomic_bool set_aside;
	_Atomic time_t failed_at;
	struct outage outage;
	struct ratelimit log;
	_Atomic u64 quiet_from;
	_Atomic u64 quiet_until;
	_Atomic time_t distrusted_until;
	atomic_uint offences;
};

/**
 * struct mirror_image - the image that an origin must have
 * @super: the local image's newest superblock: an origin must have the same
 * @offset: where it is
 * @size: bytes that an origin must hold at least
 */
struct mirror_image {
	struct inc_super super;
	u64 offset;
	u64 size;
};

/**
 * struct mirrors - all of them
 * @lock: protects @image, and changes of any mirror's state to one of those
 *	that tell how it fits
 * @image: that they must have; only the main thread changes it
 * @first: that they had to have at first; one that lacks segments added to it
 *	serves the rest
 * @recovered: a mirror works again since that was last asked
 * @sources: for each REGION of the image, the mirror that its latest bytes came
 *	from, plus 1; 0: not known. Only a guess where a region has several
 */
struct mirrors {
	struct mirror mirror[MIRRORS_MAX];
	unsigned int count;
	atomic_uint preferred;
	pthread_mutex_t lock;
	struct mirror_image image;
	struct mirror_image first;
	atomic_bool recovered;
	_Atomic u8 *sources;
	struct stats *stats;
	struct ratelimit log;
};

#define REGION		(64u << 10)
#define NO_MIRROR	UINT32_MAX

/**
 * struct connections - a set of them, for one thread at a time
 * @hurry: give up a mirror that is slow, as another may be faster
 * @window: bytes that may be on the way at a time; 0: any number
 * @arrived: told how far a read has come; see origin_watch(). NULL: nobody is
 * @watcher: passed to it
 * @fetched: bytes read through them; the caller sets it back
 * @delay: the shortest time, in nanoseconds, from a request to its first byte; 0: not
 *	known; the caller sets it back
 * @rate: of the origin that was read last; see origin_rate(); the caller sets it back
 */
struct connections {
	bool hurry;
	size_t window;
	void (*arrived)(void *watcher, size_t received);
	void *watcher;
	u64 fetched;
	u64 delay;
	u64 rate;
	struct origin_connection *to[MIRRORS_MAX];
};

int mirrors_open(struct mirrors *mirrors, char *const *names,
		 unsigned int count, const struct origin_options *options,
		 const struct origin_access *access, struct incr_error *error);
void mirrors_close(struct mirrors *mirrors);

/*
 * From now on they must have @image: their heads are looked at (again). Return:
 * 0 or -ENOMEM.
 */
int mirrors_expect(struct mirrors *mirrors, const struct mirror_image *image);

/* The mirror that sent the bytes of a range; NO_MIRROR: not known. */
void mirrors_note_source(struct mirrors *mirrors, u64 offset, u64 length,
			 unsigned int index);
unsigned int mirrors_source(const struct mirrors *mirrors, u64 offset);

/**
 * mirrors_order - in which order to ask
 * @avoid: a mirror that should not be asked if another can be, or NO_MIRROR
 * @order: set to all mirrors: from the preferred one on, then @avoid, then those
 *	that are distrusted, then those that are rejected
 */
void mirrors_order(struct mirrors *mirrors, unsigned int avoid,
		   unsigned int order[MIRRORS_MAX]);

/* The mirror has sent wrong bytes. */
void mirror_distrust(struct mirror *mirror);
bool mirror_is_distrusted(const struct mirror *mirror);

/**
 * mirrors_read - read a range from mirror @index; one attempt
 *
 * Looks at the mirror's head first if that has not been done, and after a failure
 * that would be final: it is the range's only if the mirror has the image.
 * @length 0: the head only.
 *
 * Return: as origin_read(); -ESTALE if the mirror lacks the image, or segments
 * added to it, or if it did so when it was last asked, and it is too early to look
 * again. @error names the mirror.
 */
int mirrors_read(struct mirrors *mirrors, unsigned int index,
		 struct connections *connections, u64 offset, size_t length,
		 void *buffer, struct incr_error *error);

/*
 * Milliseconds that the mirror's server still wants to be left alone, 0: it may be
 * asked. If @reader waits it is QUIET_READER at most: a reader must not wait for
 * ever.
 */
#define QUIET_READER	8000u
unsigned int mirror_quiet(const struct mirror *mirror, bool reader);

/* Has the mirror's head been looked at and found another image's? */
bool mirror_is_rejected(struct mirror *mirror);

/* Its bytes are wrong: it may hold another image by now; look at its head. */
void mirror_suspect(struct mirror *mirror);

/* Milliseconds until one that is set aside may be looked at; 0: none is. */
unsigned int mirrors_pause(struct mirrors *mirrors);

/* Is there a mirror other than @index that seems to work? */
bool mirrors_have_other(struct mirrors *mirrors, unsigned int index);

/* A mirror cannot be reached for now: say so, once until it can. */
void mirror_failing(struct mirror *mirror, const char *why);

/* It does not have the image: say so, once until it has. */
void mirror_aside(struct mirror *mirror, const char *why);

/* Its replies cannot be used: likewise. */
void mirror_unusable(struct mirror *mirror, const char *why);

/* Mirror @index has failed: prefer the next, unless another is preferred already. */
void mirrors_prefer_next(struct mirrors *mirrors, unsigned int index);

void connections_close(struct connections *connections);

/**
 * struct pool - the sets that no thread uses
 * @idle: a stack: the one used last is used first, as its window is the largest: what has
 *	been idle for some time has to find out anew how much the way can take
 */
struct pool {
	pthread_mutex_t lock;
	struct connections *idle;
	unsigned int count;
	unsigned int room;
};

/* For at most @room sets. Return: 0 or -ENOMEM. */
int pool_create(struct pool *pool, unsigned int room);
void pool_destroy(struct pool *pool);

/*
 * Move a set from the pool to the caller, an empty one if the pool has none; and back. For
 * a @window, or for none, rather one that was used likewise: TCP takes some round trips to open
 * a window that was bounded.
 */
void pool_take(struct pool *pool, struct connections *connections,
	       size_t window);
void pool_give(struct pool *pool, struct connections *connections);

/* Log a failure of a range, unless that happens all the time. */
void range_log(struct ratelimit *limit, int level, u64 offset, u64 length,
	       const char *why, const char *then);

#endif /* LOADER_MIRRORS_H */
