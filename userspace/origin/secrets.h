/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that say how origins are to be asked: passwords, headers, a client's
 * certificate and key, a list of origins. They hold secrets, and are read again when
 * they change.
 */
#ifndef ORIGIN_SECRETS_H
#define ORIGIN_SECRETS_H

#include <pthread.h>
#include <sys/stat.h>
#include <curl/curl.h>
#include "origin/origin.h"
#include "origin/url.h"

/**
 * struct secret - one such file
 * @text: its bytes, and a zero byte; NULL: there is none
 * @id: the file's, when they were read
 */
struct secret {
	char *text;
	size_t size;
	struct stat id;
};

/**
 * struct secrets - all of them
 * @lock: protects all that follows it
 * @looked_at: when they were last looked at, CLOCK_BOOTTIME seconds
 * @version: goes up when any of them has changed
 * @trouble: why the last change of one could not be used; "": it could
 */
struct secrets {
	const struct origin_access *access;
	pthread_mutex_t lock;
	struct secret file[ACCESS_FILES];
	u64 looked_at;
	unsigned int version;
	struct incr_error trouble;
};

/* See origin_load(), which calls it. Return: 0 or -errno. */
int secrets_load(struct origin_options *options,
		 const struct origin_access *access, struct incr_error *error);
void secrets_free(struct origin_options *options);

/**
 * secrets_refresh - read again what has changed
 * @now: at once; otherwise not more often than once a second
 *
 * What cannot be read or is malformed stays as it was. Return: the version.
 */
unsigned int secrets_refresh(struct secrets *secrets, bool now);

/* Why what has changed was not taken: into @error, after what it says. */
void secrets_explain(struct secrets *secrets, struct incr_error *error);

/*
 * User and password for @url, which is on the origin's own site if @own: the caller's
 * copies; NULL: none. Those in the origin's URL, @given, go before those of the file.
 */
int secrets_login(struct secrets *secrets, const struct url *given,
		  const char *url, bool own, char **user, char **password);

/* Append the headers for @url. Return: 0 or -ENOMEM. */
int secrets_headers(struct secrets *secrets, const char *url, bool own,
		    struct curl_slist **headers);

/* Give the connection the client's certificate and key, or take them from it. */
CURLcode secrets_certificate(struct secrets *secrets, CURL *curl, bool use);

/*
 * The URL in line @line of the list of origins, of which 1 is the first: the caller's
 * copy; NULL: the list has no such line, or not one of HTTP.
 */
char *secrets_url(struct secrets *secrets, unsigned int line);

#endif /* ORIGIN_SECRETS_H */
