/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of incrementald, as its main thread sees it.
 */
#ifndef LOADER_SESSION_H
#define LOADER_SESSION_H

#include <time.h>
#include "common/exitcode.h"
#include "loader/keeper.h"
#include "loader/loader.h"
#include "loader/options.h"
#include "loader/recording.h"
#include "loader/startup.h"

/**
 * struct session - data of the main thread alone
 * @signals: signalfd
 * @queued: the queue is there
 * @rests: the thread of loader.rests; its own thread runs if @rests_started
 * @ready: that was said
 * @startup_said: the start-up list is over, and that was said
 * @startup_shown_at: when its counters were written last
 * @keeper: of the files that are written
 * @recording: of reads, if it was asked for
 * @complete: everything is present, and that was said
 * @behind: the image has segments that are not open
 * @behind_said: so, since that cannot be opened
 * @shown: bytes present when progress was last shown, and when that was
 */
struct session {
	struct loader loader;
	struct options options;
	struct worker *workers;
	unsigned int started;
	struct worker rests;
	bool rests_started;
	int signals;
	struct keeper keeper;
	struct recording recording;
	struct startup startup;
	bool queued;
	bool ready;
	bool startup_said;
	struct timespec startup_shown_at;
	bool complete;
	bool behind;
	bool behind_said;
	struct timespec begin;
	u64 shown;
	struct timespec shown_at;
};

/*
 * start.c: open everything, drop privileges, find an origin, start the workers.
 * @main_worker becomes the calling thread's. Return: 0 or -errno.
 */
int session_start(struct session *session, struct worker *main_worker,
		  struct incr_error *error);

/* Stop the workers and free everything; also after a start that failed. */
void session_finish(struct session *session, struct worker *main_worker);

/* serve.c: until a signal, the end of the device, or of the work. */
enum exitcode session_serve(struct session *session);

/* Have the counters written, if there is a file for them. */
void session_write_stats(struct session *session);

/* Commit fills. */
void session_commit(struct session *session);

double seconds_since(const struct timespec *then);

#endif /* LOADER_SESSION_H */
