/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper has the files that incrementald writes, the pid file and the counters,
 * and opens anew those of secrets, which may change while incrementald runs. It is a
 * process of its own that keeps the caller's rights. Of incrementald, which is confined
 * and may be taken over, it reads nothing but one line of counters, and which of the
 * files of its own command line to open for reading. (An open pid file would let
 * incrementald name any process there; the right to open files, read others.)
 */
#ifndef LOADER_KEEPER_H
#define LOADER_KEEPER_H

#include <pthread.h>
#include "origin/origin.h"

/**
 * struct keeper - a connection to it
 * @socket: -1: there is none, as there is no file
 * @lock: one question at a time
 */
struct keeper {
	int socket;
	pthread_mutex_t lock;
};

/*
 * Open the files (NULL: none), write our pid and start the keeper, which opens the
 * files of @access for us from now on. Called with the caller's rights, before there
 * are threads. Return: 0 or -errno.
 */
int keeper_start(struct keeper *keeper, const char *pid_file,
		 const char *stats_file, struct origin_access *access,
		 struct incr_error *error);

/*
 * Have the counters written; @line replaces the file's contents. Return: 0 or
 * -errno.
 */
int keeper_write_stats(struct keeper *keeper, const char *line);

/* The pid file is emptied; so it is when we are killed. */
void keeper_end(struct keeper *keeper);

#endif /* LOADER_KEEPER_H */
