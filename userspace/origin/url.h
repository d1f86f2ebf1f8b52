/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * URLs of HTTP origins: what is shown of them, and to whom a secret is sent.
 */
#ifndef ORIGIN_URL_H
#define ORIGIN_URL_H

#include <stdbool.h>

/**
 * struct url - an origin's URL, taken apart
 * @text: the URL without user and password
 * @name: for messages: without the query, too
 * @user, @password: decoded; NULL: none
 */
struct url {
	char *text;
	char *name;
	char *user;
	char *password;
};

/* Return: 0, -EINVAL if it is malformed, -ENOMEM. */
int url_parse(struct url *url, const char *where);
/* Passwords and queries are overwritten. */
void url_free(struct url *url);

/* Host and port of a URL that url_parse() takes: the caller's; NULL: no memory. */
char *url_host(const char *url);
char *url_port(const char *url);

/* Have both the same scheme, host and port, so that one's secrets are for the other? */
bool url_same_site(const char *one, const char *other);

/* Free a text that holds a secret, and leave nothing of it in memory. */
void free_secret(char *text);

#endif /* ORIGIN_URL_H */
