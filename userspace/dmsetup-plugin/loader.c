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

int loader_start(const struct options *options, const struct backing *backing,
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
	err = -posix_spawnp(&child, path, NULL, NULL, (char **)args, environ);
	if (err)
		return setup_fail(error, err, "cannot start " LOADER ": %s",
				  strerror(-err));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return setup_fail(error, -errno,
					  "cannot wait for " LOADER ": %s",
					  strerror(errno));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	/* It has said why. */
	return setup_fail(error, -ENXIO, LOADER " did not start");
}
