// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An instance of tracefs; see instance.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "record/instance.h"

#define PREFIX		"dm-incremental-"
#define EVENT		"events/block/block_bio_queue"
/* KiB for each processor: some 40,000 events. */
#define BUFFER		"4096"

static int write_file(const struct instance *instance, const char *name,
		      const char *text)
{
	char path[PATH_MAX + 64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", instance->path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

/* Where instances are; NULL: nowhere. */
static const char *find_instances(void)
{
	static const char *const places[] = {
		"/sys/kernel/tracing/instances",
		"/sys/kernel/debug/tracing/instances",
	};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!access(places[i], F_OK))
			return places[i];
	return NULL;
}

/* Those of processes that were killed. */
static void remove_stale(const char *where)
{
	DIR *dir = opendir(where);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX];
		int pid;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			continue;
		pid = atoi(entry->d_name + strlen(PREFIX));
		if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", where, entry->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* The kernel's own form of device numbers. */
static int set_filter(const struct instance *instance, const dev_t *devices,
		      unsigned int count)
{
	char filter[1024];
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < count && used < sizeof(filter) - 32; i++)
		used += (size_t)snprintf(filter + used, sizeof(filter) - used,
					 "%sdev == %u", i ? " || " : "",
					 major(devices[i]) << 20 |
					 minor(devices[i]));
	return i < count ? -E2BIG :
	       write_file(instance, EVENT "/filter", filter);
}

static int start(struct instance *instance, const dev_t *devices,
		 unsigned int count)
{
	char path[PATH_MAX + 16];
	int err;

	err = write_file(instance, "trace_clock", "mono");
	if (!err)
		err = write_file(instance, "buffer_size_kb", BUFFER);
	if (!err)
		err = set_filter(instance, devices, count);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/trace_pipe", instance->path);
	instance->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (instance->pipe < 0)
		return -errno;
	return write_file(instance, EVENT "/enable", "1");
}

int instance_open(struct instance *instance, const dev_t *devices,
		  unsigned int count, struct incr_error *error)
{
	const char *where = find_instances();
	int err;

	instance->pipe = -1;
	instance->path[0] = '\0';
	if (!where)
		return incr_fail(error, -ENOENT,
				 "reads cannot be recorded: tracefs is not mounted (mount -t tracefs tracefs /sys/kernel/tracing)");
	remove_stale(where);
	snprintf(instance->path, sizeof(instance->path), "%s/" PREFIX "%d",
		 where, (int)getpid());
	if (mkdir(instance->path, 0700)) {
		err = incr_fail(error, -errno, "cannot make %s: %s",
				instance->path, strerror(errno));
		instance->path[0] = '\0';
		return err;
	}
	err = start(instance, devices, count);
	if (!err)
		return 0;
	incr_fail(error, err, "cannot set up %s: %s", instance->path,
		  strerror(-err));
	instance_close(instance);
	return err;
}

void instance_stop(const struct instance *instance)
{
	write_file(instance, EVENT "/enable", "0");
}

void instance_close(struct instance *instance)
{
	if (!instance->path[0])
		return;
	instance_stop(instance);
	if (instance->pipe >= 0)
		close(instance->pipe);
	instance->pipe = -1;
	rmdir(instance->path);
	instance->path[0] = '\0';
}
