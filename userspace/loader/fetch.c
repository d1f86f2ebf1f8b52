// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Get one range: choose a mirror, fetch it with its surroundings, verify, fill.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "loader/loader.h"
#include "loader/pieces.h"
#include "loader/results.h"

#define FILL_DELAY	1000u	/* ms between attempts to fill */
#define BROKEN_MAX	8u	/* fills that fail one after the other */
/* Bytes that are filled at once while more arrive: if a reader waits for them, and if none does. */
#define STREAM_STEP	(16u << 10)
#define STREAM_STEP_LATER (128u << 10)
/* And in clusters. The extents at both ends of a step are verified once more. */
#define STREAM_CLUSTERS	4u

/* Check a range that the worker has in its buffer. */
static int verify(struct worker *worker, u64 offset, u64 length,
		  struct incr_error *error)
{
	return incr_image_verify(worker->loaded->image, offset, length,
				 worker->buffer + (offset - worker->have),
				 error);
}

static int reserve(struct worker *worker, u64 bytes, struct incr_error *error)
{
	u8 *buffer;

	if (bytes <= worker->capacity)
		return 0;
	buffer = bytes > ORIGIN_READ_MAX ? NULL : malloc(bytes);
	if (!buffer) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	free(worker->buffer);
	worker->buffer = buffer;
	worker->capacity = bytes;
	return 0;
}

/* A chunk at an end of the widened range that need not be fetched? */
static bool at_hand(struct worker *worker, u64 wide, u64 at,
		    const struct incr_range *range)
{
	struct loader *loader = worker->loader;
	u8 *to = worker->buffer + (at - wide);
	bool wanted = at >= range->offset &&
		      at < range->offset + range->length;

	if (worker->only_mirror)
		return false;
	/* A present chunk is not filled again, but may surround the range. */
	return (!worker->refetch && cache_get(loader->cache, at, to)) ||
	       (!wanted &&
		!device_read(&loader->device, at, loader->device.chunk, to));
}

static void device_gone(struct loader *loader, int err)
{
	if (!atomic_exchange(&loader->gone, true)) {
		atomic_store(&loader->gone_error, err == -ENODEV ? 0 : err);
		loader_wake_main(loader);
	}
}

/* Fill; says that it has failed once, and when that is over. */
static int fill(struct worker *worker, u64 offset, u64 length,
		const void *data)
{
	struct loader *loader = worker->loader;
	int err = device_fill(&loader->device, offset, length, data);

	if (!err) {
		atomic_fetch_add(&loader->stats.bytes_filled, length);
		atomic_store(&loader->broken, 0);
		if (outage_ends(&loader->full)) {
			message_info("%s can be filled again",
				     loader->device.path);
			queue_resume(&loader->queue);
		}
		return 0;
	}
	if (err != -ENOSPC && err != -EIO && err != -EAGAIN &&
	    err != -ENOMEM && err != -EDQUOT)
		device_gone(loader, err);
	else if (outage_begins(&loader->full))
		message_error("cannot fill %s, trying again: %s",
			      loader->device.path, strerror(-err));
	return err;
}

/* Of a piece of the rest: readers may go first, and its share of what is on the way may change. */
static void piece_arrived(struct worker *worker, size_t received)
{
	struct connections *connections = &worker->connections;
	struct origin_connection *connection = connections->to[worker->mirror];

	queue_arrived(&worker->loader->queue, worker->piece, received,
		      origin_delay(connection), worker->loader->yield);
	if (connections->window == worker->piece->pace.share)
		return;
	connections->window = worker->piece->pace.share;
	origin_window(connection, connections->window);
}

/*
 * Bytes up to @received of what is being fetched have come: fill what of the range can be
 * verified by now, as a reader may wait for it. That is a try: whatever is in the way,
 * bytes to come or wrong ones, is found out again when all has come.
 */
