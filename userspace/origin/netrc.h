/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users and passwords of servers, in a text as of netrc(5). */
#ifndef ORIGIN_NETRC_H
#define ORIGIN_NETRC_H

#include <stdbool.h>

/**
 * netrc_find - the first entry for a host
 * @user: NULL: any
 * @others: an entry "default" is for this host, too
 * @login, @password: set to the caller's copies; NULL: the entry has none
 *
 * Return: false: there is none, or no memory.
 */
bool netrc_find(const char *text, const char *host, const char *user,
		bool others, char **login, char **password);

/* Is every word of it known? */
bool netrc_is_valid(const char *text);

#endif /* ORIGIN_NETRC_H */
