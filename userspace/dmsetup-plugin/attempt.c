// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting a device, whose data may be long in coming; see attempt.h.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/attempt.h"
#include "dmsetup-plugin/dm.h"

/* The filesystem's own message about a failure, or the error's name. */
static int context_failed(int context, int err, const char *device,
			  const struct mount *mount, struct incr_error *error)
{
	char text[256];
	ssize_t n = read(context, text, sizeof(text) - 1);

	if (n < 0)
		n = 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	/* A level stands in front: "e erofs: ..." */
	return incr_fail(error, err, "cannot mount %s as %s is mounted: %s",
			 device, mount->point,
			 n > 2 ? text + 2 : strerror(-err));
}

/* One option of the old filesystem, "key" or "key=value". */
static int set_option(int context, char *option)
{
	char *value = strchr(option, '=');

	/* Not an option: a security module prints it among them. */
	if (!strcmp(option, "seclabel") || !strcmp(option, "rw") || !*option)
		return 0;
	if (value)
		*value++ = '\0';
	if (fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
		     option, value, 0))
		return -errno;
	return 0;
}

static int set_options(int context, const struct mount *mount,
		       const char *device)
{
	char *options = strdup(mount->super), *next = options, *option;
	int err = 0;

	if (!options)
		return -ENOMEM;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0))
		err = -errno;
	while (!err && (option = strsep(&next, ",")))
		err = set_option(context, mountinfo_unescape(option));
	free(options);
	return err;
}

static unsigned int attributes(const struct mount *mount)
{
	static const struct {
		const char *name;
		unsigned int value;
	} known[] = {
		{ "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC },
		{ "nodiratime", MOUNT_ATTR_NODIRATIME },
		{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
	};
	unsigned int value = MOUNT_ATTR_RDONLY, atime = MOUNT_ATTR_STRICTATIME;
	const char *at = mount->options;
	size_t i;

	while (*at) {
		size_t n = strcspn(at, ",");

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (n == strlen(known[i].name) &&
			    !strncmp(at, known[i].name, n))
				value |= known[i].value;
		if (n == 7 && !strncmp(at, "noatime", n))
			atime = MOUNT_ATTR_NOATIME;
		else if (n == 8 && !strncmp(at, "relatime", n))
			atime = MOUNT_ATTR_RELATIME;
		at += n;
		at += *at == ',';
	}
	return value | atime;
}

int mount_try(const struct mount *mount, const char *device,
	      struct incr_error *error)
{
	int context = fsopen(mount->type, FSOPEN_CLOEXEC);
	int fd, err;

	if (context < 0)
		return incr_fail(error, -errno, "cannot mount a %s: %s",
				 mount->type, strerror(errno));
	err = set_options(context, mount, device);
	if (!err && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	fd = err ? -1 : fsmount(context, FSMOUNT_CLOEXEC, attributes(mount));
	if (!err && fd < 0)
		err = -errno;
	if (err)
		context_failed(context, err, device, mount, error);
	close(context);
	return err ? err : fd;
}

/**
 * struct attempt - the thread's task and its result
 * @done: eventfd: it has
 * @fd: the mount or -errno; then @error says why
 */
struct attempt {
	const struct mount *mount;
	char path[DM_NAME_MAX + 16];
	int done;
	int fd;
	struct incr_error error;
};

static void *run(void *argument)
{
	struct attempt *attempt = argument;

	attempt->fd = mount_try(attempt->mount, attempt->path, &attempt->error);
	/* A counter of 1 has room for it. */
	eventfd_write(attempt->done, 1);
	return NULL;
}

/* Until it is done, or a signal is pending, which stays so. */
static bool wait_done(const struct attempt *attempt, int signals)
{
	struct pollfd polls[] = {
		{ .fd = attempt->done, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (poll(polls, 2, -1) < 0)
		;
	return polls[0].revents;
}

static int run_thread(struct attempt *attempt, const char *name, int signals,
		      struct incr_error *error)
{
	struct incr_error why;
	pthread_t thread;
	int err;

	err = -pthread_create(&thread, NULL, run, attempt);
	if (err)
		return incr_fail(error, err, "cannot start a thread: %s",
				 strerror(-err));
	if (wait_done(attempt, signals)) {
		pthread_join(thread, NULL);
		if (attempt->fd < 0)
			*error = attempt->error;
		return attempt->fd;
	}
	if (dm_fail_reads(name, &why))
		message_warning("%s", why.text);
	pthread_join(thread, NULL);
	if (attempt->fd >= 0)
		close(attempt->fd);
	return incr_fail(error, -EINTR, "interrupted");
}

int mount_attempt(const struct mount *mount, const char *name,
		  const sigset_t *held, struct incr_error *error)
{
	struct attempt attempt = { .mount = mount };
	int signals, ret;

	snprintf(attempt.path, sizeof(attempt.path), "/dev/mapper/%s", name);
	attempt.done = eventfd(0, EFD_CLOEXEC);
	signals = signalfd(-1, held, SFD_CLOEXEC);
	if (attempt.done < 0 || signals < 0)
		ret = incr_fail(error, -errno, "cannot wait for signals: %s",
				strerror(errno));
	else
		ret = run_thread(&attempt, name, signals, error);
	if (attempt.done >= 0)
		close(attempt.done);
	if (signals >= 0)
		close(signals);
	return ret;
}