static void stream(void *context, size_t received)
{
	struct worker *worker = context;
	struct loader *loader = worker->loader;
	u64 mask = loader->device.chunk - 1;
	u64 end = worker->arriving.offset + worker->arriving.length;
	u64 here = worker->fetching + received, have = here & ~mask;
	/* An extent that begins before this is here as a whole. */
	u64 to = have - worker->stream_lag;
	bool all = here >= worker->stream_need;
	struct incr_error error;

	if (worker->piece)
		piece_arrived(worker, received);
	if (all) {
		to = end;
		worker->stream_need = UINT64_MAX;	/* one try */
	} else if (have < worker->stream_at || have < worker->stream_lag || to >= end) {
		return;
	}
	if (to <= worker->streamed)
		return;
	worker->stream_at = have + worker->stream_step;
	worker->streaming = true;
	worker->have = worker->from;
	worker->have_end = here;
	if (!verify(worker, worker->streamed, to - worker->streamed, &error) &&
	    !fill(worker, worker->streamed, to - worker->streamed,
		  worker->buffer + (worker->streamed - worker->from))) {
		mirrors_note_source(&loader->mirrors, worker->streamed,
				    to - worker->streamed, worker->mirror);
		worker->streamed = to;
	}
	worker->have = worker->have_end = 0;
	worker->streaming = false;
}

/* Bytes of the largest cluster in [start, end): no extent there is longer. */
static u64 largest_cluster(const struct incr_image *image, u64 start, u64 end)
{
	u64 most = INC_BLOCK_SIZE;
	u32 i;

	for (i = 0; i < incr_image_segments(image); i++) {
		const struct inc_segment *seg = incr_image_segment_at(image, i);
		u64 bytes = (u64)INC_BLOCK_SIZE << seg->cluster_shift;

		if (seg->offset < end && seg->end > start && bytes > most)
			most = bytes;
	}
	return most;
}

/* What was damaged is checked as a whole, and so is what tells whose fault it is. */
static void begin_stream(struct worker *worker, const struct incr_range *range,
			 u64 from, u64 fetching)
{
	u64 chunk = worker->loader->device.chunk;
	u64 start = range->offset, length = range->length;
	struct incr_error error;
	u64 cluster = largest_cluster(worker->loaded->image, range->offset,
				      range->offset + range->length);

	worker->stream_lag = cluster > chunk ? cluster : chunk;
	worker->stream_step = worker->stream_late ? STREAM_STEP_LATER : STREAM_STEP;
	if (worker->stream_step < STREAM_CLUSTERS * cluster)
		worker->stream_step = STREAM_CLUSTERS * cluster;
	if (worker->refetch || worker->only_mirror || !range->length ||
	    (!worker->piece && worker->wide.length == range->length &&
	     range->length <= worker->stream_step))
		return;
	worker->stream_need = start + length;
	if (!incr_image_widen(worker->loaded->image, &start, &length, &error))
		worker->stream_need = start + length;
	else
		worker->stream_need += worker->stream_lag;
	worker->arriving = *range;
	worker->from = from;
	worker->fetching = fetching;
	worker->stream_at = worker->streamed + worker->stream_step;
	worker->connections.arrived = stream;
	worker->connections.watcher = worker;
}

/**
 * get_bytes - have worker->wide and the extents that reach into it in the buffer
 * @range: of that, what is to be filled at once
 * @fetched: set to the part of it that came from the mirror just now
 *
 * Of the chunks around it just the bytes of those extents are fetched: mostly they
 * are a part of a chunk, and what is no whole chunk cannot be kept.
 */
static int get_bytes(struct worker *worker, const struct incr_range *range,
		     struct incr_range *fetched, struct incr_error *error)
{
	struct loader *loader = worker->loader;
	u64 chunk = loader->device.chunk;
	u64 start = worker->wide.offset, length = worker->wide.length;
	u64 end, last, from, whole;
	int err;

	worker->have = worker->have_end = 0;
	err = incr_image_widen(worker->loaded->image, &start, &length, error);
	if (err)
		return err;
	from = start & ~(chunk - 1);
	end = start + length;
	last = (end + chunk - 1) & ~(chunk - 1);
	err = reserve(worker, last - from, error);
	if (err)
		return err;

	fetched->offset = from;
	while (fetched->offset < last &&
	       at_hand(worker, from, fetched->offset, range))
		fetched->offset += chunk;
	if (fetched->offset == from)
		fetched->offset = from = start;
	whole = last;
	/* The first chunk that is to be fetched is not at hand, as was seen above. */
	while (last > fetched->offset + chunk &&
	       at_hand(worker, from, last - chunk, range))
		last -= chunk;
	if (last == whole)
		last = end;
	else
		end = whole;
	fetched->length = last > fetched->offset ? last - fetched->offset : 0;
	if (fetched->length) {
		begin_stream(worker, range, from, fetched->offset);
		err = mirrors_read(&loader->mirrors, worker->mirror,
				   &worker->connections, fetched->offset,
				   fetched->length,
				   worker->buffer + (fetched->offset - from),
				   error);
		worker->connections.arrived = NULL;
		if (err)
			return err;
	}
	worker->have = from;
	worker->have_end = end;
	return 0;
}

