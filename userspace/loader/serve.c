// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The main thread at work: it reads the device's requests, takes up segments that
 * are added to the image, handles signals, shows progress and notices completion.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/daemon.h"
#include "common/message.h"
#include "common/parse.h"
#include "loader/foresee.h"
#include "loader/notify.h"
#include "loader/pieces.h"
#include "loader/requests.h"
#include "loader/session.h"

double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) +
	       (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

void session_commit(struct session *session)
{
	if (fsync(session->loader.device.fd) && errno != ENODEV)
		message_error("cannot commit fills: %s",
			      strerror(errno));
}

/* The counters as they are; those of the start-up list as they were counted last. */
static void write_stats(struct session *session)
{
	char line[STATS_MAX];
	int err;

	if (!session->options.stats_file)
		return;
	stats_format(&session->loader.stats, session->complete,
		     seconds_since(&session->begin), line);
	err = keeper_write_stats(&session->keeper, line);
	if (err)
		message_error("cannot write %s: %s",
			      session->options.stats_file, strerror(-err));
}

void session_write_stats(struct session *session)
{
	if (session->options.stats_file)
		startup_count(&session->startup);
	write_stats(session);
}

/* Say so once. */
static void become_ready(struct session *session)
{
	session->ready = true;
	notify("READY=1");
	if (session->options.daemon)
		daemon_ready();
}

/* The start-up list is over: say so once, and have it in the counters. */
static void end_startup(struct session *session)
{
	const struct stats *stats = &session->loader.stats;
	char done[FORMAT_SIZE_MAX], all[FORMAT_SIZE_MAX];
	u64 bytes, bytes_done;

	session->startup_said = true;
	startup_count(&session->startup);
	bytes = atomic_load(&stats->startup_bytes);
	bytes_done = atomic_load(&stats->startup_bytes_done);
	if (!bytes)
		return;
	format_size(bytes, all);
	format_size(bytes_done, done);
	if (bytes_done == bytes)
		message_info("start-up list: all %s are present after %.1f s",
			     all, seconds_since(&session->begin));
	else
		message_warning("start-up list: %s of %s are present; the rest cannot be fetched for now",
				done, all);
	notify("STATUS=start-up list: %s of %s present", done, all);
	write_stats(session);
}

/* Whoever looks at the counters sees how far the list has come. */
static void show_startup(struct session *session)
{
	if (!startup_has_list(&session->startup) ||
	    seconds_since(&session->startup_shown_at) < 0.5)
		return;
	session_write_stats(session);
	clock_gettime(CLOCK_MONOTONIC, &session->startup_shown_at);
}

static void look_for_startup(struct session *session)
{
	bool over = session->startup_said || startup_over(&session->startup);

	if (over && !session->startup_said)
		end_startup(session);
	else if (!over)
		show_startup(session);
	if (!session->ready && (over || !session->options.wait_startup))
		become_ready(session);
}

/*
 * The image has become longer. If the command line names a generation or its root
 * digest, only that one is loaded.
 */
static void take_growth(struct session *session)
{
	const struct options *options = &session->options;
	struct loader *loader = &session->loader;
	struct incr_error error = { "" };
	const struct inc_segment *segment;
	char total[FORMAT_SIZE_MAX];

	session->behind = false;
	if (options->generation != INCR_NEWEST || options->root_size) {
		message_info("image has got a later generation, which is not loaded");
		return;
	}
	if (image_open(loader, INCR_NEWEST, NULL, 0, &error)) {
		if (!session->behind_said)
			message_error("cannot take up segments added to the image, trying again: %s",
				      error.text);
		session->behind = session->behind_said = true;
		return;
	}
	session->behind_said = false;
	session->complete = false;
	segment = incr_image_segment(loader->loaded->image);
	queue_grow(&loader->queue, segment->end);
	if (options->hints)
		foresee_opening(loader);
	format_size(segment->end, total);
	message_info("image has grown to generation %u, %s",
		     segment->generation, total);
}

static void show_progress(struct session *session, u64 present)
{
	u64 size = session->loader.device.size;
	double percent = 100.0 * (double)present / (double)size;
	double seconds = seconds_since(&session->shown_at);
	char total[FORMAT_SIZE_MAX], rate[FORMAT_SIZE_MAX];

	if (seconds < 0.5)
		return;
	if (present < session->shown)
		session->shown = present;
	format_size(size, total);
	format_size((u64)((double)(present - session->shown) / seconds), rate);
	message_progress("%5.1f %% of %s, %s/s", percent, total, rate);
	notify("STATUS=%.1f %% of %s present", percent, total);
	session->shown = present;
	clock_gettime(CLOCK_MONOTONIC, &session->shown_at);
}

/* Has the last byte arrived, or has some of it gone again? */
static void look_for_completion(struct session *session)
{
	const struct device *device = &session->loader.device;
	u64 size = session->loader.mirrors.image.size, start, end;
	struct dm_incremental_info info;

	if (device_info(device, &info))
		return;
	/* Bytes past our generation are not ours to fetch. */
	if (info.present < size ||
	    device_next_missing(device, 0, size, &start, &end)) {
		session->complete = false;
		show_progress(session, info.present);
		return;
	}
	if (session->complete)
		return;
	session->complete = true;
	session_commit(session);
	message_progress(NULL);
	message_info("image is complete");
	notify("STATUS=image is complete");
}

static bool is_demand(const struct dm_incremental_request *request)
{
	return !(request->flags & (DM_INCREMENTAL_REQUEST_HINT |
				   DM_INCREMENTAL_REQUEST_GROWN));
}

static void take_request(struct session *session,
			 const struct dm_incremental_request *request)
{
	bool hint = request->flags & DM_INCREMENTAL_REQUEST_HINT;
	bool refetch = request->flags & DM_INCREMENTAL_REQUEST_REFETCH;
	bool again = request->flags & DM_INCREMENTAL_REQUEST_AGAIN;
	bool told;

	if (request->flags & DM_INCREMENTAL_REQUEST_GROWN) {
		take_growth(session);
		return;
	}
	message_debug("bytes %llu to %llu are wanted%s%s%s",
		      (unsigned long long)request->offset,
		      (unsigned long long)(request->offset +
					   request->length - 1),
		      hint ? ", hint" : "", refetch ? ", damaged" : "",
		      again ? ", again" : "");
	told = !refetch && queue_startup_tells(&session->loader.queue, request);
	/* First, so that one request to the origin gets both. */
	if (session->options.hints && !again && !told)
		foresee(&session->loader, request);
	if ((session->options.hints && !told) || refetch || !hint)
		queue_add(&session->loader.queue, request);
}

/*
 * The kernel hands out the hints of a read after the read: take them before it, so that
 * its demand finds them and has one request for both.
 */
static void take_batch(struct session *session,
		       const struct dm_incremental_request *requests,
		       size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!is_demand(&requests[i]))
			take_request(session, &requests[i]);
	for (i = 0; i < count; i++)
		if (is_demand(&requests[i]))
			take_request(session, &requests[i]);
}

