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

/**
 * struct session - data of the main thread alone
 * @signals: signalfd
 * @keeper: of the files that are written
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
	int signals;
	struct keeper keeper;
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

/* Commit fills. */
void session_commit(struct session *session);

double seconds_since(const struct timespec *then);

#endif /* LOADER_SESSION_H */