/* Keep the whole chunks fetched around @range: another range may need them. */
static void keep_rest(struct worker *worker, const struct incr_range *range,
		      const struct incr_range *fetched)
{
	struct loader *loader = worker->loader;
	u64 chunk = loader->device.chunk;
	u64 at = (fetched->offset + chunk - 1) & ~(chunk - 1);

	for (; at + chunk <= fetched->offset + fetched->length; at += chunk)
		if (at < range->offset || at >= range->offset + range->length)
			cache_put(loader->cache, at,
				  worker->buffer + (at - worker->have));
}

/*
 * The range is verified: fill it. If that fails, others are tried meanwhile, and
 * this one later, with the bytes that are here.
 *
 * Where there is no room, nothing can be filled: fetch nothing either. An I/O
 * error may mean that, too: the loop driver knows no other. Or it is the place:
 * then others must not wait for it. So it takes several, and none that works in
 * between.
 */
static enum outcome fill_range(struct worker *worker,
			       const struct incr_range *range)
{
	struct loader *loader = worker->loader;
	u64 at, end = range->offset + range->length;
	int err = 0;

	if (worker->streamed < end)
		err = fill(worker, worker->streamed, end - worker->streamed,
			   worker->buffer + (worker->streamed - worker->have));
	if (!err) {
		cache_drop(loader->cache, range->offset, range->length);
		return OUTCOME_FILLED;
	}
	if (atomic_load(&loader->gone))
		return OUTCOME_STOPPED;
	for (at = range->offset; at < end; at += loader->device.chunk)
		cache_put(loader->cache, at,
			  worker->buffer + (at - worker->have));
	worker->kept = true;
	worker->pause = FILL_DELAY;
	if (err != -EIO ||
	    atomic_fetch_add(&loader->broken, 1) + 1 >= BROKEN_MAX)
		queue_hold(&loader->queue, FILL_DELAY);
	return OUTCOME_LATER;
}

/*
 * Verifying took metadata that is absent: fill it too, so that nothing is
 * fetched twice. A failure is harmless: the kernel asks for the ranges it needs.
 */
static void fill_extras(struct worker *worker)
{
	struct loader *loader = worker->loader;
	u32 chunk = loader->device.chunk;
	struct incr_error error;
	unsigned int i;

	/* What verifying one takes stays in the cache: it would take others in turn. */
	worker->filling_extras = true;
	for (i = 0; i < worker->extras; i++) {
		const struct incr_range range = worker->extra[i];
		u64 at = 0;

		worker->have = worker->have_end = 0;
		if (reserve(worker, range.length, &error))
			break;
		while (at < range.length &&
		       cache_get(loader->cache, range.offset + at,
				 worker->buffer + at))
			at += chunk;
		if (at < range.length)
			continue;
		worker->have = range.offset;
		worker->have_end = range.offset + range.length;
		if (verify(worker, range.offset, range.length, &error))
			continue;
		if (fill(worker, range.offset, range.length, worker->buffer))
			break;
		mirrors_note_source(&loader->mirrors, range.offset,
				    range.length, worker->mirror);
		cache_drop(loader->cache, range.offset, range.length);
	}
	worker->filling_extras = false;
}

/* Fetch @range from the worker's mirror and verify it. */
static int attempt(struct worker *worker, const struct incr_range *range,
		   struct incr_range *fetched, struct incr_error *error)
{
	u64 end = range->offset + range->length;
	int err;

	worker->nested_error = 0;
	worker->extras = 0;
	if (worker->only_mirror)
		worker->streamed = range->offset;
	err = get_bytes(worker, range, fetched, error);
	if (err || worker->streamed == end)
		return err;
	return verify(worker, worker->streamed, end - worker->streamed, error);
}

static bool is_wrong_bytes(const struct worker *worker, int err)
{
	return !worker->nested_error &&
	       (err == -EBADMSG || err == -EINVAL || err == -ENOTSUP);
}

/*
 * Bytes were wrong, but whose? They were verified with present bytes and bytes of
 * other mirrors, which may be damaged or wrong themselves. Try once more with
 * this mirror's bytes alone.
 */
