// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of origins on command lines and in files. Every user may read the command
 * line of a process, and URLs may hold passwords.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "origin/backend.h"
#include "origin/text.h"

#define HIDDEN	'*'
#define LIST_MAX	(1u << 20)	/* bytes */

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

const char *const access_names[ACCESS_OPTIONS] = {
#define NAME(which, name, argument, help)	[ACCESS_##which] = name,
	ACCESS_TABLE(NAME)
#undef NAME
	[ACCESS_ORIGINS] = "origins",
};

void access_free(struct origin_access *access)
{
	unsigned int i;

	for (i = 0; i < ACCESS_OPTIONS; i++) {
		free_secret(access->value[i]);
		access->value[i] = NULL;
	}
}

/* "--NAME VALUE": is that option of an access, and what is its value? */
static const char *option_value(const char *line, enum access_option which)
{
	size_t n = strlen(access_names[which]);

	return !strncmp(line, "--", 2) &&
	       !strncmp(line + 2, access_names[which], n) &&
	       line[2 + n] == ' ' && line[2 + n + 1] ? line + 2 + n + 1 : NULL;
}

/**
 * struct list - where the names of a list go
 * @nested: the list is named by another one, which is allowed once
 */
struct list {
	char **origins;
	unsigned int *count;
	unsigned int most;
	struct origin_access *access;
	bool nested;
};

static int read_list(const char *path, const struct list *list,
		     struct incr_error *error);

static int out_of_memory(struct incr_error *error)
{
	return incr_fail(error, -ENOMEM, "out of memory");
}

/* A line that begins with "--". */
static int take_option(const char *line, const char *path,
		       const struct list *list, struct incr_error *error)
{
	struct origin_access *access = list->access;
	struct list nested = *list;
	const char *value = NULL;
	unsigned int which;

	for (which = 0; !value && which < ACCESS_OPTIONS; which++)
		value = option_value(line, which);
	which--;
	if (!value || (which == ACCESS_ORIGINS && list->nested))
		return incr_fail(error, -EINVAL,
				 "%s: a line begins with \"--\" and is no option that may be there, with its value",
				 path);
	if (which == ACCESS_ORIGINS) {
		nested.nested = true;
		return read_list(value, &nested, error);
	}
	if (access->value[which])
		return 0;
	access->value[which] = strdup(value);
	return access->value[which] ? 0 : out_of_memory(error);
}

static int take_line(const char *line, const char *path,
		     const struct list *list, struct incr_error *error)
{
	switch (text_kind(line, strlen(line))) {
	case LINE_NOTHING:
		return 0;
	case LINE_OPTION:
		return take_option(line, path, list, error);
	case LINE_ORIGIN:
		break;
	}
	if (*list->count == list->most)
		return incr_fail(error, -EINVAL,
				 "%s: there may be %u origins at most", path,
				 list->most);
	list->origins[*list->count] = strdup(line);
	if (!list->origins[*list->count])
		return out_of_memory(error);
	(*list->count)++;
	return 0;
}

static int read_lines(FILE *file, const char *path, const struct list *list,
		      struct incr_error *error)
{
	char *text = malloc(LIST_MAX + 1), *line;
	const char *next;
	size_t size, n;
	int err = 0;

	if (!text)
		return out_of_memory(error);
	/* It may be a pipe, or a file without an end. */
	size = fread(text, 1, LIST_MAX + 1, file);
	if (ferror(file))
		err = incr_fail(error, -EIO, "%s: cannot be read", path);
	else if (size > LIST_MAX)
		err = incr_fail(error, -EFBIG,
				"%s: a list of origins has %u bytes at most",
				path, LIST_MAX);
	else if (memchr(text, 0, size))
		err = incr_fail(error, -EINVAL,
				"%s: it has a zero byte, so it is no list of origins",
				path);
	else
		text[size] = '\0';
	for (line = text; !err && *line; line = text + (next - text)) {
		n = text_line(line, &next);
		line[n] = '\0';
		err = take_line(line, path, list, error);
	}
	explicit_bzero(text, LIST_MAX + 1);
	free(text);
	return err;
}

/* The list can be read again: so it is when it changes. */
static int remember(const char *path, struct origin_access *access,
		    unsigned int first, unsigned int count,
		    struct incr_error *error)
{
	char *copy = strdup(path);

	if (!copy)
		return out_of_memory(error);
	free(access->value[ACCESS_ORIGINS]);
	access->value[ACCESS_ORIGINS] = copy;
	access->first = first;
	access->listed = count;
	return 0;
}

static int read_list(const char *path, const struct list *list,
		     struct incr_error *error)
{
	struct origin_access *access = list->access;
	unsigned int first = *list->count;
	FILE *file = fopen(path, "re");
	struct stat st;
	int err;

	if (!file)
		return incr_fail(error, -errno, "%s: %s", path,
				 strerror(errno));
	err = read_lines(file, path, list, error);
	if (!err && !access->listed && *list->count > first &&
	    !fstat(fileno(file), &st) && S_ISREG(st.st_mode))
		err = remember(path, access, first, *list->count - first,
			       error);
	fclose(file);
	return err;
}

int origin_read_list(const char *path, char **origins, unsigned int *count,
		     unsigned int most, struct origin_access *access,
		     struct incr_error *error)
{
	const struct list list = {
		.origins = origins, .count = count, .most = most,
		.access = access,
	};

	return read_list(path, &list, error);
}
