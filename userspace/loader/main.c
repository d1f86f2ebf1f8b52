// SPDX-License-Identifier: GPL-2.0-only
/*
 * incrementald: fetch what readers of an incremental image wait for, then the
 * rest of it.
 *
 * The main thread reads the device's requests, handles signals and notices
 * completion; workers fetch, verify and fill (fetch.c).
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "daemon.h"
#include "exitcode.h"
#include "loader.h"
#include "message.h"
#include "notify.h"
#include "options.h"
#include "parse.h"
#include "privileges.h"
#include "sandbox.h"

#define CACHE_BYTES	(16u << 20)
#define REQUESTS	128	/* taken from the device at once */
#define METADATA_WINDOW	(64ull << 10)	/* bytes around a page that is wanted */

/**
 * struct session - what only the main thread uses
 * @signals: signalfd
 * @stats_fd, @pid_fd: opened while there are privileges; -1: none
 * @complete: everything is present, and that was said
 * @behind: the image is longer than what is open
 * @behind_said: so, since that cannot be opened
 * @shown: bytes present when progress was last shown, and when that was
 */
struct session {
	struct loader loader;
	struct options options;
	struct worker *workers;
	unsigned int started;
	int signals;
	int stats_fd;
	int pid_fd;
	bool complete;
	bool behind;
	bool behind_said;
	struct timespec begin;
	u64 shown;
	struct timespec shown_at;
};

void loader_wake_main(struct loader *loader)
{
	u64 one = 1;

	/* EAGAIN: it has been woken already. */
	(void)!write(loader->event, &one, sizeof(one));
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) +
	       (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* Signals arrive as reads of a file; threads inherit that they are blocked. */
static int open_signals(struct session *session)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	session->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	session->loader.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return session->signals < 0 || session->loader.event < 0 ? -errno : 0;
}

static int open_output(const char *path, int *fd, struct inc_error *error)
{
	int err;

	if (!path)
		return 0;
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (*fd >= 0)
		return 0;
	err = -errno;
	snprintf(error->text, sizeof(error->text), "cannot open %s: %s", path,
		 strerror(-err));
	return err;
}

/* Everything that needs the caller's rights. */
static int open_files(struct session *session, struct inc_error *error)
{
	struct loader *loader = &session->loader;
	struct options *options = &session->options;
	int err;

	err = device_open(&loader->device, options->device, error);
	if (!err && options->ca_file)
		err = origin_load_ca(&options->origin, options->ca_file, error);
	if (!err)
		err = mirrors_open(&loader->mirrors, options->origins,
				   options->origin_count, &options->origin,
				   error);
	if (!err)
		err = open_output(options->stats_file, &session->stats_fd,
				  error);
	if (!err)
		err = open_output(options->pid_file, &session->pid_fd, error);
	if (!err && session->pid_fd >= 0)
		dprintf(session->pid_fd, "%d\n", (int)getpid());
	return err;
}

/* Open the image; what the device trusts, or --root-hash, is what we trust. */
static int open_image(struct session *session, struct inc_error *error)
{
	const struct options *options = &session->options;

	return image_open(&session->loader, options->generation, options->root,
			  options->root_size, error);
}

/*
 * The image has become longer. Who named a generation or its root digest gets
 * just that.
 */
static void take_growth(struct session *session)
{
	const struct options *options = &session->options;
	struct loader *loader = &session->loader;
	struct inc_error error = { "" };
	const struct inc_segment *segment;
	char total[FORMAT_SIZE_MAX];

	session->behind = false;
	if (options->generation != INC_NEWEST || options->root_size) {
		message_info("image has got a later generation, which is not loaded");
		return;
	}
	if (image_open(loader, INC_NEWEST, NULL, 0, &error)) {
		if (!session->behind_said)
			message_error("cannot take up what was added to the image, trying again: %s",
				      error.text);
		session->behind = session->behind_said = true;
		return;
	}
	session->behind_said = false;
	session->complete = false;
	segment = inc_image_segment(loader->loaded->image);
	queue_grow(&loader->queue, segment->end);
	format_size(segment->end, total);
	message_info("image has grown to generation %u, %s",
		     segment->generation, total);
}

/*
 * Is there an origin with this image? That none can be reached may pass, and
 * is no reason to fail: what is present can be read meanwhile.
 */
static int check_mirrors(struct session *session, struct worker *worker,
			 struct inc_error *error)
{
	const struct device *device = &session->loader.device;
	struct mirrors *mirrors = &session->loader.mirrors;
	bool passes = false;
	u64 start, end;
	unsigned int i;
	int err = 0;

