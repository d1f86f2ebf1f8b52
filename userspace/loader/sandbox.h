/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a loader that has been taken over: it can still read the files
 * for name resolution and certificates, connect to servers, use its open files.
 */
#ifndef LOADER_SANDBOX_H
#define LOADER_SANDBOX_H

#include "libincremental/incremental.h"

enum sandbox_mode {
	SANDBOX_AUTO,		/* as far as the kernel can; warns of the rest */
	SANDBOX_REQUIRED,	/* all of it, or fail */
	SANDBOX_OFF,
};

/**
 * sandbox_enter - confine this process for good
 *
 * Call it before there are threads, in the process that stays, and with
 * no_new_privs set: only what the calling thread starts is confined, too.
 *
 * Return: 0 or -errno.
 */
int sandbox_enter(enum sandbox_mode mode, struct incr_error *error);

/* The part of it that concerns files; -EOPNOTSUPP if the kernel lacks it. */
int sandbox_paths(struct incr_error *error);

#endif /* LOADER_SANDBOX_H */
