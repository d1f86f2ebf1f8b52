// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device-mapper, as far as incrementalsetup needs it; see dm.h.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include "common/message.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/kernel-log.h"

#define CONTROL	"/dev/mapper/control"

/* libdevmapper's own words, said only on --verbose: they explain little. */
static void log_line(int level, const char *file, int line, int err,
		     const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static bool log_all;

static void log_line(int level, const char *file, int line, int err,
		     const char *format, ...)
{
	char text[512];
	va_list args;

	(void)file, (void)line, (void)err;
	/* 3 is an error; the top bits are flags. */
	if (!log_all || (level & 0x0f) > 4)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	message_debug("device-mapper: %s", text);
}

void dm_begin(bool verbose)
{
	log_all = verbose;
	dm_log_with_errno_init(log_line);
	/* Waiting for udev where none runs would take for ever. */
	if (access("/run/udev/control", F_OK)) {
		dm_udev_set_sync_support(0);
		dm_udev_set_checking(0);
	}
}

/* Run a task. Return: 0, -errno of the kernel, or -ENOMEM. */
static int run(struct dm_task *task)
{
	if (dm_task_run(task))
		return 0;
	return dm_task_get_errno(task) ? -dm_task_get_errno(task) : -EIO;
}

static int no_memory(struct incr_error *error)
{
	return incr_fail(error, -ENOMEM, "out of memory for device-mapper");
}

/*
 * libdevmapper makes no task either if it does not get on with the kernel, of
 * which it asks the version first: find out why.
 */
static int no_task(struct incr_error *error)
{
	struct dm_ioctl version = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(version),
	};
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	int err = fd < 0 || ioctl(fd, DM_VERSION, &version) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	switch (err) {
	case 0:
	case -ENOMEM:
		return no_memory(error);
	case -EPERM:
	case -EACCES:
		return incr_fail(error, -EPERM,
				 "device-mapper cannot be used: root is needed");
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		/* Without rights libdevmapper cannot make the node, either. */
		if (geteuid())
			return incr_fail(error, -EPERM,
					 "device-mapper cannot be used: root is needed");
		return incr_fail(error, -ENXIO,
				 "the kernel has no device-mapper: load dm-mod.ko");
	}
	return incr_fail(error, err, "cannot use " CONTROL ": %s",
			 strerror(-err));
}

static int create_task(struct dm_task **task, int type, const char *name,
		       struct incr_error *error)
{
	*task = dm_task_create(type);
	if (!*task)
		return no_task(error);
	if (name && !dm_task_set_name(*task, name)) {
		dm_task_destroy(*task);
		return incr_fail(error, -ERR_USAGE,
				 "\"%.128s\" cannot be a device's name", name);
	}
	return 0;
}

static bool get_info(const char *name, struct dm_info *info)
{
	struct incr_error ignored;
	struct dm_task *task;
	bool exists;

	if (create_task(&task, DM_DEVICE_INFO, name, &ignored))
		return false;
	exists = !run(task) && dm_task_get_info(task, info) && info->exists;
	dm_task_destroy(task);
	return exists;
}

bool dm_exists(const char *name)
{
	struct dm_info info;

	return get_info(name, &info);
}

int dm_need_target(struct incr_error *error)
{
	struct dm_task *task;
	int err;

	err = create_task(&task, DM_DEVICE_GET_TARGET_VERSION, TARGET, error);
	if (err)
		return err;
	err = run(task);
	dm_task_destroy(task);
	if (err)
		incr_fail(error, -ENODEV,
			  "the kernel has no target \"" TARGET "\": load dm-incremental.ko");
	return err ? -ENODEV : 0;
}

static int set_table(struct dm_task *task, const char *target, const char *uuid,
		     u64 sectors, const char *parameters)
{
	return dm_task_set_uuid(task, uuid) && dm_task_set_ro(task) &&
	       dm_task_add_target(task, 0, sectors, target, parameters) &&
	       dm_task_set_add_node(task, DM_ADD_NODE_ON_CREATE) ?
	       0 : -ENOMEM;
}