	/* Nothing is needed from them. */
	if (!device_next_absent(device, 0, mirrors->image.size, &start, &end))
		return 0;
	for (i = 0; i < mirrors->count; i++) {
		err = mirrors_read(mirrors, i, &worker->connections, 0, 0, NULL,
				   error);
		if (!err)
			break;
		passes |= origin_error_passes(err);
		message_warning("%s", error->text);
	}
	if (!err) {
		atomic_store(&mirrors->preferred, i);
		return 0;
	}
	if (passes)
		return 0;
	snprintf(error->text, sizeof(error->text), "no origin has the image");
	return -ENXIO;
}

static int start_workers(struct session *session)
{
	unsigned int i, jobs = session->options.jobs;

	session->workers = calloc(jobs, sizeof(*session->workers));
	if (!session->workers)
		return -ENOMEM;
	for (i = 0; i < jobs; i++) {
		int err;

		worker_init(&session->workers[i], &session->loader);
		err = worker_start(&session->workers[i]);
		if (err)
			return err;
		session->started++;
	}
	return 0;
}

static int start(struct session *session, struct worker *main_worker,
		 struct inc_error *error)
{
	struct loader *loader = &session->loader;
	const struct options *options = &session->options;
	int err;

	err = open_files(session, error);
	if (err)
		return err;
	notify_init();
	/* From here on there is hostile input to read. */
	err = privileges_drop(options->user, error);
	if (!err)
		err = sandbox_enter(options->sandbox, error);
	if (err)
		return err;
	loader->cache = cache_create(loader->device.chunk, CACHE_BYTES);
	if (!loader->cache) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	worker_become(main_worker);
	err = open_image(session, error);
	if (!err)
		err = check_mirrors(session, main_worker, error);
	if (err)
		return err;
	/* Until now a signal just ended us: there was nothing to commit. */
	err = open_signals(session);
	if (err) {
		snprintf(error->text, sizeof(error->text),
			 "cannot wait for signals: %s", strerror(-err));
		return err;
	}
	queue_init(&loader->queue, &loader->device,
		   loader->mirrors.image.size, options->jobs,
		   options->prefetch);
	err = start_workers(session);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "cannot start threads: %s", strerror(-err));
	return err;
}

/* Stop the workers and free everything; also after start() has failed. */
static void finish(struct session *session, struct worker *main_worker)
{
	struct loader *loader = &session->loader;
	unsigned int i;

	atomic_store(&loader->stop, true);
	if (session->workers) {
		queue_stop(&loader->queue);
		for (i = 0; i < session->started; i++) {
			pthread_join(session->workers[i].thread, NULL);
			worker_destroy(&session->workers[i]);
		}
		queue_destroy(&loader->queue);
		free(session->workers);
	}
	worker_destroy(main_worker);
	if (session->pid_fd >= 0 && ftruncate(session->pid_fd, 0))
		message_debug("cannot empty the pid file");
	loaded_drop(loader, loader->loaded);
	cache_destroy(loader->cache);
	mirrors_close(&loader->mirrors);
	origin_free_ca(&session->options.origin);
	device_close(&loader->device);
}

static void commit(struct session *session)
{
	if (fsync(session->loader.device.fd) && errno != ENODEV)
		message_error("cannot commit what was filled: %s",
			      strerror(errno));
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
	struct inc_info info;

	if (device_info(device, &info))
		return;
	/* What is past our generation is not ours to fetch. */
	if (info.present < size ||
	    device_next_absent(device, 0, size, &start, &end)) {
		session->complete = false;
		show_progress(session, info.present);
		return;
	}
	if (session->complete)
		return;
	session->complete = true;
	commit(session);
	message_progress(NULL);
	message_info("image is complete");
	notify("STATUS=image is complete");
}

/*
 * Who reads here will read nearby, and each map or tree page that is absent
 * then is a round trip before the data can be asked for. Metadata is small:
 * fetch what surrounds the page that is wanted, behind it.
 */
static void hint_metadata(struct session *session,
			  const struct inc_request *request)
{
	struct loader *loader = &session->loader;
	const struct inc_image *image = loader->loaded->image;
	struct inc_request around = {
		.flags = INC_REQUEST_HINT |
			 (request->flags & INC_REQUEST_REFETCH),
	};
	u32 i;

	for (i = 0; i < inc_image_segments(image); i++) {
		const struct inc_segment *seg =
			inc_image_segment_at(image, i);
		u64 start = request->offset & ~(METADATA_WINDOW - 1);
		u64 end = start + METADATA_WINDOW;

		if (request->offset < seg->meta_offset ||
		    request->offset >= seg->data_offset)
			continue;
		around.offset = start > seg->meta_offset ? start :
				seg->meta_offset;
		around.length = (end < seg->data_offset ? end :
				 seg->data_offset) - around.offset;
		queue_add(&loader->queue, &around);
		break;
	}
}

