// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The origins of an image's loader, in a file that only root can read: the
 * loader is given that file instead of them, since every user can read its command
 * line, and a later update finds them there. See image-file.h for its name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/image-file.h"
#include "origin/origin.h"

#define PREFIX	"origins-"

void origins_path(const char *key, char path[ORIGINS_PATH_MAX])
{
	snprintf(path, ORIGINS_PATH_MAX, STATE_DIRECTORY "/" PREFIX "%s", key);
}

/* A path that is relative to this directory would mean nothing elsewhere. */
static int write_origin(FILE *file, const char *where)
{
	char *path = origin_means_the_same(where) ? NULL :
						    realpath(where, NULL);
	const char *name = path ? path : where;
	int err = 0;

	if (strpbrk(name, "\r\n"))
		err = -EINVAL;
	else if (fprintf(file, "%s\n", name) < 0)
		err = -EIO;
	free(path);
	return err;
}

int origins_save(const struct options *options, const char *key,
		 struct incr_error *error)
{
	char path[ORIGINS_PATH_MAX], temporary[ORIGINS_PATH_MAX + 4];
	FILE *file = NULL;
	unsigned int i;
	int fd, err = 0;

	/* For root alone. Of two writers at a time, either one's file stays whole. */
	origins_path(key, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (!file)
		err = -errno;
	for (i = 0; !err && i < options->origin_count; i++)
		err = write_origin(file, options->origins[i]);
	if (file && fclose(file) && !err)
		err = -errno;
	else if (!file && fd >= 0)
		close(fd);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err == -EINVAL) {
		unlink(temporary);
		incr_fail(error, err,
			  "an origin's name has a line break: the loader cannot be given it");
	} else if (err) {
		unlink(temporary);
		incr_fail(error, err, "cannot write %s: %s", path,
			  strerror(-err));
	}
	return err;
}

void origins_load(struct options *options, const char *key)
{
	char path[ORIGINS_PATH_MAX];
	struct incr_error why;

	origins_path(key, path);
	if (origin_read_list(path, options->origins, &options->origin_count,
			     ORIGINS_MAX, &why))
		message_debug("%s", why.text);
}

void origins_forget(const char *key)
{
	char path[ORIGINS_PATH_MAX];

	origins_path(key, path);
	unlink(path);
}
