// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor and unmonitor: dmeventd watches a device, with our plugin.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <libdevmapper-event.h>
#include "common/message.h"
#include "dmsetup-plugin/dm.h"

#define PLUGIN	"libdevmapper-event-incremental.so"
/* libdevmapper-event's; opening it to write shows whether dmeventd runs. */
#define FIFO	"/run/dmeventd-client"
#define SETTLE_TICKS	200	/* of 50 ms */

/*
 * dmeventd loads the plugin after it has taken the device on; if it cannot, it
 * drops the device again.
 */
static int settle(struct dm_event_handler *handler)
{
	const struct timespec tick = { .tv_nsec = 50000000 };
	int tries, err = 0;

	for (tries = 0; tries < SETTLE_TICKS; tries++) {
		err = dm_event_get_registered_device(handler, 0);
		if (err || !(dm_event_handler_get_event_mask(handler) &
			     DM_EVENT_REGISTRATION_PENDING))
			break;
		nanosleep(&tick, NULL);
	}
	return err ? -EIO : 0;
}

/* Have dmeventd, which is started if it does not run, take the device on or off. */
static int ask(const char *plugin, const char *uuid, bool monitor)
{
	struct dm_event_handler *handler = dm_event_handler_create();
	int err;

	if (!handler)
		return -ENOMEM;
	dm_event_handler_set_event_mask(handler, DM_EVENT_ALL_ERRORS);
	if (dm_event_handler_set_dso(handler, plugin) ||
	    dm_event_handler_set_uuid(handler, uuid))
		err = -ENOMEM;
	else if (monitor)
		err = dm_event_register_handler(handler) ? settle(handler) :
							   -EIO;
	else
		err = dm_event_unregister_handler(handler) ? 0 : -EIO;
	dm_event_handler_destroy(handler);
	return err;
}

/* libdevmapper-event would start it just to ask. */
static bool dmeventd_runs(void)
{
	int fd = open(FIFO, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The plugin with which dmeventd watches a device, allocated; NULL: it does not. */
static char *plugin_of(const char *uuid)
{
	struct dm_event_handler *handler;
	const char *plugin = NULL;
	char *copy = NULL;

	if (!dmeventd_runs())
		return NULL;
	handler = dm_event_handler_create();
	if (!handler)
		return NULL;
	if (!dm_event_handler_set_uuid(handler, uuid) &&
	    !dm_event_get_registered_device(handler, 0))
		plugin = dm_event_handler_get_dso(handler);
	if (plugin)
		copy = strdup(plugin);
	dm_event_handler_destroy(handler);
	return copy;
}

void monitor_follow(const char *name, const char *from, const char *to)
{
	char *plugin = plugin_of(from);

	if (plugin && ask(plugin, to, true))
		message_warning("dmeventd does not watch the new %s as it did the old one with %s",
				name, plugin);
	free(plugin);
}

static int change(const struct options *options, const char *given,
		  bool monitor, struct incr_error *error)
{
	const char *plugin = options->plugin ? options->plugin : PLUGIN;
	struct dm_state state;
	const char *name;
	int err;

	err = device_name(given, &name, error);
	if (!err)
		err = dm_read_state(name, &state, error);
	if (err)
		return err;
	if (!*state.uuid)
		err = incr_fail(error, -ENODEV,
				"device %s has no UUID, by which dmeventd knows devices",
				name);
	if (!err) {
		err = ask(plugin, state.uuid, monitor);
		if (err == -ENOMEM)
			incr_fail(error, err, "out of memory for dmeventd");
		else if (err && monitor)
			incr_fail(error, err,
				  "dmeventd does not watch %s: is it installed, and does it find %s? (--verbose and its log say more)",
				  name, plugin);
		else if (err)
			incr_fail(error, err,
				  "dmeventd does not watch %s with %s", name,
				  plugin);
	}
	dm_free_state(&state);
	return err;
}

int command_monitor(const struct options *options, char **args,
		    struct incr_error *error)
{
	return change(options, args[0], true, error);
}

int command_unmonitor(const struct options *options, char **args,
		      struct incr_error *error)
{
	return change(options, args[0], false, error);
}