static int attempt_alone(struct worker *worker, const struct incr_range *range,
			 struct incr_range *fetched, struct incr_error *error)
{
	struct loader *loader = worker->loader;
	unsigned int i;
	int err;

	worker->only_mirror = true;
	worker->wide = *range;
	err = attempt(worker, range, fetched, error);
	worker->only_mirror = false;
	if (!err) {
		cache_clear(loader->cache);
		range_log(&loader->mirrors.log, MESSAGE_WARNING, range->offset,
			  range->length,
			  "they do not fit the bytes that were there, which are wrong", "");
	}
	/* Do not leave it to others to find out. */
	for (i = 0; err && i < worker->extras; i++)
		cache_drop(loader->cache, worker->extra[i].offset,
			   worker->extra[i].length);
	return err;
}

static int attempt_fairly(struct worker *worker, const struct incr_range *range,
			  struct incr_range *fetched, struct incr_error *error)
{
	int err = attempt(worker, range, fetched, error);

	if (is_wrong_bytes(worker, err))
		err = attempt_alone(worker, range, fetched, error);
	return err;
}

/* Report a failure of the mirror, and prefer another from now on. */
static void mirror_failed(struct worker *worker, const struct job *job,
			  const struct incr_range *range, int err,
			  const char *why)
{
	struct mirrors *mirrors = &worker->loader->mirrors;
	struct mirror *mirror = &mirrors->mirror[worker->mirror];
	enum message_level level = MESSAGE_WARNING;
	struct incr_error text;

	/* On the way to the chunk that is wrong, the whole was named. */
	if (job->part && range->length > worker->loader->device.chunk)
		level = MESSAGE_DEBUG;
	if (is_wrong_bytes(worker, err)) {
		atomic_fetch_add(&worker->loader->stats.wrong, 1);
		snprintf(text.text, sizeof(text.text),
			 "%.200s sent wrong bytes: %.250s",
			 origin_name(mirror->origin), why);
		why = text.text;
		mirror_distrust(mirror);
	}
	if (err == -EAGAIN || err == -EHOSTUNREACH)
		mirror_failing(mirror, why);
	else if (err == -EPROTO)
		mirror_unusable(mirror, why);
	else if (err == -ESTALE)
		mirror_aside(mirror, why);
	else
		range_log(&mirror->log, level, range->offset, range->length,
			  why, "");
	mirrors_prefer_next(mirrors, worker->mirror);
}

/* Its bytes are wrong: is the image that it holds another one by now? */
static bool holds_another(struct worker *worker)
{
	struct mirrors *mirrors = &worker->loader->mirrors;
	struct mirror *mirror = &mirrors->mirror[worker->mirror];
	struct incr_error error = { "" };
	int err;

	mirror_suspect(mirror);
	err = mirrors_read(mirrors, worker->mirror, &worker->connections, 0, 0,
			   NULL, &error);
	if (err == -ESTALE)
		mirror_aside(mirror, error.text);
	return err;
}

/**
 * struct replies - how mirrors have failed
 * @answered: one has said something of the range
 * @definite: one has the image, but not this range, or not right
 * @wrong: not right
 * @passes: one failed in a way that may pass
 * @aside: one does not have the image now
 * @after: milliseconds after which one that may pass wants to be asked again
 */
struct replies {
	bool answered;
	bool definite;
	bool wrong;
	bool passes;
	bool aside;
	unsigned int after;
};

/* One may be asked again after so many milliseconds. */
static void note_pause(struct replies *replies, unsigned int after)
{
	if (!replies->passes || after < replies->after)
		replies->after = after;
	replies->passes = true;
}

static void note_reply(struct worker *worker, const struct job *job, int err,
		       struct replies *replies)
{
	const struct mirror *mirror =
		&worker->loader->mirrors.mirror[worker->mirror];
	unsigned int quiet;

	if (err == -ESTALE) {
		replies->aside = true;
		return;
	}
	quiet = mirror_quiet(mirror, job->priority == PRIORITY_DEMAND);
	if (err != -EHOSTUNREACH && !quiet)
		replies->answered = true;
	if (origin_error_passes(err)) {
		note_pause(replies, quiet);
	} else if (err == -EPROTO && job->useless < worker->loader->retry) {
		/* Servers that some requests reach may be at fault, and others not. */
		worker->useless = true;
		note_pause(replies, quiet);
	} else if (!is_wrong_bytes(worker, err)) {
		replies->definite = true;
	} else if (holds_another(worker)) {
		replies->aside = true;
	} else {
		replies->definite = replies->wrong = true;
	}
}

