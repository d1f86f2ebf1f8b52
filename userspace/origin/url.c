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

bool url_same_site(const char *one, const char *other)
{
	static const CURLUPart parts[] = {
		CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT,
	};
	CURLU *a = curl_url(), *b = curl_url();
	bool same;
	size_t i;

	same = a && b && curl_url_set(a, CURLUPART_URL, one, 0) == CURLUE_OK &&
	       curl_url_set(b, CURLUPART_URL, other, 0) == CURLUE_OK;
	for (i = 0; same && i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *x = part(a, parts[i], CURLU_DEFAULT_PORT);
		char *y = part(b, parts[i], CURLU_DEFAULT_PORT);

		same = x && y && !strcasecmp(x, y);
		free(x);
		free(y);
	}
	curl_url_cleanup(a);
	curl_url_cleanup(b);
	return same;
}
