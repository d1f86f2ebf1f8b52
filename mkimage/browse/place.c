// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a copy goes; see place.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "browse/place.h"
#include "common/message.h"
#include "mkimage.h"
#include "store/store.h"

/* An error of the system. Return: -errno. */
static int failed(const struct place *place, const char *doing)
{
	int code = errno;

	message_error("%s: %s: %s", place->path, doing, strerror(code));
	return -code;
}

/* Set @place->path: @to, or, if that is a directory, what @from is called in it. */
static int find_path(struct place *place, const char *from, const char *to)
{
	size_t length = strlen(from), start;
	struct stat st;

	if (stat(to, &st) || !S_ISDIR(st.st_mode)) {
		place->path = strdup(to);
		return place->path ? 0 : no_memory();
	}
	while (length && from[length - 1] == '/')
		length--;
	for (start = length; start && from[start - 1] != '/';)
		start--;
	length -= start;
	from += start;
	if (!length || (length <= 2 && !strncmp(from, "..", length))) {
		message_error("%s: it is a directory, and the copy would have no name in it: give it one",
			      to);
		return -EISDIR;
	}
	if (asprintf(&place->path, "%s/%.*s", to, (int)length, from) < 0) {
		place->path = NULL;
		return no_memory();
	}
	return 0;
}

/* May the copy have that name? */
static int check_path(const struct place *place, const struct store *store,
		      bool directory, bool force)
{
	struct stat st;

	if (lstat(place->path, &st))
		return 0;
	errno = EEXIST;
	if (!force)
		return failed(place, "not overwritten without --force");
	if (!S_ISREG(st.st_mode) || directory)
		return failed(place, directory ?
			      "a directory does not take the place of a file" :
			      "not a regular file, not overwritten");
	if (!store_is_file(store, &st))
		return 0;
	message_error("%s: not overwritten: it is the image that the copy is made of",
		      place->path);
	return -EINVAL;
}

static int make_temporary(struct place *place)
{
	char *copy = strdup(place->path), *end;
	int ret = 0;

	if (!copy)
		return no_memory();
	/* A directory may be named with slashes at its end. */
	end = copy + strlen(copy);
	while (end > copy + 1 && end[-1] == '/')
		*--end = '\0';
	place->path[end - copy] = '\0';
	place->name = strrchr(place->path, '/');
	place->name = place->name ? place->name + 1 : place->path;
	if (asprintf(&place->temporary, "%s/.%.200s.XXXXXX", dirname(copy),
		     place->name) < 0) {
		place->temporary = NULL;
		ret = no_memory();
	} else if (!*place->name || !mkdtemp(place->temporary)) {
		ret = failed(place, "cannot create it");
		free(place->temporary);
		place->temporary = NULL;
	}
	free(copy);
	return ret;
}

int place_open(struct place *place, const char *from, const char *to,
	       const struct store *store, bool directory, bool force)
{
	int ret = find_path(place, from, to);

	if (!ret)
		ret = check_path(place, store, directory, force);
	if (!ret)
		ret = make_temporary(place);
	if (ret)
		return ret;
	place->dir = open(place->temporary, O_RDONLY | O_DIRECTORY |
			  O_NOFOLLOW | O_CLOEXEC);
	return place->dir < 0 ? failed(place, "cannot create it") : 0;
}

static int move(const struct place *place, bool force)
{
	struct stat st;

	if (force)
		return renameat(place->dir, place->name, AT_FDCWD, place->path);
	if (!renameat2(place->dir, place->name, AT_FDCWD, place->path,
		       RENAME_NOREPLACE))
		return 0;
	/* Not every filesystem knows the flag, nor every kernel the call. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	errno = EEXIST;
	return lstat(place->path, &st) ?
	       renameat(place->dir, place->name, AT_FDCWD, place->path) : -1;
}

int place_commit(struct place *place, bool force)
{
	struct stat st;

	/* What could not be made was left out. */
	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW))
		return -ENOENT;
	return move(place, force) ? failed(place, "cannot give it its name") : 0;
}

/* Remove all that is in the directory @dir, which is closed. */
static void clear(int dir)
{
	DIR *stream = fdopendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		int below;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(dir, entry->d_name, 0))
			continue;
		/* A finished directory may forbid it. */
		fchmodat(dir, entry->d_name, 0700, 0);
		below = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY |
			       O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			clear(below);
		unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
	if (stream)
		closedir(stream);
	else
		close(dir);
}

void place_close(struct place *place)
{
	if (place->dir >= 0)
		clear(place->dir);
	if (place->temporary)
		rmdir(place->temporary);
	free(place->temporary);
	free(place->path);
	*place = (struct place){ .dir = -1 };
}