/* Ask every mirror once. */
static int ask_mirrors(struct worker *worker, const struct job *job,
		       const struct incr_range *range, struct incr_range *fetched,
		       struct replies *replies)
{
	struct loader *loader = worker->loader;
	struct mirrors *mirrors = &loader->mirrors;
	unsigned int order[MIRRORS_MAX], avoid = NO_MIRROR, i;
	int err = -EAGAIN;

	/* The damaged bytes may have come from there. */
	if (job->refetch)
		avoid = mirrors_source(mirrors, range->offset);
	if (job->refetch && avoid == NO_MIRROR)
		avoid = atomic_load(&mirrors->preferred);
	mirrors_order(mirrors, avoid, order);
	for (i = 0; i < mirrors->count; i++) {
		struct incr_error error = { "" };
		unsigned int quiet;

		worker->mirror = order[i];
		quiet = mirror_quiet(&mirrors->mirror[order[i]],
				     job->priority == PRIORITY_DEMAND);
		if (quiet) {
			note_pause(replies, quiet);
			continue;
		}
		/* If all are slow, it is the way to them that is. */
		worker->connections.hurry = !job->round &&
			mirrors_have_other(mirrors, worker->mirror);
		err = attempt_fairly(worker, range, fetched, &error);
		if (!err || err == -ECANCELED)
			return err;
		if (err == -ENODEV) {
			device_gone(loader, err);
			return err;
		}
		mirror_failed(worker, job, range, err, error.text);
		note_reply(worker, job, err, replies);
		atomic_fetch_add(&loader->stats.retried, 1);
	}
	return err;
}

/*
 * Nobody has the range now. One that has the image has the last word, unless
 * another could not be asked; if none has it, that may pass like any failure. If
 * there is none at all, the same will happen to other ranges.
 */
static enum outcome without(struct worker *worker,
			    const struct replies *replies)
{
	if (replies->passes)
		worker->pause = replies->after;
	else if (replies->wrong)
		return OUTCOME_WRONG;
	else if (replies->definite)
		return OUTCOME_MISSING;
	else
		worker->pause = mirrors_pause(&worker->loader->mirrors);
	return replies->answered ? OUTCOME_LATER : OUTCOME_AWAY;
}

void worker_free_rest(struct worker *worker, struct rest *rest)
{
	loaded_drop(worker->loader, rest->loaded);
	free(rest->buffer);
	free(rest);
}

/* What was fetched behind @range is left to another thread, with the buffer. */
static void leave_rest(struct worker *worker, const struct incr_range *range)
{
	struct rests *rests = &worker->loader->rests;
	u64 start = range->offset + range->length;
	u64 end = worker->wide.offset + worker->wide.length;
	struct rest *rest = start < end ? malloc(sizeof(*rest)) : NULL;

	if (!rest)
		return;
	*rest = (struct rest){
		.range = { .offset = start, .length = end - start },
		.loaded = loaded_hold(worker->loader),
		.mirror = worker->mirror,
		.have = worker->have,
		.have_end = worker->have_end,
		.capacity = worker->capacity,
		.buffer = worker->buffer,
	};
	worker->buffer = NULL;
	worker->capacity = 0;
	worker->have = worker->have_end = 0;
	while ((rest = rests_add(rests, rest))) {
		worker_free_rest(worker, rest);
		rest = NULL;
	}
}

void worker_fill_rest(struct worker *worker, struct rest *rest)
{
	struct loader *loader = worker->loader;
	u64 start = rest->range.offset, end = start + rest->range.length;
	struct incr_error error;
	int err;

	worker->loaded = rest->loaded;
	worker->mirror = rest->mirror;
	worker->buffer = rest->buffer;
	worker->have = rest->have;
	worker->have_end = rest->have_end;
	/* Nothing is fetched for it. */
	worker->streaming = true;
	if (device_missing_hull(&loader->device, &start, &end) > 0) {
		err = verify(worker, start, end - start, &error);
		/* It would be in the way of those that come to want it. */
		if (err == -EBADMSG || err == -EINVAL)
			cache_drop(loader->cache, start, end - start);
		if (!err && !fill(worker, start, end - start, worker->buffer +
				  (start - worker->have))) {
			mirrors_note_source(&loader->mirrors, start, end - start,
					    worker->mirror);
			cache_drop(loader->cache, start, end - start);
		}
	}
	worker->buffer = NULL;
	worker->have = worker->have_end = 0;
	worker->loaded = NULL;
	worker_free_rest(worker, rest);
	if (queue_look_due(&loader->queue))
		loader_wake_main(loader);
}