/* Read requests until there are none. Return: 0 or -errno. */
static int take_requests(struct session *session)
{
	struct inc_request requests[REQUESTS];
	struct loader *loader = &session->loader;
	ssize_t n;

	do {
		size_t i, count;

		n = read(loader->device.fd, requests, sizeof(requests));
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (!n || n % (ssize_t)sizeof(requests[0]))
			return -EPROTO;
		count = (size_t)n / sizeof(requests[0]);
		for (i = 0; i < count; i++) {
			if (requests[i].flags & INC_REQUEST_GROWN) {
				take_growth(session);
				continue;
			}
			message_debug("bytes %llu to %llu are wanted%s%s%s",
				      (unsigned long long)requests[i].offset,
				      (unsigned long long)(requests[i].offset +
							   requests[i].length - 1),
				      requests[i].flags & INC_REQUEST_HINT ?
				      ", hint" : "",
				      requests[i].flags & INC_REQUEST_REFETCH ?
				      ", damaged" : "",
				      requests[i].flags & INC_REQUEST_AGAIN ?
				      ", again" : "");
			if (session->options.hints ||
			    (requests[i].flags & INC_REQUEST_REFETCH) ||
			    !(requests[i].flags & INC_REQUEST_HINT))
				queue_add(&loader->queue, &requests[i]);
			if (session->options.hints &&
			    !(requests[i].flags & (INC_REQUEST_HINT |
						   INC_REQUEST_AGAIN)))
				hint_metadata(session, &requests[i]);
		}
	} while (n == (ssize_t)sizeof(requests));
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
	u64 count;

	(void)!read(session->loader.event, &count, sizeof(count));
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

static enum exitcode serve(struct session *session)
{
	struct loader *loader = &session->loader;
	struct pollfd fds[] = {
		{ .fd = loader->device.fd, .events = POLLIN },
		{ .fd = session->signals, .events = POLLIN },
		{ .fd = loader->event, .events = POLLIN },
	};
	int err;

	for (;;) {
		if (session->behind)
			take_growth(session);
		look_for_completion(session);
		if (session->complete && session->options.exit_when_complete)
			return EXITCODE_OK;
		/* Others fill, too, and progress is shown: look now and then. */
		if (poll(fds, 3, session->complete && !session->behind ?
			      -1 : 1000) < 0 &&
		    errno != EINTR)
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

static enum exitcode run(struct session *session, struct worker *main_worker)
{
	struct inc_error error = { "" };
	enum exitcode status;
	int err;

	err = start(session, main_worker, &error);
	if (err) {
		message_error("%s", error.text);
		return exitcode_of(err);
	}
	message_debug("serving %s", session->loader.device.path);
	notify("READY=1");
	if (session->options.daemon)
		daemon_ready();

	status = serve(session);

	notify("STOPPING=1");
	message_progress(NULL);
	commit(session);
	stats_log(&session->loader.stats);
	err = session->stats_fd < 0 ? 0 :
	      stats_write(&session->loader.stats, session->stats_fd,
			  session->complete, seconds_since(&session->begin));
	if (err)
		message_error("cannot write %s: %s",
			      session->options.stats_file, strerror(-err));
	return status;
}

int main(int argc, char **argv)
{
	static struct session session = {
		.loader.device.fd = -1,
		.loader.image_lock = PTHREAD_MUTEX_INITIALIZER,
		.loader.mirrors.lock = PTHREAD_MUTEX_INITIALIZER,
		.loader.mirrors.log = RATELIMIT_INIT,
		.stats_fd = -1,
		.pid_fd = -1,
	};
	struct loader *loader = &session.loader;
	struct worker main_worker;
	enum exitcode status;
	sigset_t early;
	int err;

	message_init("incrementald", MESSAGE_INFO);
	options_parse(&session.options, argc, argv);
	if (session.options.verbose)
		message_init("incrementald", MESSAGE_DEBUG);
	session.options.origin.stop = &loader->stop;
	loader->retry = session.options.retry;
	loader->mirrors.stats = &loader->stats;
	clock_gettime(CLOCK_MONOTONIC, &session.begin);
	session.shown_at = session.begin;

	/* Whoever asks for counters too early gets them later. */
	sigemptyset(&early);
	sigaddset(&early, SIGUSR1);
	sigprocmask(SIG_BLOCK, &early, NULL);
	err = session.options.daemon ? daemon_begin() : 0;
	if (err) {
		message_error("cannot start: %s", strerror(-err));
		return exitcode_of(err);
	}
	worker_init(&main_worker, loader);
	status = run(&session, &main_worker);
	finish(&session, &main_worker);
	return status;
}
