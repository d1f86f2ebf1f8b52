// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of origins on command lines and in files. Every user may read the command
 * line of a process, and URLs may hold passwords.
 */
#include <stdio.h>
#include <stdlib.h>
#include "origin/backend.h"

#define HIDDEN	'*'

/* The part before "@"; its length, 0 if there is none. */
static size_t find_user(const char *where, const char **user)
{
	size_t n = origin_scheme_length(where);

	if (!n)
		return 0;
	*user = where + n + 1;
	/* libcurl takes any number of them. */
	*user += strspn(*user, "/\\");
	n = strcspn(*user, "/?#");
	/* The last one: a password may have others. */
	while (n && (*user)[n] != '@')
		n--;
	return n;
}

static const char *find_query(const char *where)
{
	return origin_scheme_length(where) ? strpbrk(where, "?#") : NULL;
}

char *origin_take(char *argument)
{
	char *copy = strdup(argument);
	size_t n, start;
	const char *user, *query;

	if (!copy)
		return NULL;
	n = find_user(copy, &user);
	start = n ? (size_t)(user - copy) : 0;
	memset(argument + start, HIDDEN, n);
	query = find_query(copy);
	if (query) {
		start = (size_t)(query - copy) + 1;
		memset(argument + start, HIDDEN, strlen(argument + start));
	}
	return copy;
}

char *origin_beside(const char *where, const char *suffix)
{
	const char *query = find_query(where);
	size_t length = query ? (size_t)(query - where) : strlen(where);
	char *name = NULL;

	if (asprintf(&name, "%.*s%s%s", (int)length, where, suffix,
		     query ? query : "") < 0)
		return NULL;
	return name;
}

bool origin_means_the_same(const char *where)
{
	return *where == '/' || strstr(where, ":/");
}

bool origin_is_hidden(const char *where)
{
	const char *user, *query = find_query(where);

	return (find_user(where, &user) && *user == HIDDEN) ||
	       (query && query[1] == HIDDEN);
}

static int read_lines(FILE *file, const char *path, char **origins,
		      unsigned int *count, unsigned int most,
		      struct incr_error *error)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (*count == most)
			err = incr_fail(error, -EINVAL,
					"%s: there may be %u origins at most",
					path, most);
		else if (!(origins[*count] = strdup(line)))
			err = incr_fail(error, -ENOMEM, "out of memory");
		else
			(*count)++;
	}
	if (!err && ferror(file))
		err = incr_fail(error, -EIO, "%s: cannot be read", path);
	free(line);
	return err;
}

int origin_read_list(const char *path, char **origins, unsigned int *count,
		     unsigned int most, struct incr_error *error)
{
	FILE *file = fopen(path, "re");
	int err;

	if (!file)
		return incr_fail(error, -errno, "%s: %s", path,
				 strerror(errno));
	err = read_lines(file, path, origins, count, most, error);
	fclose(file);
	return err;
}