/*
 * Set @range to what of @job is to be filled at once: what a reader waits for. What
 * else is fetched with it, worker->wide, is verified when there is time, unless something
 * has gone wrong before. Return: > 0; 0: nothing is to be fetched; -errno.
 */
static int choose_range(struct worker *worker, const struct job *job,
			struct incr_range *range)
{
	struct loader *loader = worker->loader;
	bool first = !job->refetch && !job->round && !job->part && !job->kept;
	u64 start = job->offset, end = job_reach(job);
	u64 now = start, now_end = job_end(job);
	int found = device_missing_hull(&loader->device, &start, &end), some;

	if (found <= 0)
		return found;
	worker->wide = (struct incr_range){ .offset = start, .length = end - start };
	*range = worker->wide;
	if (!first || (job->priority != PRIORITY_HINT && !job->more))
		return found;
	some = job->priority == PRIORITY_HINT ? 0 :
	       device_missing_hull(&loader->device, &now, &now_end);
	if (some < 0)
		return some;
	if (!some)
		now = now_end = start;
	range->offset = now;
	range->length = now_end - now;
	if (!rests_have(&loader->rests, now_end, end))
		return found;
	worker->wide = *range;
	return some;
}

/* Whatever is in the way is found out when it is to be verified. */
void worker_fetch_ahead(struct worker *worker, const struct job *job)
{
	struct loader *loader = worker->loader;
	u64 start = job->offset, end = job_end(job), at;
	u32 chunk = loader->device.chunk;
	unsigned int order[MIRRORS_MAX];
	struct incr_error ignored;

	worker->have = worker->have_end = 0;
	mirrors_order(&loader->mirrors, NO_MIRROR, order);
	worker->mirror = order[0];
	worker->connections.hurry = mirrors_have_other(&loader->mirrors, order[0]);
	if (mirror_quiet(&loader->mirrors.mirror[order[0]], false) ||
	    device_missing_hull(&loader->device, &start, &end) <= 0 ||
	    reserve(worker, end - start, &ignored) ||
	    mirrors_read(&loader->mirrors, order[0], &worker->connections, start,
			 end - start, worker->buffer, &ignored))
		return;
	queue_startup_fetched(&loader->queue, end - start);
	for (at = start; at + chunk <= end; at += chunk)
		cache_put(loader->cache, at, worker->buffer + (at - start));
}

enum outcome worker_fetch(struct worker *worker, const struct job *job)
{
	struct loader *loader = worker->loader;
	struct replies replies = { 0 };
	struct incr_range range, fetched;
	enum outcome outcome;
	int err;

	err = choose_range(worker, job, &range);
	if (!err)
		return OUTCOME_FILLED;
	if (err < 0) {
		device_gone(loader, err);
		return OUTCOME_STOPPED;
	}
	worker->refetch = job->refetch && !job->kept;
	worker->streamed = range.offset;
	worker->stream_late = job->priority == PRIORITY_BACKGROUND;
	if (worker->refetch)
		cache_drop(loader->cache, range.offset, range.length);
	err = ask_mirrors(worker, job, &range, &fetched, &replies);
	if (err == -ECANCELED || err == -ENODEV)
		return OUTCOME_STOPPED;
	if (atomic_load(&loader->mirrors.recovered) &&
	    atomic_exchange(&loader->mirrors.recovered, false))
		queue_resume(&loader->queue);
	if (err)
		return without(worker, &replies);
	if (job->priority == PRIORITY_STARTUP)
		queue_startup_fetched(&loader->queue, fetched.length);
	outcome = fill_range(worker, &range);
	if (outcome == OUTCOME_FILLED) {
		if (range.length)
			mirrors_note_source(&loader->mirrors, range.offset,
					    range.length, worker->mirror);
		keep_rest(worker, &range, &fetched);
		leave_rest(worker, &range);
		fill_extras(worker);
	}
	return outcome;
}