static int create(const char *name, const char *target, const char *uuid,
		  u64 sectors, const char *parameters, struct incr_error *error)
{
	struct kernel_log log;
	struct dm_task *task;
	uint32_t cookie = 0;
	char why[256];
	int err;

	err = create_task(&task, DM_DEVICE_CREATE, name, error);
	if (err)
		return err;
	err = set_table(task, target, uuid, sectors, parameters);
	if (!err && !dm_task_set_cookie(task, &cookie, 0))
		err = -ENOMEM;
	if (err) {
		dm_task_destroy(task);
		return no_memory(error);
	}
	kernel_log_mark(&log);
	err = run(task);
	dm_udev_wait(cookie);
	dm_task_destroy(task);
	if (err && kernel_log_find(&log, ": " TARGET ": ", why, sizeof(why)))
		incr_fail(error, err, "the kernel refuses the device: %s", why);
	else if (err)
		incr_fail(error, err, "cannot create device %s: %s", name,
			  strerror(-err));
	kernel_log_close(&log);
	return err;
}

int dm_create(const char *name, const char *uuid, u64 sectors,
	      const char *parameters, struct incr_error *error)
{
	return create(name, TARGET, uuid, sectors, parameters, error);
}

int dm_create_served(const char *name, const char *uuid, u64 sectors,
		     const char *device, struct incr_error *error)
{
	char parameters[160];

	snprintf(parameters, sizeof(parameters), "%s 0", device);
	return create(name, "linear", uuid, sectors, parameters, error);
}

/* A call without libdevmapper, which would change nodes in /dev/mapper, too. */
static int call_kernel(unsigned long request, struct dm_ioctl *call)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	int err = fd < 0 || ioctl(fd, request, call) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * Have the kernel remove a device later, and udev its node in /dev/mapper then.
 * libdevmapper would remove the node now, although the device stays.
 */
static int defer_removal(const struct dm_info *info)
{
	struct dm_ioctl remove = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(remove),
		.flags = DM_DEFERRED_REMOVE,
		/* As the kernel packs the two. */
		.dev = (info->minor & 0xff) | info->major << 8 |
		       (u64)(info->minor & ~0xffu) << 12,
	};
	int err = call_kernel(DM_DEV_REMOVE, &remove);

	/* Its last user was quicker. */
	if (!err && !(remove.flags & DM_DEFERRED_REMOVE))
		dm_make_nodes(NULL);
	return err;
}

int dm_remove(const char *name, bool deferred, struct incr_error *error)
{
	struct dm_task *task;
	struct dm_info info;
	uint32_t cookie = 0;
	int err;

	/* Without udev nobody would remove the node later. */
	if (deferred && dm_udev_get_sync_support() && get_info(name, &info) &&
	    info.open_count) {
		err = defer_removal(&info);
		return err ? incr_fail(error, err, "cannot remove device %s: %s",
				       name, strerror(-err)) : 0;
	}
	err = create_task(&task, DM_DEVICE_REMOVE, name, error);
	if (err)
		return err;
	/* udev opens a device now and then, and closes it again soon. */
	if (!(deferred ? dm_task_deferred_remove(task) :
	      dm_task_retry_remove(task)) ||
	    !dm_task_set_cookie(task, &cookie, 0))
		err = -ENOMEM;
	if (!err)
		err = run(task);
	dm_udev_wait(cookie);
	dm_task_destroy(task);
	if (err == -EBUSY)
		return incr_fail(error, err, "device %s is in use", name);
	if (err == -ENXIO)
		return incr_fail(error, -ENODEV, "there is no device %s", name);
	if (err)
		incr_fail(error, err, "cannot remove device %s: %s", name,
			  strerror(-err));
	return err;
}

int dm_cancel_deferred(const char *name, struct incr_error *error)
{
	struct dm_task *task;
	int err;

	err = create_task(&task, DM_DEVICE_TARGET_MSG, name, error);
	if (err)
		return err;
	err = dm_task_set_sector(task, 0) &&
	      dm_task_set_message(task, "@cancel_deferred_remove") ?
	      run(task) : -ENOMEM;
	dm_task_destroy(task);
	if (err == -ENXIO)
		return incr_fail(error, -ENODEV, "there is no device %s", name);
	return err ? incr_fail(error, err,
			       "cannot keep device %s: %s", name,
			       strerror(-err)) : 0;
}

