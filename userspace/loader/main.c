// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * incrementald: fetch what readers of an incremental image wait for, then the
 * rest of it.
 *
 * The main thread starts everything (start.c) and serves the device (serve.c);
 * workers fetch, verify and fill (fetch.c).
 */
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include "common/daemon.h"
#include "common/message.h"
#include "loader/notify.h"
#include "loader/session.h"

static enum exitcode run(struct session *session, struct worker *main_worker)
{
	struct incr_error error = { "" };
	enum exitcode status;
	int err;

	err = session_start(session, main_worker, &error);
	if (err) {
		message_error("%s", error.text);
		return exitcode_of(err);
	}
	message_debug("serving %s", session->loader.device.path);
	status = session_serve(session);

	notify("STOPPING=1");
	message_progress(NULL);
	session_commit(session);
	stats_log(&session->loader.stats);
	session_write_stats(session);
	return status;
}

int main(int argc, char **argv)
{
	static struct session session = {
		.loader.device.fd = -1,
		.loader.image_lock = PTHREAD_MUTEX_INITIALIZER,
		.loader.mirrors.lock = PTHREAD_MUTEX_INITIALIZER,
		.loader.mirrors.log = RATELIMIT_INIT,
		.loader.pool.lock = PTHREAD_MUTEX_INITIALIZER,
		.keeper.socket = -1,
		.recording.socket = -1,
	};
	struct loader *loader = &session.loader;
	struct worker main_worker;
	enum exitcode status;
	sigset_t early;
	int err;

	message_init("incrementald", MESSAGE_INFO);
	/* A buffer of a long piece goes back to the system when it is freed, whatever came before it. */
	mallopt(M_MMAP_THRESHOLD, BUFFER_KEPT);
	/* What we are told is secret in part. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	options_parse(&session.options, argc, argv);
	if (session.options.verbose)
		message_init("incrementald", MESSAGE_DEBUG);
	session.options.origin.stop = &loader->stop;
	loader->retry = session.options.retry;
	loader->yield = session.options.origin.timeout * YIELD_PER_S;
	if (loader->yield > YIELD_MAX)
		loader->yield = YIELD_MAX;
	loader->mirrors.stats = &loader->stats;
	clock_gettime(CLOCK_MONOTONIC, &session.begin);
	session.shown_at = session.begin;

	/* A SIGUSR1 that comes too early is answered later. */
	sigemptyset(&early);
	sigaddset(&early, SIGUSR1);
	sigprocmask(SIG_BLOCK, &early, NULL);
	err = session.options.daemon ? daemon_begin() : 0;
	if (err) {
		message_error("cannot start: %s", strerror(-err));
		return exitcode_of(err);
	}
	worker_init(&main_worker, loader);
	rests_init(&loader->rests);
	status = run(&session, &main_worker);
	session_finish(&session, &main_worker);
	return status;
}
