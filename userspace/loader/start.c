// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How incrementald starts and ends; see session.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/message.h"
#include "loader/notify.h"
#include "loader/ownfiles.h"
#include "loader/privileges.h"
#include "loader/resident.h"
#include "loader/sandbox.h"
#include "loader/session.h"

#define CACHE_BYTES	(16u << 20)

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
	return session->signals < 0 ? -errno : 0;
}

/* The queue, and what fills it before there are workers. */
static int start_queue(struct session *session, struct incr_error *error)
{
	struct loader *loader = &session->loader;
	int err;

	loader->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loader->event < 0)
		return incr_fail(error, -errno, "cannot make an eventfd: %s",
				 strerror(errno));
	queue_init(&loader->queue, &loader->device,
		   loader->mirrors.image.size, session->options.jobs,
		   loader->event, session->options.prefetch);
	session->queued = true;
	err = startup_begin(&session->startup);
	return err ? incr_fail(error, err, "cannot start a thread: %s",
			       strerror(-err)) : 0;
}

/* Everything that needs the caller's rights. */
static int open_files(struct session *session, struct incr_error *error)
{
	struct loader *loader = &session->loader;
	struct options *options = &session->options;
	int err;

	err = device_open(&loader->device, options->device, error);
	if (!err)
		err = origin_load(&options->origin, &options->access, error);
	if (!err)
		err = mirrors_open(&loader->mirrors, options->origins,
				   options->origin_count, &options->origin,
				   &options->access, error);
	if (!err)
		err = startup_open(&session->startup, loader, options, error);
	/* Not after it: the pid file would stay open in that process. */
	if (!err)
		err = recording_start(&session->recording, &loader->device,
				      options->record, error);
	if (!err)
		err = keeper_start(&session->keeper, options->pid_file,
				   options->stats_file, &options->access, error);
	if (!err)
		err = ownfiles_check(loader->device.path, options,
				     &loader->mirrors, &session->startup, error);
	if (!err)
		resident_begin();
	return err;
}

/* Open the image; we trust the device's root digest, or --root-hash. */
static int open_image(struct session *session, struct incr_error *error)
{
	const struct options *options = &session->options;

	return image_open(&session->loader, options->generation, options->root,
			  options->root_size, error);
}

/*
 * Is there an origin with this image? It is no failure if none can be reached:
 * that may pass, and present data can be read meanwhile.
 */
static int check_mirrors(struct session *session, struct worker *worker,
			 struct incr_error *error)
{
	const struct device *device = &session->loader.device;
	struct mirrors *mirrors = &session->loader.mirrors;
	bool passes = false;
	u64 start, end;
	unsigned int i;
	int err = 0;

	/* Nothing is needed from them. */
	if (!device_next_missing(device, 0, mirrors->image.size, &start, &end))
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

static void *read_programs(void *context)
{
	(void)context;
	resident_programs();
	return NULL;
}

static int start_threads(struct session *session)
{
	unsigned int i, jobs = session->options.jobs;
	pthread_t thread;
	int err;

	session->workers = calloc(jobs, sizeof(*session->workers));
	if (!session->workers)
		return -ENOMEM;
	for (i = 0; i < jobs; i++) {
		worker_init(&session->workers[i], &session->loader);
		err = worker_start(&session->workers[i]);
		if (err)
			return err;
		session->started++;
	}
	worker_init(&session->rests, &session->loader);
	err = worker_start_rests(&session->rests);
	if (err)
		return err;
	session->rests_started = true;
	/* It may have to wait for the workers, and uses nothing of ours. */
	err = -pthread_create(&thread, NULL, read_programs, NULL);
	if (!err)
		pthread_detach(thread);
	return err;
}

int session_start(struct session *session, struct worker *main_worker,
		  struct incr_error *error)
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
		err = start_queue(session, error);
	if (!err)
		err = check_mirrors(session, main_worker, error);
	if (err)
		return err;
	/* The workers begin with the connection that is there. */
	err = pool_create(&loader->pool, options->jobs + 1);
	if (err) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return err;
	}
	pool_give(&loader->pool, &main_worker->connections);
	/* Until now a signal just ended us: there was nothing to commit. */
	err = open_signals(session);
	if (err) {
		snprintf(error->text, sizeof(error->text),
			 "cannot wait for signals: %s", strerror(-err));
		return err;
	}
	err = start_threads(session);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "cannot start threads: %s", strerror(-err));
	return err;
}

void session_finish(struct session *session, struct worker *main_worker)
{
	struct loader *loader = &session->loader;
	unsigned int i;

	atomic_store(&loader->stop, true);
	startup_end(&session->startup);
	if (session->workers) {
		queue_stop(&loader->queue);
		for (i = 0; i < session->started; i++) {
			pthread_join(session->workers[i].thread, NULL);
			worker_destroy(&session->workers[i]);
		}
		free(session->workers);
	}
	/* After the workers, which may leave some. */
	rests_stop(&loader->rests);
	if (session->rests_started)
		pthread_join(session->rests.thread, NULL);
	if (session->queued)
		queue_destroy(&loader->queue);
	startup_close(&session->startup);
	worker_destroy(main_worker);
	pool_destroy(&loader->pool);
	recording_end(&session->recording);
	keeper_end(&session->keeper);
	loaded_drop(loader, loader->loaded);
	cache_destroy(loader->cache);
	rests_destroy(&loader->rests);
	mirrors_close(&loader->mirrors);
	origin_forget(&session->options.origin);
	access_free(&session->options.access);
	device_close(&loader->device);
}
