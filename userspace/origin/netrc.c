// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netrc(5), as curl reads it: words between white space; one in quotes may have a
 * backslash before any character; a line that begins with # is skipped.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "origin/netrc.h"
#include "origin/url.h"

#define WORD_MAX	4096

/* The next word, or false at the end. */
static bool next_word(const char **text, char word[WORD_MAX])
{
	const char *p = *text;
	bool start = true, quoted;
	size_t n = 0;

	for (;;) {
		p += strspn(p, " \t\r\n");
		start = p == *text ? start : p[-1] == '\n';
		if (*p != '#' || !start)
			break;
		p += strcspn(p, "\n");
	}
	if (!*p)
		return false;
	quoted = *p == '"';
	p += quoted;
	while (*p && (quoted ? *p != '"' : !strchr(" \t\r\n", *p))) {
		if (quoted && *p == '\\' && p[1])
			p++;
		if (n < WORD_MAX - 1)
			word[n++] = *p;
		p++;
	}
	p += quoted && *p;
	word[n] = '\0';
	*text = p;
	return true;
}

static void skip_macro(const char **text)
{
	const char *end = strstr(*text, "\n\n");

	*text = end ? end + 2 : *text + strlen(*text);
}

/**
 * struct entry - one entry as it is read
 * @wanted: it is of the host
 */
struct entry {
	bool wanted;
	char *login;
	char *password;
};

static void forget(struct entry *entry)
{
	free_secret(entry->login);
	free_secret(entry->password);
	*entry = (struct entry){ .wanted = false };
}

/* Is it what is looked for? An entry may name its user after its password. */
static bool fits(const struct entry *entry, const char *user)
{
	return entry->wanted && (!user || (entry->login &&
					   !strcmp(entry->login, user)));
}

static bool set(char **to, const char *word)
{
	free_secret(*to);
	*to = strdup(word);
	return *to;
}

bool netrc_find(const char *text, const char *host, const char *user,
		bool others, char **login, char **password)
{
	struct entry entry = { .wanted = false };
	char word[WORD_MAX];
	bool ok = true;

	while (ok && next_word(&text, word)) {
		bool machine = !strcmp(word, "machine");

		if (machine || !strcmp(word, "default")) {
			if (fits(&entry, user))
				break;
			forget(&entry);
			entry.wanted = machine ? next_word(&text, word) &&
						 !strcasecmp(word, host) : others;
		} else if (!strcmp(word, "login")) {
			ok = next_word(&text, word) && set(&entry.login, word);
		} else if (!strcmp(word, "password")) {
			ok = next_word(&text, word) &&
			     set(&entry.password, word);
		} else if (!strcmp(word, "macdef")) {
			skip_macro(&text);
		}
	}
	explicit_bzero(word, sizeof(word));
	if (!ok || !fits(&entry, user)) {
		forget(&entry);
		return false;
	}
	*login = entry.login;
	*password = entry.password;
	return true;
}

bool netrc_is_valid(const char *text)
{
	char word[WORD_MAX];
	bool ok = true;

	while (ok && next_word(&text, word)) {
		if (!strcmp(word, "macdef"))
			skip_macro(&text);
		else if (!strcmp(word, "machine") || !strcmp(word, "login") ||
			 !strcmp(word, "password") || !strcmp(word, "account"))
			ok = next_word(&text, word);
		else
			ok = !strcmp(word, "default");
	}
	explicit_bzero(word, sizeof(word));
	return ok;
}
