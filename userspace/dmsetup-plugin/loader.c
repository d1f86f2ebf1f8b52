// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start incrementald: the one beside this program, else the one in $PATH.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libdevmapper.h>
#include "setup.h"

#define LOADER	"incrementald"

extern char **environ;

static void find_loader(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(LOADER));
	char *name;

	if (n > 0) {
		path[n] = '\0';
		name = strrchr(path, '/');
		if (name) {
			strcpy(name + 1, LOADER);
			if (!access(path, X_OK))
				return;
		}
	}
	strcpy(path, LOADER);
}

/* As this program, but with the signals of @old. */
static int spawn(pid_t *child, const char *path, const char **args,
		 const sigset_t *old)
{
	posix_spawnattr_t attr;
	int err;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	err = posix_spawnattr_setsigmask(&attr, old);
	if (!err)
		err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!err)
		err = posix_spawnp(child, path, NULL, &attr, (char **)args,
				   environ);
	posix_spawnattr_destroy(&attr);
	return -err;
}

/* Wait for @child, and end it if a signal of @held comes meanwhile. */
static int wait_child(pid_t child, const sigset_t *held, int *status)
{
	int number, came = 0, err;
	sigset_t all = *held;
	pid_t ended;

	sigaddset(&all, SIGCHLD);
	while (!(ended = waitpid(child, status, WNOHANG))) {
		number = sigwaitinfo(&all, NULL);
		if (number > 0 && number != SIGCHLD) {
			came = number;
			kill(child, SIGTERM);
		}
	}
	err = ended < 0 ? -errno : 0;
	if (came)
		raise(came);
	return came ? -EINTR : err;
}

/* The loader's exit status as the errno that would make it ours. */
static int loader_errno(int status)
{
	switch (WIFEXITED(status) ? WEXITSTATUS(status) : EXITCODE_DEVICE) {
	case EXITCODE_OK:
		return 0;
	case EXITCODE_USAGE:
		return -ERR_USAGE;
	case EXITCODE_PERMISSION:
		return -EPERM;
	case EXITCODE_MEMORY:
		return -ENOMEM;
	case EXITCODE_BUSY:
		return -EBUSY;
	default:
		return -ENXIO;
	}
}

int loader_start(const struct options *options, const struct backing *backing,
		 const sigset_t *held, const sigset_t *old,
		 struct inc_error *error)
{
	const char *args[2 * ORIGINS_MAX + 16];
	char path[4096];
	unsigned int n = 0, i;
	int err, status;
	pid_t child;

	find_loader(path, sizeof(path));
	args[n++] = LOADER;
	args[n++] = "--daemon";
	if (options->no_prefetch)
		args[n++] = "--no-prefetch";
	if (options->verbose)
		args[n++] = "--verbose";
	if (options->ca_file) {
		args[n++] = "--ca-certificates";
		args[n++] = options->ca_file;
	}
	for (i = 0; i < options->origin_count; i++) {
		args[n++] = "--origin";
		args[n++] = options->origins[i];
	}
	args[n++] = "--";
	args[n++] = backing->path;
	args[n] = NULL;

	/* libdevmapper's control file would be inherited. */
	dm_lib_release();
	err = spawn(&child, path, args, old);
	if (err)
		return setup_fail(error, err, "cannot start " LOADER ": %s",
				  strerror(-err));
	err = wait_child(child, held, &status);
	if (err == -EINTR)
		return setup_fail(error, err, "interrupted");
	if (err)
		return setup_fail(error, err, "cannot wait for " LOADER ": %s",
				  strerror(-err));
	err = loader_errno(status);
	/* It has said why. */
	if (err)
		setup_fail(error, err, LOADER " did not start");
	return err;
}
