// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event hook; see hook.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libdevmapper.h>
#include <libdevmapper-event.h>
#include "dmeventd-plugin/hook.h"

#define SUBSYSTEM	"incremental"
#define LEVEL_WARNING	4	/* libdevmapper's; always logged */

void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	dm_event_log(SUBSYSTEM, LEVEL_WARNING, __FILE__, __LINE__, 0, format,
		     args);
	va_end(args);
}

/* The hook's environment. */
static const struct {
	const char *name;
	enum status_field field;
} numbers[] = {
	{ "INC_PRESENT_CHUNKS", STATUS_PRESENT },
	{ "INC_TOTAL_CHUNKS", STATUS_TOTAL },
	{ "INC_WAITING_READS", STATUS_WAITING },
	{ "INC_HASH_FAILURES", STATUS_HASH_FAILURES },
	{ "INC_HEALED", STATUS_HEALED },
	{ "INC_LOADERS", STATUS_LOADERS },
};

#define NUMBERS	(sizeof(numbers) / sizeof(numbers[0]))

/* Start it in a process group of its own, with signals as they are at first. */
static int spawn(pid_t *pid, char *const argv[], char *const envp[])
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	err = posix_spawnattr_init(&attr);
	if (err)
		return err;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	err = posix_spawn(pid, HOOK_PATH, NULL, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	return err;
}

/* Wait for its end; kill it after HOOK_SECONDS. */
static void await(pid_t pid, const char *event, const char *name)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status, ready;

	do
		ready = poll(&end, 1, HOOK_SECONDS * 1000);
	while (ready < 0 && errno == EINTR);
	if (end.fd >= 0)
		close(end.fd);
	if (ready <= 0) {
		report("%s: %s has not ended %d s after event %s: killed", name,
		       HOOK_PATH, HOOK_SECONDS, event);
		kill(-pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (ready <= 0)
		return;
	if (WIFSIGNALED(status))
		report("%s: %s was killed by signal %d at event %s", name,
		       HOOK_PATH, WTERMSIG(status), event);
	else if (WEXITSTATUS(status))
		report("%s: %s has failed with status %d at event %s", name,
		       HOOK_PATH, WEXITSTATUS(status), event);
}

void hook_run(const char *event, const char *name, const char *uuid,
	      const struct status *status)
{
	char values[NUMBERS][64], uuid_value[160];
	char *argv[] = { (char *)HOOK_PATH, (char *)event, (char *)name, NULL };
	char *envp[NUMBERS + 3];
	size_t i;
	pid_t pid;
	int err;

	for (i = 0; i < NUMBERS; i++) {
		snprintf(values[i], sizeof(values[i]), "%s=%llu",
			 numbers[i].name, (unsigned long long)
			 status->value[numbers[i].field]);
		envp[i] = values[i];
	}
	snprintf(uuid_value, sizeof(uuid_value), "INC_UUID=%s", uuid);
	envp[i++] = uuid_value;
	envp[i++] = (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	envp[i] = NULL;

	err = spawn(&pid, argv, envp);
	if (!err)
		await(pid, event, name);
	else if (err != ENOENT)
		report("%s: cannot run %s at event %s: %s", name, HOOK_PATH,
		       event, strerror(err));
}
