/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper, as far as incrementalsetup needs it.
 */
#ifndef SETUP_DM_H
#define SETUP_DM_H

#include <libdevmapper.h>
#include "setup.h"

#define TARGET		"incremental"
#define UUID_PREFIX	"INCREMENTAL-"
#define DM_UUID_MAX	129	/* with its terminating zero, as DM_UUID_LEN */

/* Call before anything else here. */
void dm_begin(bool verbose);

/* Is there a device @name, of any kind? */
bool dm_exists(const char *name);

/* The kernel knows the target, or loads its module now. */
int dm_need_target(struct inc_error *error);

/* Create a read-only device of one target; nothing is left on failure. */
int dm_create(const char *name, const char *uuid, u64 sectors,
	      const char *parameters, struct inc_error *error);

int dm_remove(const char *name, bool deferred, struct inc_error *error);

/**
 * struct dm_state - an incremental device
 * @table: parameters of its table line; allocated
 * @status: its status line; allocated
 */
struct dm_state {
	struct dm_info info;
	u64 sectors;
	char uuid[DM_UUID_MAX];
	char *table;
	char *status;
};

/* -ENODEV: no such device; -ENOTBLK: it is of another kind. */
int dm_read_state(const char *name, struct dm_state *state,
		  struct inc_error *error);
void dm_free_state(struct dm_state *state);

/* Wait until the device has had an event after number @event. */
int dm_wait_event(const char *name, u32 event, struct inc_error *error);

#endif /* SETUP_DM_H */
