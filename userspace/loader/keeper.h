/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper has the files that incrementald writes: the pid file and the
 * counters. It is a process of its own that keeps the caller's rights and reads
 * nothing but one line of counters from incrementald, which is confined and may
 * be taken over: an open pid file would let it name any process there.
 */
#ifndef LOADER_KEEPER_H
#define LOADER_KEEPER_H

#include "libincremental/incremental.h"

/**
 * struct keeper - a connection to it
 * @socket: -1: there is none, as there is no file
 */
struct keeper {
	int socket;
};

/*
 * Open the files (NULL: none), write our pid and start the keeper. Called with
 * the caller's rights, before there are threads. Return: 0 or -errno.
 */
int keeper_start(struct keeper *keeper, const char *pid_file,
		 const char *stats_file, struct incr_error *error);

/*
 * Have the counters written; @line replaces the file's contents. Return: 0 or
 * -errno.
 */
int keeper_write_stats(struct keeper *keeper, const char *line);

/* The pid file is emptied; so it is when we are killed. */
void keeper_end(struct keeper *keeper);

#endif /* LOADER_KEEPER_H */
