// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that appear when they are complete; see output.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/doomed.h"
#include "common/message.h"
#include "common/same-file.h"
#include "output.h"

static int fail(const struct output *output, const char *doing)
{
	int code = errno;

	message_error("%s: %s: %s", output->path, doing, strerror(code));
	return -code;
}

static int make_temporary(struct output *output)
{
	char *copy = strdup(output->path);

	if (!copy || asprintf(&output->temporary, "%s/.%s.XXXXXX",
			      output->dir, basename(copy)) < 0) {
		free(copy);
		output->temporary = NULL;
		return fail(output, "cannot create it");
	}
	free(copy);

	output->fd = doomed_open(output->temporary, O_CLOEXEC);
	return output->fd < 0 ? fail(output, "cannot create it") : 0;
}

int output_open(struct output *output, const char *path, bool force)
{
	struct stat st;
	char *copy;

	memset(output, 0, sizeof(*output));
	output->path = path;
	output->force = force;
	output->fd = -1;
	if (!lstat(path, &st)) {
		errno = EEXIST;
		if (!force)
			return fail(output,
				    "not overwritten without --force");
		if (!S_ISREG(st.st_mode))
			return fail(output,
				    "not a regular file, not overwritten");
	}
	copy = strdup(path);
	if (copy)
		output->dir = strdup(dirname(copy));
	free(copy);
	if (!output->dir)
		return fail(output, "cannot create it");
	return make_temporary(output);
}

static int check_source(const char *path, const char *source, const char *done)
{
	struct stat to, from;

	if (stat(path, &to) || stat(source, &from) || !same_file(&to, &from))
		return 0;
	message_error("%s: not %s: it is made of %s, which is the same file",
		      path, done, source);
	return -EINVAL;
}

int output_check_source(const struct output *output, const char *source)
{
	return check_source(output->path, source, "overwritten");
}

int output_check_sources(const struct output *output, char *const *sources,
			 int count)
{
	int ret = 0, i;

	for (i = 0; !ret && i < count; i++)
		ret = output_check_source(output, sources[i]);
	return ret;
}

int output_check_in_place(const char *path, const char *source)
{
	return check_source(path, source, "changed");
}

/* Is the real path @path @above or below it? */
static bool lies_inside(const char *path, const char *above)
{
	size_t length = strlen(above);

	/* "/" is the only path that ends with a slash. */
	if (length == 1)
		length = 0;
	return !strncmp(path, above, length) &&
	       (path[length] == '/' || !path[length]);
}

int output_check_outside(const char *path, const char *dir,
			 const char *source)
{
	char *from = realpath(source, NULL);
	char *target = realpath(dir, NULL);
	char *behind = realpath(path, NULL);	/* if @path is a link */
	int ret = 0;

	if (from && ((target && lies_inside(target, from)) ||
		     (behind && lies_inside(behind, from)))) {
		message_error("%s: it would lie inside %s, of which it is to be made",
			      path, source);
		ret = -EINVAL;
	}
	free(from);
	free(target);
	free(behind);
	return ret;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int output_check_other(const struct output *output,
		       const struct output *other)
{
	struct stat a, b;

	if (strcmp(last_part(output->path), last_part(other->path)) ||
	    stat(output->dir, &a) || stat(other->dir, &b) ||
	    a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return 0;
	message_error("%s: two files cannot have that name: %s is the same",
		      output->path, other->path);
	return -EINVAL;
}

static int rename_to_path(const struct output *output)
{
	if (output->force)
		return rename(output->temporary, output->path);
	if (!renameat2(AT_FDCWD, output->temporary, AT_FDCWD, output->path,
		       RENAME_NOREPLACE))
		return 0;
	/* Not every filesystem knows the flag, nor every kernel the call. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link(output->temporary, output->path))
		return -1;
	unlink(output->temporary);
	return 0;
}

int output_commit(struct output *output)
{
	mode_t mask = umask(0);
	int dir;

	umask(mask);
	if (fchmod(output->fd, 0666 & ~mask) || fsync(output->fd))
		return fail(output, "cannot finish it");
	if (rename_to_path(output))
		return fail(output, "cannot give it its name");
	doomed_spare(output->temporary);
	free(output->temporary);
	output->temporary = NULL;

	/* Best effort: the file itself is on the disk. */
	dir = open(output->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	return 0;
}

void output_close(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
	if (output->temporary) {
		unlink(output->temporary);
		doomed_spare(output->temporary);
		free(output->temporary);
		output->temporary = NULL;
	}
	free(output->dir);
	output->dir = NULL;
}
