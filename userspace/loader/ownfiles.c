// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which files lie on the device that is served; see ownfiles.h.
 */
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>
#include "common/blockdev.h"
#include "common/message.h"
#include "loader/ownfiles.h"
#include "loader/stands-on.h"

#define NODES		"/dev/incremental/"

/* The block device that the node at @path is for. */
static bool backing_of(const char *path, dev_t *backing)
{
	char sys[PATH_MAX], *at;
	const char *name = strncmp(path, NODES, strlen(NODES)) ? path :
			   path + strlen(NODES);

	if (snprintf(sys, sizeof(sys), "/sys/class/block/%s/dev", name) >=
	    (int)sizeof(sys))
		return false;
	/* In /sys a device's name has no slash: a/b is a!b there. */
	for (at = sys + strlen("/sys/class/block/");
	     at < sys + strlen(sys) - strlen("/dev"); at++)
		if (*at == '/')
			*at = '!';
	return blockdev_number(sys, backing);
}

static void look_at(const char *what, const char *path, dev_t backing,
		    const char *device)
{
	if (path && stands_on(path, backing))
		message_warning("%s %s lies on what %s serves: reading it may wait for this process; better keep it elsewhere",
				what, path, device);
}

struct libraries {
	dev_t backing;
	unsigned int count;
	char first[PATH_MAX];
};

static int look_at_library(struct dl_phdr_info *info, size_t size, void *data)
{
	struct libraries *libraries = data;

	(void)size;
	/* The program has no name here, nor the kernel's library a path. */
	if (info->dlpi_name[0] == '/' &&
	    stands_on(info->dlpi_name, libraries->backing) &&
	    !libraries->count++)
		snprintf(libraries->first, sizeof(libraries->first), "%s",
			 info->dlpi_name);
	return 0;
}

int ownfiles_check(const char *device, const struct options *options,
		   const struct mirrors *mirrors, const struct startup *startup,
		   struct incr_error *error)
{
	struct libraries libraries = { 0 };
	char program[PATH_MAX];
	bool https = false;
	unsigned int i;
	ssize_t n;

	if (!backing_of(device, &libraries.backing))
		return 0;
	for (i = 0; i < mirrors->count; i++) {
		const struct origin *origin = mirrors->mirror[i].origin;

		https |= !strncasecmp(options->origins[i], "https:", 6);
		if (origin_is_remote(origin) ||
		    !stands_on(origin_name(origin), libraries.backing))
			continue;
		return incr_fail(error, -EDEADLK,
				 "origin %s lies on what %s serves, so it would be read from itself; name one elsewhere",
				 origin_name(origin), device);
	}
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (n > 0) {
		program[n] = '\0';
		look_at("the program", program, libraries.backing, device);
	}
	dl_iterate_phdr(look_at_library, &libraries);
	if (libraries.count)
		message_warning("%u libraries, %s first, lie on what %s serves: reading them may wait for this process; better keep them elsewhere",
				libraries.count, libraries.first, device);
	/* Those of --ca-certificates are in memory already. */
	if (https && !options->access.value[ACCESS_CA])
		look_at("the file of certificates", origin_default_ca(),
			libraries.backing, device);
	look_at("the resolver's file", "/etc/resolv.conf", libraries.backing,
		device);
	for (i = 0; i < startup->sources; i++)
		if (!origin_is_remote(startup->from[i]))
			look_at("the start-up list", origin_name(startup->from[i]),
				libraries.backing, device);
	/* They are read again when they change. */
	for (i = 0; i < ACCESS_FILES; i++)
		look_at("the file of secrets", options->access.value[i],
			libraries.backing, device);
	look_at("the file of counters", options->stats_file, libraries.backing,
		device);
	look_at("the pid file", options->pid_file, libraries.backing, device);
	look_at("the log", "/proc/self/fd/2", libraries.backing, device);
	return 0;
}
