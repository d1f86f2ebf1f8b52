// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting a device whose data may be long in coming; see attempt.h.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/attempt.h"
#include "dmsetup-plugin/dm.h"

/**
 * struct attempt - what the thread is to do, and has done
 * @done: eventfd: it has
 * @fd: the mount or -errno; then @error says why
 */
struct attempt {
	const struct mount *mount;
	char path[DM_NAME_MAX + 16];
	int done;
	int fd;
	struct inc_error error;
};

static void *run(void *argument)
{
	struct attempt *attempt = argument;
	eventfd_t one = 1;

	attempt->fd = mount_try(attempt->mount, attempt->path, &attempt->error);
	/* A counter of 1 has room for it. */
	eventfd_write(attempt->done, one);
	return NULL;
}

/* Until it is done, or a signal has come, which is not taken. */
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
		      struct inc_error *error)
{
	struct inc_error why;
	pthread_t thread;
	int err;

	err = -pthread_create(&thread, NULL, run, attempt);
	if (err)
		return inc_fail(error, err, "cannot start a thread: %s",
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
	return inc_fail(error, -EINTR, "interrupted");
}

int mount_attempt(const struct mount *mount, const char *name,
		  const sigset_t *held, struct inc_error *error)
{
	struct attempt attempt = { .mount = mount };
	int signals, ret;

	snprintf(attempt.path, sizeof(attempt.path), "/dev/mapper/%s", name);
	attempt.done = eventfd(0, EFD_CLOEXEC);
	signals = signalfd(-1, held, SFD_CLOEXEC);
	if (attempt.done < 0 || signals < 0)
		ret = inc_fail(error, -errno, "cannot wait for signals: %s",
			       strerror(errno));
	else
		ret = run_thread(&attempt, name, signals, error);
	if (attempt.done >= 0)
		close(attempt.done);
	if (signals >= 0)
		close(signals);
	return ret;
}
