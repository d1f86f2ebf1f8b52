// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The origins of an image's loader, and how they are asked, in a file that only root can read: the
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

/* The path of a file, or what else an option has. */
static int write_access(FILE *file, enum access_option which,
			const char *value)
{
	char *path = which == ACCESS_PROXY ? NULL : realpath(value, NULL);
	const char *text = path ? path : value;
	int err = 0;

	if (strpbrk(text, "\r\n"))
		err = -EINVAL;
	else if (fprintf(file, "--%s %s\n", access_names[which], text) < 0)
		err = -EIO;
	free(path);
	return err;
}

/*
 * The list that origins are from can be named in place of them, so that the loader
 * reads it again when it changes, if they mean the same wherever it is read.
 */
static bool list_will_do(const struct options *options)
{
	const struct origin_access *access = &options->access;
	unsigned int i;

	for (i = 0; i < access->listed; i++)
		if (!origin_means_the_same(options->origins[access->first + i]))
			return false;
	return access->listed;
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
	const struct origin_access *access = &options->access;
	FILE *file = NULL;
	unsigned int i;
	bool listed;
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
	listed = list_will_do(options);
	for (i = 0; !err && i < ACCESS_OPTIONS; i++)
		if (access->value[i] && i != ACCESS_ORIGINS)
			err = write_access(file, i, access->value[i]);
	for (i = 0; !err && i < options->origin_count; i++) {
		if (!listed || i < access->first ||
		    i >= access->first + access->listed)
			err = write_origin(file, options->origins[i]);
		else if (i == access->first)
			err = write_access(file, ACCESS_ORIGINS,
					   access->value[ACCESS_ORIGINS]);
	}
	if (file && fclose(file) && !err)
		err = -errno;
	else if (!file && fd >= 0)
		close(fd);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err == -EINVAL) {
		unlink(temporary);
		incr_fail(error, err,
			  "the name of an origin or file has a line break: the loader cannot be given it");
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
			     ORIGINS_MAX, &options->access, &why))
		message_debug("%s", why.text);
}

void origins_forget(const char *key)
{
	char path[ORIGINS_PATH_MAX];

	origins_path(key, path);
	unlink(path);
}
