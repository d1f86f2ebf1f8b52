// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read incrementaltab(5); see tab.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "common/printable.h"
#include "dmsetup-plugin/tab.h"

#define TAB_MAX		(1 << 20)	/* bytes of a table */
#define NAME_MOST	127		/* device-mapper's limit */

int tab_open(struct tab *tab, const char *path, struct incr_error *error)
{
	struct stat st;

	memset(tab, 0, sizeof(*tab));
	tab->path = path;
	tab->file = fopen(path, "re");
	if (!tab->file)
		return incr_fail(error, -errno, "%s: %s", printable_name(path),
				 strerror(errno));
	if (fstat(fileno(tab->file), &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > TAB_MAX)
		return incr_fail(error, -EBADMSG,
				 "%s is not a file of at most 1 MiB",
				 printable_name(path));
	return 0;
}

void tab_close(struct tab *tab)
{
	if (tab->file)
		fclose(tab->file);
	if (tab->text)
		explicit_bzero(tab->text, tab->room);
	free(tab->text);
	memset(tab, 0, sizeof(*tab));
}

static int wrong(const struct tab *tab, const char *why,
		 struct incr_error *error)
{
	return incr_fail(error, -EBADMSG, "%s, line %u: %s",
			 printable_name(tab->path), tab->number, why);
}

/* The next word; "-" stands for none. */
static const char *take_word(char **save)
{
	const char *word = strtok_r(NULL, " \t", save);

	return word && strcmp(word, "-") ? word : NULL;
}

static int take_line(struct tab *tab, struct tab_line *line,
		     struct incr_error *error)
{
	char *save = NULL;
	const char *at;

	line->name = strtok_r(tab->text, " \t", &save);
	line->local = take_word(&save);
	line->origin = take_word(&save);
	line->root = take_word(&save);
	line->options = take_word(&save);
	if (!line->options)
		line->options = "";
	if (strtok_r(NULL, " \t", &save))
		return wrong(tab, "there are more than five words", error);
	if (strchr(line->name, '/') || strlen(line->name) > NAME_MOST)
		return wrong(tab, "the first word cannot be a device's name",
			     error);
	for (at = line->name; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			return wrong(tab, "a device's name has a control character",
				     error);
	if (!line->local && !line->origin)
		return wrong(tab, "neither a local image nor an origin is given",
			     error);
	if (line->local && *line->local != '/')
		return wrong(tab, "the local image is not an absolute path",
			     error);
	return 1;
}

int tab_next(struct tab *tab, struct tab_line *line, struct incr_error *error)
{
	ssize_t n;

	while ((n = getline(&tab->text, &tab->room, tab->file)) >= 0) {
		tab->number++;
		if (strlen(tab->text) != (size_t)n)
			return wrong(tab, "it has a zero byte", error);
		tab->text[strcspn(tab->text, "\r\n")] = '\0';
		if (tab->text[strspn(tab->text, " \t")] &&
		    tab->text[strspn(tab->text, " \t")] != '#')
			return take_line(tab, line, error);
	}
	if (ferror(tab->file))
		return incr_fail(error, -EIO, "cannot read %s",
				 printable_name(tab->path));
	return 0;
}

bool tab_is_systemds(const char *option)
{
	return !strcmp(option, "auto") || !strcmp(option, "noauto") ||
	       !strcmp(option, "nofail") || !strcmp(option, "_netdev") ||
	       !strncasecmp(option, "x-", 2);
}

bool tab_is_remote(const char *origin)
{
	return origin && (!strncasecmp(origin, "http:", 5) ||
			  !strncasecmp(origin, "https:", 6));
}

const char *unit_escape(const char *name, char to[UNIT_NAME_MAX])
{
	static const char kept[] = ":_.abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = 0;
	const char *at;

	for (at = name; *at && n + 5 < UNIT_NAME_MAX; at++) {
		if (*at == '/')
			to[n++] = '-';
		else if (strchr(kept, *at) && (at != name || *at != '.'))
			to[n++] = *at;
		else
			n += (size_t)snprintf(to + n, UNIT_NAME_MAX - n,
					      "\\x%02x", (unsigned char)*at);
	}
	to[n] = '\0';
	return to;
}
