// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libdevmapper-event-incremental.so: dmeventd loads it to watch incremental
 * devices, one thread a device. The kernel's event says only that something has
 * happened; the status line, compared with the one before, shows what.
 *
 * dmeventd finds the three functions below by their names; its source is the
 * only description of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdevmapper.h>
#include <libdevmapper-event.h>
#include "common/status-line.h"
#include "dmeventd-plugin/hook.h"

#define TARGET	"incremental"

#define EXPORT	__attribute__((visibility("default")))

int register_device(const char *device, const char *uuid, int major, int minor,
		    void **user);
void process_event(struct dm_task *task, enum dm_event_mask event, void **user);
int unregister_device(const char *device, const char *uuid, int major,
		      int minor, void **user);

/**
 * struct watch - a device's last known state
 * @known: anything was
 * @complete: all of @total chunks were there
 * @alone: reads waited and there was no loader
 */
struct watch {
	bool known;
	bool complete;
	bool alone;
	uint64_t total;
	uint64_t hash_failures;
};

/* The status line of @task's only target; NULL if it is no device of ours. */
static const char *status_line(struct dm_task *task)
{
	char *target = NULL, *parameters = NULL;
	uint64_t start, length;

	dm_get_next_target(task, NULL, &start, &length, &target, &parameters);
	return target && !strcmp(target, TARGET) ? parameters : NULL;
}

/* Report the news in @now. A state older than the watch is no news. */
static void compare(struct watch *watch, const char *name, const char *uuid,
		    const struct status *now)
{
	bool complete = status_is_complete(now);
	bool alone = now->value[STATUS_WAITING] && !now->value[STATUS_LOADERS];
	uint64_t failures = now->value[STATUS_HASH_FAILURES];

	/* Damage first: a hook may want to know before it hears of the end. */
	if (watch->known && failures > watch->hash_failures) {
		report("%s: %llu blocks or pages were corrupt, %llu have healed so far",
		       name, (unsigned long long)(failures - watch->hash_failures),
		       (unsigned long long)now->value[STATUS_HEALED]);
		hook_run("corruption", name, uuid, now);
	}
	/* An image that has grown can become complete once more. */
	if (watch->known && complete &&
	    (!watch->complete || watch->total != now->value[STATUS_TOTAL])) {
		report("%s: all of the image is present", name);
		hook_run("complete", name, uuid, now);
	}
	if (alone && !watch->alone) {
		report("%s: %llu reads wait and there is no loader", name,
		       (unsigned long long)now->value[STATUS_WAITING]);
		hook_run("loader-absent", name, uuid, now);
	}
	if (!alone && watch->alone)
		report("%s: no read waits without a loader any more", name);
	*watch = (struct watch){
		.known = true,
		.complete = complete,
		.alone = alone,
		.total = now->value[STATUS_TOTAL],
		.hash_failures = failures,
	};
}

static void look(struct watch *watch, struct dm_task *task)
{
	const char *line = status_line(task);
	const char *name = dm_task_get_name(task);
	const char *uuid = dm_task_get_uuid(task);
	struct status status;

	/* A device without a table, between two of them, say, has no news. */
	if (!line)
		return;
	if (parse_status(line, &status))
		report("%s: the status line \"%.100s\" is not understood", name,
		       line);
	else
		compare(watch, name, uuid ? uuid : "", &status);
}

/**
 * register_device - dmeventd begins to watch a device
 * @device: its name
 * @uuid: its UUID
 * @major: unused
 * @minor: unused
 * @user: receives our struct watch, which unregister_device() frees
 *
 * Return: 1, or 0 if that is not possible.
 */
EXPORT int register_device(const char *device, const char *uuid, int major,
			   int minor, void **user)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct dm_task *task = NULL;
	bool ours = false;

	(void)major, (void)minor;
	if (watch)
		task = dm_task_create(DM_DEVICE_STATUS);
	/* Looking must not commit: that may take its time. */
	if (task && dm_task_set_uuid(task, uuid) && dm_task_no_flush(task) &&
	    dm_task_run(task) && status_line(task)) {
		look(watch, task);
		ours = true;
	}
	if (task)
		dm_task_destroy(task);
	if (!ours) {
		report("%s: is not an incremental device", device);
		free(watch);
		return 0;
	}
	report("%s: is being watched", device);
	*user = watch;
	return 1;
}

/**
 * process_event - a device has had one event or several
 * @task: holds its name, UUID and present status
 * @event: unused: the kernel sends one kind only
 * @user: of register_device()
 */
EXPORT void process_event(struct dm_task *task, enum dm_event_mask event,
			  void **user)
{
	(void)event;
	look(*user, task);
}

/**
 * unregister_device - dmeventd watches a device no longer
 * @device: as for register_device(), as are the others
 * @uuid: unused
 * @major: unused
 * @minor: unused
 * @user: freed
 *
 * Return: 1.
 */
EXPORT int unregister_device(const char *device, const char *uuid, int major,
			     int minor, void **user)
{
	(void)uuid, (void)major, (void)minor;
	report("%s: is not watched any more", device);
	free(*user);
	*user = NULL;
	return 1;
}
