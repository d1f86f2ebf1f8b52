/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of incrementald. */
#ifndef LOADER_OPTIONS_H
#define LOADER_OPTIONS_H

#include "loader/mirrors.h"
#include "loader/sandbox.h"

struct options {
	char *device;
	char *origins[MIRRORS_MAX];
	unsigned int origin_count;
	struct origin_options origin;
	struct origin_access access;
	bool prefetch;
	bool hints;
	bool daemon;
	bool exit_when_complete;
	bool wait_startup;
	bool no_startup;
	bool verbose;
	enum sandbox_mode sandbox;
	unsigned int jobs;
	unsigned int retry;
	u32 generation;			/* INCR_NEWEST: the one in use */
	u8 root[INC_DIGEST_MAX];
	size_t root_size;		/* 0: not given */
	const char *startup;		/* file or URL; NULL: not given */
	const char *record;		/* file for a trace; NULL: none */
	const char *user;
	const char *stats_file;
	const char *pid_file;
};

/* Fill in @options. A mistake ends the program with a message; --help ends it, too. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* LOADER_OPTIONS_H */
