// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start incrementald: the one beside this program, else the one in $PATH.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/counters.h"
#include "dmsetup-plugin/tab.h"
#include "origin/origin.h"

#define LOADER		"incrementald"
#define FLAGS_MAX	6
#define ORIGINS_OPTION	"--origins"

/* The loader's options that are the command's: FLAGS_MAX words at most. Return: how many. */
static unsigned int add_flags(const struct options *options, const char **args)
{
	unsigned int n = 0;

	if (options->no_prefetch)
		args[n++] = "--no-prefetch";
	if (options->verbose)
		args[n++] = "--verbose";
	if (options->startup) {
		args[n++] = "--startup";
		args[n++] = options->startup;
	}
	if (options->no_startup)
		args[n++] = "--no-startup";
	if (options->wait_startup)
		args[n++] = "--wait-startup";
	return n;
}

int loader_start(const struct options *options, const struct backing *backing,
		 const char *key, const sigset_t *held, const sigset_t *old,
		 struct incr_error *error)
{
	char path[4096], node[160], list[ORIGINS_PATH_MAX];
	char counters[COUNTERS_PATH_MAX];
	const char *args[24];
	unsigned int n = 0;
	int err, status;
	pid_t child;

	err = origins_save(options, key, error);
	if (err)
		return err;
	child_find(LOADER, path, sizeof(path));
	args[n++] = LOADER;
	args[n++] = "--daemon";
	n += add_flags(options, args + n);
	counters_path(key, counters);
	args[n++] = "--stats";
	args[n++] = counters;
	origins_path(key, list);
	args[n++] = ORIGINS_OPTION;
	args[n++] = list;
	args[n++] = "--";
	node_path(backing->path, node, sizeof(node));
	args[n++] = node;
	args[n] = NULL;

	/* libdevmapper's control file would be inherited. */
	dm_lib_release();
	err = child_start(&child, path, args, old, -1);
	if (err)
		return incr_fail(error, err, "cannot start " LOADER ": %s",
				 strerror(-err));
	err = child_wait(child, held, &status);
	if (err == -EINTR)
		return incr_fail(error, err, "interrupted");
	if (err)
		return incr_fail(error, err, "cannot wait for " LOADER ": %s",
				 strerror(-err));
	err = child_errno(status);
	/* It has said why. */
	if (err)
		incr_fail(error, err, LOADER " did not start");
	return err;
}

static void apart_path(const char *name, char *path, size_t size)
{
	char unit[UNIT_NAME_MAX];

	snprintf(path, size, STATE_DIRECTORY "/loader-%s",
		 unit_escape(name, unit));
}

int loader_leave(const struct options *options, const struct backing *backing,
		 const char *key, const char *name, struct incr_error *error)
{
	char path[UNIT_NAME_MAX + 64], list[ORIGINS_PATH_MAX], node[160];
	char counters[COUNTERS_PATH_MAX];
	const char *flags[FLAGS_MAX];
	unsigned int count, i;
	FILE *file;
	int err;

	/* systemd splits the words of a variable there. */
	if (options->startup && strpbrk(options->startup, " \t\n\"'\\"))
		return incr_fail(error, -ERR_USAGE,
				 "the path of a start-up list that a service is to read may have no blanks, quotes or backslashes");
	err = origins_save(options, key, error);
	if (err)
		return err;
	origins_path(key, list);
	counters_path(key, counters);
	node_path(backing->path, node, sizeof(node));
	apart_path(name, path, sizeof(path));
	file = fopen(path, "we");
	if (!file)
		return incr_fail(error, -errno, "cannot write %s: %s", path,
				 strerror(errno));
	fprintf(file, "NODE=%s\nORIGINS=%s\nCOUNTERS=%s\nFLAGS=", node, list,
		counters);
	count = add_flags(options, flags);
	for (i = 0; i < count; i++)
		fprintf(file, " %s", flags[i]);
	fputc('\n', file);
	err = ferror(file) ? -EIO : 0;
	if (fclose(file) && !err)
		err = -errno;
	return err ? incr_fail(error, err, "cannot write %s: %s", path,
			       strerror(-err)) : 0;
}

void loader_apart_forget(const char *name)
{
	char path[UNIT_NAME_MAX + 64];

	apart_path(name, path, sizeof(path));
	unlink(path);
}

/* Has process @pid the node open, as a loader has? */
static bool has_open(const char *pid, const char *node)
{
	char path[320], target[320];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	fds = opendir(path);
	while (fds && !found && (entry = readdir(fds))) {
		ssize_t n;

		if (entry->d_name[0] == '.')
			continue;
		n = readlinkat(dirfd(fds), entry->d_name, target,
			       sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = !strcmp(target, node);
	}
	if (fds)
		closedir(fds);
	return found;
}

/* The value of argument @arg if it is option @name, perhaps in the next one. */
static const char *option_value(const char *arg, const char *next,
				const char *name)
{
	size_t n = strlen(name);

	if (strncmp(arg, name, n))
		return NULL;
	if (arg[n] == '=')
		return arg + n + 1;
	return arg[n] ? NULL : next;
}

/*
 * The arguments of a loader. A loader that was taken over can change them, so
 * the only file that is read for origins is the image's own, and no file of secrets
 * is taken from there, which would be sent to an origin.
 */
static void take_argument(struct options *options, const char *arg,
			  const char *next, bool *listed)
{
	const char *origin = option_value(arg, next, "--origin");
	const char *ca = option_value(arg, next, "--ca-certificates");
	char *copy;

	*listed |= !strcmp(arg, ORIGINS_OPTION);
	if (origin && origin_means_the_same(origin) &&
	    !origin_is_hidden(origin) && options->origin_count < ORIGINS_MAX) {
		copy = strdup(origin);
		if (copy)
			options->origins[options->origin_count++] = copy;
	}
	if (ca && origin_means_the_same(ca) && !options->access.value[ACCESS_CA])
		options->access.value[ACCESS_CA] = strdup(ca);
}

/* Its command line, argument by argument. */
static void take_arguments(struct options *options, const char *pid,
			   bool *listed)
{
	char path[64], *arg = NULL, *before = NULL;
	size_t room = 0, before_room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (getdelim(&arg, &room, '\0', file) > 0) {
		char *swap = before;
		size_t swap_room = before_room;

		if (before)
			take_argument(options, before, arg, listed);
		before = arg;
		before_room = room;
		arg = swap;
		room = swap_room;
	}
	if (before)
		take_argument(options, before, NULL, listed);
	free(arg);
	free(before);
	fclose(file);
}

void loader_origins(struct options *options, const char *node,
		    const char *key)
{
	bool listed = false;
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		const char *pid = entry->d_name;
		char path[64], name[32] = "";
		FILE *file;

		if (*pid < '1' || *pid > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
		if (!strcmp(name, LOADER) && has_open(pid, node))
			take_arguments(options, pid, &listed);
	}
	if (processes)
		closedir(processes);
	if (listed)
		origins_load(options, key);
}