static u64 device_sectors(const char *name, struct incr_error *error)
{
	struct dm_task *task;
	uint64_t start, length = 0;
	char *target, *parameters;

	if (create_task(&task, DM_DEVICE_TABLE, name, error))
		return 0;
	if (!run(task))
		dm_get_next_target(task, NULL, &start, &length, &target,
				   &parameters);
	dm_task_destroy(task);
	return length;
}

int dm_fail_reads(const char *name, struct incr_error *error)
{
	u64 sectors = device_sectors(name, error);
	struct dm_task *task;
	uint32_t cookie = 0;
	int err;

	if (!sectors)
		return incr_fail(error, -ENODEV, "there is no device %s", name);
	err = create_task(&task, DM_DEVICE_RELOAD, name, error);
	if (err)
		return err;
	err = dm_task_add_target(task, 0, sectors, "error", "") &&
	      dm_task_set_ro(task) ? run(task) : -ENOMEM;
	dm_task_destroy(task);
	if (!err)
		err = create_task(&task, DM_DEVICE_RESUME, name, error);
	if (err)
		return err;
	/* Freezing would wait for a mount in progress, which waits for us. */
	err = dm_task_skip_lockfs(task) && dm_task_no_flush(task) &&
	      dm_task_set_cookie(task, &cookie, 0) ? run(task) : -ENOMEM;
	dm_udev_wait(cookie);
	dm_task_destroy(task);
	return err ? incr_fail(error, err,
			       "cannot have reads of device %s fail: %s",
			       name, strerror(-err)) : 0;
}

/* The one target's parameters, of a table or a status; allocated. */
static int read_line(int type, const char *wanted, const char *name,
		     struct dm_state *state, char **line, struct incr_error *error)
{
	char *target = NULL, *parameters = NULL;
	struct dm_task *task;
	uint64_t start, length;
	const char *uuid;
	int err;

	err = create_task(&task, type, name, error);
	if (err)
		return err;
	/* Looking must not commit: that may take its time. */
	err = dm_task_no_flush(task) ? run(task) : -ENOMEM;
	if (!err && !dm_task_get_info(task, &state->info))
		err = -EIO;
	if (err == -ENXIO || (!err && !state->info.exists)) {
		err = incr_fail(error, -ENODEV, "there is no device %s", name);
	} else if (err) {
		incr_fail(error, err, "cannot look at device %s: %s", name,
			  err == -EPERM || err == -EACCES ?
			  "root is needed" : strerror(-err));
	} else {
		dm_get_next_target(task, NULL, &start, &length, &target,
				   &parameters);
		if (!target || strcmp(target, wanted) || !parameters)
			err = incr_fail(error, -ENOTBLK,
					"device %s is not an incremental device",
					name);
	}
	if (!err) {
		uuid = dm_task_get_uuid(task);
		snprintf(state->uuid, sizeof(state->uuid), "%s",
			 uuid ? uuid : "");
		state->sectors = length;
		*line = strdup(parameters);
		if (!*line)
			err = no_memory(error);
	}
	dm_task_destroy(task);
	return err;
}

int dm_read_state(const char *name, struct dm_state *state,
		  struct incr_error *error)
{
	int err;

	memset(state, 0, sizeof(*state));
	err = read_line(DM_DEVICE_TABLE, TARGET, name, state, &state->table, error);
	if (!err)
		err = read_line(DM_DEVICE_STATUS, TARGET, name, state,
				&state->status, error);
	if (err)
		dm_free_state(state);
	return err;
}

int dm_read_served(const char *name, struct dm_state *state,
		   struct incr_error *error)
{
	int err;

	memset(state, 0, sizeof(*state));
	err = read_line(DM_DEVICE_TABLE, "linear", name, state, &state->table,
			error);
	if (!err && strncmp(state->uuid, UUID_SERVED, strlen(UUID_SERVED)))
		err = incr_fail(error, -ENOTBLK,
				"device %s is not an incremental device", name);
	if (err)
		dm_free_state(state);
	return err;
}

void dm_free_state(struct dm_state *state)
{
	free(state->table);
	free(state->status);
	state->table = state->status = NULL;
}