/*
 * Read requests, until there are none or no room for demands is left. More would
 * let one reader's demands go before all others'. Hints take no room; the kernel
 * hands them out only when no demand is left. Return: 0 or -errno.
 */
static int take_requests(struct session *session)
{
	struct dm_incremental_request requests[DEMANDS_AT_ONCE];
	struct loader *loader = &session->loader;
	size_t room;
	ssize_t n;

	do {
		room = queue_room(&loader->queue);
		if (!room)
			return 0;
		n = device_requests(&loader->device, requests, room);
		if (n < 0)
			return (int)n;
		take_batch(session, requests, (size_t)n);
	} while (n == (ssize_t)room);
	return 0;
}

/* Return: true if it was one that ends us. */
static bool take_signals(struct session *session)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(session->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			stats_log(&session->loader.stats);
		else
			end = true;
	}
	return end;
}

static void take_event(struct session *session)
{
	eventfd_t count;

	eventfd_read(session->loader.event, &count);
}

/*
 * Milliseconds until something has to be looked at that nothing tells us of; -1:
 * nothing. If others fill the last of an image of which we fetch only what is read,
 * that is noticed late, unless our end is waited for.
 */
static int look_after(const struct session *session)
{
	const struct options *options = &session->options;

	if (session->behind || !session->startup_said || (options->exit_when_complete &&
				!options->prefetch && !session->complete))
		return 1000;
	return -1;
}

/* The device went away, or cannot be used: say so once. */
static enum exitcode device_ended(struct session *session, int err)
{
	const char *path = session->loader.device.path;

	if (!err || err == -ENODEV) {
		message_info("%s is closed", path);
		return EXITCODE_OK;
	}
	message_error("%s cannot be used: %s", path, strerror(-err));
	return exitcode_of(err);
}

enum exitcode session_serve(struct session *session)
{
	struct loader *loader = &session->loader;
	struct pollfd fds[] = {
		{ .fd = loader->device.fd },
		{ .fd = session->signals, .events = POLLIN },
		{ .fd = loader->event, .events = POLLIN },
	};
	int err;

	if (session->options.hints)
		foresee_opening(loader);
	for (;;) {
		if (session->behind)
			take_growth(session);
		look_for_startup(session);
		look_for_completion(session);
		if (session->complete && session->options.exit_when_complete)
			return EXITCODE_OK;
		/* The end of the device is told in any case. */
		fds[0].events = queue_room(&loader->queue) ? POLLIN : 0;
		if (poll(fds, 3, look_after(session)) < 0 && errno != EINTR)
			return device_ended(session, -errno);
		if (fds[1].revents && take_signals(session))
			return EXITCODE_OK;
		if (fds[2].revents)
			take_event(session);
		if (atomic_load(&loader->gone))
			return device_ended(session,
					    atomic_load(&loader->gone_error));
		if (fds[0].revents & (POLLHUP | POLLNVAL))
			return device_ended(session, -ENODEV);
		err = fds[0].revents ? take_requests(session) : 0;
		if (err)
			return device_ended(session, err);
	}
}
