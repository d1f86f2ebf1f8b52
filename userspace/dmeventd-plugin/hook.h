/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dmeventd plugin's response to an event: a line in the log, a program.
 */
#ifndef DMEVENTD_HOOK_H
#define DMEVENTD_HOOK_H

#include "common/status-line.h"

/* Write a line to dmeventd's log. May be called from any thread. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run for each event, if it is there. */
#define HOOK_PATH	"/etc/dm-incremental/event-hook"
#define HOOK_SECONDS	60	/* then it is killed */

/**
 * hook_run - run HOOK_PATH and wait for its end
 * @event: "complete", "corruption" or "loader-absent": its first argument
 * @name: of the device: its second
 * @uuid: of the device
 * @status: of the device; in the environment, see incrementalsetup(8)
 *
 * A missing file is no error; all other failures are reported. May be called
 * from any thread.
 */
void hook_run(const char *event, const char *name, const char *uuid,
	      const struct status *status);

#endif /* DMEVENTD_HOOK_H */