int dm_wait_event(const char *name, u32 event, struct incr_error *error)
{
	struct dm_task *task;
	int err;

	err = create_task(&task, DM_DEVICE_WAITEVENT, name, error);
	if (err)
		return err;
	err = dm_task_set_event_nr(task, event) ? run(task) : -ENOMEM;
	dm_task_destroy(task);
	if (err == -ENXIO)
		return incr_fail(error, -ENODEV, "there is no device %s", name);
	if (err)
		incr_fail(error, err, "cannot wait for device %s: %s", name,
			  strerror(-err));
	return err;
}

/* The name as the kernel has it: libdevmapper writes some bytes in another way. */
static int rename_in_kernel(const char *name, const char *to)
{
	struct {
		struct dm_ioctl call;
		char to[DM_NAME_MAX];
	} rename = {
		.call = {
			.version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(rename),
			.data_start = sizeof(rename.call),
		},
	};

	snprintf(rename.call.name, sizeof(rename.call.name), "%s", name);
	snprintf(rename.to, sizeof(rename.to), "%s", to);
	return call_kernel(DM_DEV_RENAME, &rename.call);
}

/* udev alone changes the links, and has done so when this returns. */
static int rename_with_udev(const char *name, const char *to,
			    struct incr_error *error)
{
	struct dm_task *task;
	uint32_t cookie = 0;
	int err;

	err = create_task(&task, DM_DEVICE_RENAME, name, error);
	if (err)
		return err;
	err = dm_task_set_newname(task, to) &&
	      dm_task_set_cookie(task, &cookie,
				 DM_UDEV_DISABLE_LIBRARY_FALLBACK) ?
	      run(task) : -ENOMEM;
	dm_udev_wait(cookie);
	dm_task_destroy(task);
	return err;
}

int dm_rename(const char *name, const char *to, struct incr_error *error)
{
	int err = dm_udev_get_sync_support() ?
		  rename_with_udev(name, to, error) :
		  rename_in_kernel(name, to);

	if (err)
		incr_fail(error, err, "cannot rename device %s to %s: %s",
			  name, to, strerror(-err));
	return err;
}

void dm_make_nodes(const char *name)
{
	if (!dm_mknodes(name))
		message_debug("cannot put the nodes of /dev/mapper right");
	/* Up to here it has just been noted. */
	dm_task_update_nodes();
}

/* Look up device @name, without its table; false: it has gone. */
static bool read_device(const char *name, struct dm_device *device)
{
	struct incr_error ignored;
	struct dm_task *task;
	const char *uuid;
	bool found;

	if (create_task(&task, DM_DEVICE_INFO, name, &ignored))
		return false;
	found = !run(task) && dm_task_get_info(task, &device->info) &&
		device->info.exists;
	uuid = found ? dm_task_get_uuid(task) : NULL;
	snprintf(device->name, sizeof(device->name), "%s", name);
	snprintf(device->uuid, sizeof(device->uuid), "%s", uuid ? uuid : "");
	dm_task_destroy(task);
	return found;
}

/* Add device @name, if it is ours. */
static int list_add(struct dm_list_of *list, const char *name)
{
	struct dm_device device, *more;

	if (!read_device(name, &device) ||
	    strncmp(device.uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		return 0;
	more = realloc(list->devices, (list->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	list->devices = more;
	list->devices[list->count++] = device;
	return 0;
}

int dm_list_ours(struct dm_list_of *list, struct incr_error *error)
{
	const struct dm_names *names;
	struct dm_task *task;
	int err;

	list->devices = NULL;
	list->count = 0;
	err = create_task(&task, DM_DEVICE_LIST, NULL, error);
	if (err)
		return err;
	err = run(task);
	names = err ? NULL : dm_task_get_names(task);
	while (!err && names && names->dev) {
		err = list_add(list, names->name);
		if (!names->next)
			break;
		names = (const void *)((const char *)names + names->next);
	}
	dm_task_destroy(task);
	if (err)
		incr_fail(error, err, "cannot list the devices: %s",
			  err == -EPERM || err == -EACCES ?
			  "root is needed" : strerror(-err));
	return err;
}
