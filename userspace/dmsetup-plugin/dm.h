/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-mapper, as far as incrementalsetup needs it.
 */
#ifndef SETUP_DM_H
#define SETUP_DM_H

#include <libdevmapper.h>
#include "dmsetup-plugin/setup.h"

#define TARGET		"incremental"
#define UUID_PREFIX	"INCREMENTAL-"
/* After it: when the device was made, its root hash was the image's own word. */
#define UUID_UNVOUCHED	"UNVOUCHED-"
/* Of devices that stand on one which a process serves. */
#define UUID_SERVED	"INCREMENTALBLK-"
#define DM_NAME_MAX	128	/* with its terminating zero, as DM_NAME_LEN */
#define DM_UUID_MAX	129	/* with its terminating zero, as DM_UUID_LEN */

/* Call before anything else here. */
void dm_begin(bool verbose);

/* Is there a device @name, of any kind? */
bool dm_exists(const char *name);

/* The kernel knows the target, or loads its module now. */
int dm_need_target(struct incr_error *error);

/* Create a read-only device of one target; nothing is left on failure. */
int dm_create(const char *name, const char *uuid, u64 sectors,
	      const char *parameters, struct incr_error *error);

/* The same on all of block device @device, which a process serves. */
int dm_create_served(const char *name, const char *uuid, u64 sectors,
		     const char *device, struct incr_error *error);

int dm_remove(const char *name, bool deferred, struct incr_error *error);

/* Keep a device whose removal has been deferred. */
int dm_cancel_deferred(const char *name, struct incr_error *error);

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
		  struct incr_error *error);
/* Likewise, of one that stands on a served device: @state has no status. */
int dm_read_served(const char *name, struct dm_state *state,
		   struct incr_error *error);
void dm_free_state(struct dm_state *state);

/**
 * struct table - a table line's arguments up to the options
 * @device: as the kernel names it, "7:0"
 * @salt: "-" if there is none
 * @options: points into the line
 */
struct table {
	char device[128];
	u64 generation;
	char hash[INC_HASH_NAME_MAX];
	char root[2 * INC_DIGEST_MAX + 1];
	char salt[2 * INC_SALT_MAX + 1];
	const char *options;
};

int parse_table(const char *line, struct table *table, struct incr_error *error);

/* A status line, taken apart; see status-line.h. */
struct status;
int read_status_line(const char *line, struct status *status,
		     struct incr_error *error);

/*
 * Read device @name, and take its lines apart. @table may lead into @state, which
 * dm_free_state() frees unless there was an error. Return: as dm_read_state().
 */
int read_lines(const char *name, struct dm_state *state, struct table *table,
	       struct status *status, struct incr_error *error);

/* "7:0" -> the first line of a file of its directory in /sys; "" if none. */
void read_sys(const char *device, const char *file, char *text, size_t size);

/* "7:0" -> "/dev/loop0"; anything else stays as it is. */
void device_path(const char *device, char *text, size_t size);

/* "7:0" or "/dev/loop0" -> "/dev/incremental/loop0" */
void node_path(const char *device, char *text, size_t size);

/*
 * Let all reads of a device fail from now on, those that wait as well: for one
 * that is to be removed.
 */
int dm_fail_reads(const char *name, struct incr_error *error);

/*
 * Rename a device. With udev the links of both names are right when this returns;
 * without, the caller changes the nodes in /dev/mapper.
 */
int dm_rename(const char *name, const char *to, struct incr_error *error);

/**
 * struct dm_device - a device as the list has it
 * @info: without a live table, making it was interrupted
 */
struct dm_device {
	struct dm_info info;
	char name[DM_NAME_MAX];
	char uuid[DM_UUID_MAX];
};

/**
 * struct dm_list_of - devices
 * @devices: @count of them; allocated
 */
struct dm_list_of {
	struct dm_device *devices;
	size_t count;
};

/*
 * All devices with UUIDs that incrementalsetup gives; @list->devices is to be
 * freed, after a failure, too.
 */
int dm_list_ours(struct dm_list_of *list, struct incr_error *error);

/*
 * Make the node of device @name in /dev/mapper; NULL: remove nodes there that have
 * no device. Without udev, an interrupted command may have left either undone.
 */
void dm_make_nodes(const char *name);

/* Wait until the device has had an event after number @event. */
int dm_wait_event(const char *name, u32 event, struct incr_error *error);

#endif /* SETUP_DM_H */
