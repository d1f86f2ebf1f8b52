// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * URLs of HTTP origins; see url.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>
#include "origin/url.h"

void free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* A copy that free() takes; NULL: the URL has no such part. */
static char *part(CURLU *url, CURLUPart which, unsigned int flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, which, &text, flags) != CURLUE_OK)
		return NULL;
	copy = strdup(text);
	explicit_bzero(text, strlen(text));
	curl_free(text);
	return copy;
}

static void remove_parts(CURLU *url, const CURLUPart *parts, size_t count)
{
	while (count--)
		curl_url_set(url, parts[count], NULL, 0);
}

/* Without what tells secrets; a query, which may be one, is hinted at. */
static char *name_of(CURLU *url)
{
	static const CURLUPart hidden[] = { CURLUPART_QUERY, CURLUPART_FRAGMENT };
	char *query = part(url, CURLUPART_QUERY, 0);
	char *text, *name = NULL;

	remove_parts(url, hidden, 2);
	text = part(url, CURLUPART_URL, 0);
	if (text && asprintf(&name, "%s%s", text, query ? "?..." : "") < 0)
		name = NULL;
	free_secret(query);
	free(text);
	return name;
}

int url_parse(struct url *url, const char *where)
{
	static const CURLUPart login[] = {
		CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
	};
	CURLU *parsed = curl_url();
	int err = 0;

	memset(url, 0, sizeof(*url));
	if (!parsed)
		return -ENOMEM;
	if (curl_url_set(parsed, CURLUPART_URL, where, 0) != CURLUE_OK) {
		err = -EINVAL;
	} else {
		url->user = part(parsed, CURLUPART_USER, CURLU_URLDECODE);
		url->password = part(parsed, CURLUPART_PASSWORD,
				     CURLU_URLDECODE);
		remove_parts(parsed, login, 3);
		url->text = part(parsed, CURLUPART_URL, 0);
		url->name = name_of(parsed);
		if (!url->text || !url->name)
			err = -ENOMEM;
	}
	curl_url_cleanup(parsed);
	if (err)
		url_free(url);
	return err;
}

void url_free(struct url *url)
{
	free_secret(url->text);
	free_secret(url->user);
	free_secret(url->password);
	free(url->name);
	memset(url, 0, sizeof(*url));
}

static char *part_of(const char *text, CURLUPart which)
{
	CURLU *url = curl_url();
	char *result = NULL;

	if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
		result = part(url, which, CURLU_DEFAULT_PORT);
	curl_url_cleanup(url);
	return result;
}

char *url_host(const char *url)
{
	return part_of(url, CURLUPART_HOST);
}

char *url_port(const char *url)
{
	return part_of(url, CURLUPART_PORT);
}

bool url_same_site(const char *one, const char *other)
{
	static const CURLUPart parts[] = {
		CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT,
	};
	bool same = true;
	size_t i;

	/* Each range asks, and most are not redirected. */
	if (!strcmp(one, other))
		return true;
	for (i = 0; same && i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *a = part_of(one, parts[i]), *b = part_of(other, parts[i]);

		same = a && b && !strcasecmp(a, b);
		free(a);
		free(b);
	}
	return same;
}
