// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP(S) origins: byte ranges over connections that are kept, by libcurl. reply.c
 * says which replies are used.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include "origin/backend.h"
#include "origin/redirect.h"
#include "origin/reply.h"
#include "origin/secrets.h"
#include "origin/url.h"

/* Read so much of an error's body to keep the connection; drop it if there is more. */
#define ERROR_BODY_MAX		(64u << 10)
#define REDIRECTS_MAX		5u
/* A reply slower than this for the whole timeout has stalled. */
#define STALLED_BYTES_PER_S	512L
/* In a hurry, a read may take the timeout plus its time at this rate. */
#define SLOW_BYTES_PER_S	(32u << 10)
#define TLS_LEVEL		2	/* of OpenSSL: 112 bits */
/* Nanoseconds; see note_flow(). */
#define PAUSE_MIN		4000000u
#define RECEIVE_BUFFER		(256L << 10)

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	reply_header(context, line, size * count);
	return size * count;
}

/* The link's rate is seen while bytes come, but not when the server waits for a round trip. */
static void note_flow(struct origin_connection *connection, size_t size)
{
	u64 pause = connection->delay / 2;

	origin_flow(connection->origin, size, pause > PAUSE_MIN ? pause : PAUSE_MIN);
}

static void note_delay(struct origin_connection *connection)
{
	curl_off_t sent = 0, first = 0;

	curl_easy_getinfo(connection->handle, CURLINFO_PRETRANSFER_TIME_T, &sent);
	curl_easy_getinfo(connection->handle, CURLINFO_STARTTRANSFER_TIME_T,
			  &first);
	connection->delay = first > sent ? (u64)(first - sent) * 1000 : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct reply *reply = context;

	size *= count;
	if (reply->status != 200 && reply->status != 206) {
		reply->received += size;
		return reply->received > ERROR_BODY_MAX ? 0 : size;
	}
	if (!reply->received && !reply->err)
		reply->err = reply_check_head(reply, &reply->why);
	if (!reply->err && size > reply->length - reply->received)
		reply->err = reply->status == 200 ? reply_no_ranges(&reply->why) :
			     incr_fail(&reply->why, -EPROTO,
				       "the reply is longer than it said");
	if (reply->err)
		return 0;
	if (!reply->received)
		note_delay(reply->connection);
	memcpy(reply->buffer + reply->received, data, size);
	reply->received += size;
	note_flow(reply->connection, size);
	window_keep(&reply->connection->window);
	if (reply->connection->arrived)
		reply->connection->arrived(reply->connection->watcher,
					   reply->received);
	return size;
}

/* libcurl calls it at least each second. */
static int on_progress(void *context, curl_off_t total, curl_off_t now,
		       curl_off_t upload_total, curl_off_t upload_now)
{
	struct origin_connection *connection = context;
	const struct origin *origin = connection->origin;
	struct timespec time;

	(void)total, (void)now, (void)upload_total, (void)upload_now;
	clock_gettime(CLOCK_MONOTONIC, &time);
	window_wait(&connection->window, (u64)time.tv_sec * 1000 +
					 (u64)time.tv_nsec / 1000000);
	return origin->options.stop && atomic_load(origin->options.stop);
}

static int http_open(struct origin *origin, const char *where,
		     struct incr_error *error)
{
	struct url url;
	int err;

	pthread_once(&curl_once, init_curl);
	if (curl_ready != CURLE_OK)
		return incr_fail(error, -ENOMEM, "libcurl cannot start: %s",
				 curl_easy_strerror(curl_ready));
	err = url_parse(&url, where);
	if (err)
		return incr_fail(error, err, err == -ENOMEM ? "out of memory" :
				 "the origin's URL is malformed");
	origin->name = strdup(url.name);
	origin->where = strdup(where);
	url_free(&url);
	return origin->name && origin->where ? 0 :
	       incr_fail(error, -ENOMEM, "out of memory");
}

static void http_close(struct origin *origin)
{
	free_secret(origin->where);
}

/*
 * No certificate signed over MD5 or SHA-1, no RSA key below 2048 bits, as in
 * chains of signatures. The system's configuration may ask for more.
 */
static CURLcode on_tls(CURL *curl, void *context, void *ignored)
{
	(void)curl, (void)ignored;
	if (SSL_CTX_get_security_level(context) < TLS_LEVEL)
		SSL_CTX_set_security_level(context, TLS_LEVEL);
	return CURLE_OK;
}

static int http_connect(struct origin_connection *connection,
			struct incr_error *error)
{
	const struct origin *origin = connection->origin;
	long timeout = (long)origin->options.timeout;
	CURL *curl = curl_easy_init();
	CURLSH *share = curl_share_init();
	CURLcode c = CURLE_OK;

	/* No locks: one thread uses it. */
	if (!curl || !share ||
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) ||
	    curl_share_setopt(share, CURLSHOPT_SHARE,
			      CURL_LOCK_DATA_SSL_SESSION)) {
		curl_easy_cleanup(curl);
		curl_share_cleanup(share);
		return incr_fail(error, -ENOMEM, "out of memory");
	}
#define SET(option, value) do {						\
		if (c == CURLE_OK)					\
			c = curl_easy_setopt(curl, option, value);	\
	} while (0)
	/* We follow redirects ourselves: they are kept, and secrets are not sent on. */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SHARE, share);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "dm-incremental/" INC_VERSION_STRING);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(CURLOPT_CONNECTTIMEOUT, timeout);
	SET(CURLOPT_LOW_SPEED_TIME, timeout);
	SET(CURLOPT_LOW_SPEED_LIMIT, STALLED_BYTES_PER_S);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, connection);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
	if (c == CURLE_OK)
		c = window_watch(&connection->window, curl);
	if (origin->options.ca) {
		struct curl_blob ca = {
			.data = origin->options.ca,
			.len = origin->options.ca_size,
			.flags = CURL_BLOB_NOCOPY,
		};

		SET(CURLOPT_CAINFO_BLOB, &ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (origin->options.proxy)
		SET(CURLOPT_PROXY, origin->options.proxy);
	/* Without it a key that is encrypted would be asked for at the terminal. */
	SET(CURLOPT_KEYPASSWD, "");
	if (c == CURLE_OK && url_parse(&connection->url, origin->where))
		c = CURLE_OUT_OF_MEMORY;
	if (c != CURLE_OK) {
		curl_easy_cleanup(curl);
		curl_share_cleanup(share);
		return incr_fail(error, -EPROTO, "libcurl: %s",
				 curl_easy_strerror(c));
	}
	connection->handle = curl;
	connection->share = share;
	connection->version = NO_VERSION;
	return 0;
}

static void http_disconnect(struct origin_connection *connection)
{
	curl_easy_cleanup(connection->handle);
	curl_share_cleanup(connection->share);
	url_free(&connection->url);
}

/* The meaning of libcurl's failure; curl's own words where they say enough. */
static int curl_failed(CURL *curl, CURLcode c, const char *details,
		       struct incr_error *error)
{
	curl_off_t first_byte = 0;
	int err = -EAGAIN;

	switch (c) {
	case CURLE_ABORTED_BY_CALLBACK:
		return incr_fail(error, -ECANCELED, "stopped");
	case CURLE_OUT_OF_MEMORY:
		/* Within a reply, libcurl reports a header that is too long so. */
		curl_easy_getinfo(curl, CURLINFO_STARTTRANSFER_TIME_T,
				  &first_byte);
		if (first_byte)
			return incr_fail(error, -EPROTO,
					 "the reply's header is too long");
		return incr_fail(error, -ENOMEM, "out of memory");
	case CURLE_PARTIAL_FILE:
		return incr_fail(error, -EAGAIN, "the reply was cut short");
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		err = -EHOSTUNREACH;
		break;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
		err = -EPROTO;
		break;
	default:
		break;
	}
	return incr_fail(error, err, "%s",
			 *details ? details : curl_easy_strerror(c));
}

/* Milliseconds that a read may take in all; 0: no limit. */
static long deadline(const struct origin_connection *connection, size_t length)
{
	if (!connection->hurry)
		return 0;
	return (long)(connection->origin->options.timeout * 1000ul +
		      length * 1000ul / SLOW_BYTES_PER_S);
}

/* The length of the origin's file, if a reply of use gives it. */
static void note_size(struct origin *origin, const struct reply *reply)
{
	u64 size = reply->status == 200 ? reply->received :
		   reply->status == 206 ? reply->total :
		   reply->has_end ? reply->ends_at : 0;

	if (size)
		atomic_store(&origin->size, size);
}

static void note_retry_after(struct origin_connection *connection)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(connection->handle, CURLINFO_RETRY_AFTER, &seconds);
	connection->retry_after = seconds < 0 ? 0 :
				  seconds > ORIGIN_RETRY_AFTER_MAX ?
				  ORIGIN_RETRY_AFTER_MAX : (unsigned int)seconds;
}

/* The result of a request that has ended with @c. */
static int check_reply(CURL *curl, CURLcode c, struct reply *reply,
		       const char *details, struct incr_error *error)
{
	int err;

	if (!reply->err && !reply->received &&
	    (c == CURLE_OK || c == CURLE_BAD_CONTENT_ENCODING) &&
	    (reply->status == 200 || reply->status == 206))
		reply->err = reply_check_head(reply, &reply->why);
	if (reply->err) {
		*error = reply->why;
		return reply->err;
	}
	/* An error's status counts even if we did not want all of its body. */
	if (c == CURLE_OK || c == CURLE_WRITE_ERROR) {
		err = reply_check_status(reply, error);
		if (err)
			return err;
	}
	if (c != CURLE_OK)
		return curl_failed(curl, c, details, error);
	if (reply->received != reply_expects(reply) && reply->status == 200)
		return incr_fail(error, -ENOENT, "it holds %zu bytes only",
				 reply->received);
	if (reply->received != reply_expects(reply))
		return incr_fail(error, -EAGAIN, "the reply was cut short");
	return 0;
}

/* User, password and certificate; those of the origin for its own site alone. */
static CURLcode set_login(struct origin_connection *connection, const char *url,
			  bool own)
{
	struct secrets *secrets = connection->origin->options.secrets;
	CURL *curl = connection->handle;
	char *user, *password;
	CURLcode c = CURLE_OK;

	if (secrets_login(secrets, &connection->url, url, own, &user, &password))
		c = CURLE_OUT_OF_MEMORY;
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_USERNAME, user);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
	free_secret(user);
	free_secret(password);
	if (c == CURLE_OK && secrets)
		c = secrets_certificate(secrets, curl, own);
	return c;
}

static bool append(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more)
		*list = more;
	return more;
}

/* libcurl frees them without a thought for what they hold. */
static void free_headers(struct curl_slist *headers)
{
	struct curl_slist *header;

	for (header = headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

/* Those of the file of headers; and the range only if the file is as expected. */
static CURLcode set_headers(struct origin_connection *connection,
			    const char *url, bool own, struct reply *reply,
			    struct curl_slist **headers)
{
	const char *strong = reply->expected ? mark_strong(reply->expected) :
					       NULL;
	char line[TAG_MAX + 16];

	reply->asked_if = strong;
	snprintf(line, sizeof(line), "If-Range: %s", strong ? strong : "");
	if (secrets_headers(connection->origin->options.secrets, url, own,
			    headers) ||
	    (strong && !append(headers, line)))
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_setopt(connection->handle, CURLOPT_HTTPHEADER,
				*headers);
}

/*
 * A handle that has seen no reply. Before 8.0 libcurl adds a header that begins with a space to
 * the last one of the reply before, which it has freed. The connections stay.
 */
static CURLcode renew_handle(struct origin_connection *connection)
{
	CURL *fresh = curl_easy_duphandle(connection->handle);
	CURLcode c;

	if (!fresh)
		return CURLE_OUT_OF_MEMORY;
	c = curl_easy_setopt(fresh, CURLOPT_SHARE, connection->share);
	if (c != CURLE_OK) {
		curl_easy_cleanup(fresh);
		return c;
	}
	curl_easy_cleanup(connection->handle);
	connection->handle = fresh;
	return CURLE_OK;
}

/* One request of @url, whose reply may be a redirect. */
static int request(struct origin_connection *connection, const char *url,
		   struct reply *reply, struct incr_error *error)
{
	bool own = url_same_site(connection->url.text, url);
	struct curl_slist *headers = NULL;
	char details[CURL_ERROR_SIZE] = "";
	CURLcode c = renew_handle(connection);
	CURL *curl = connection->handle;
	char range[48];
	int err;

	snprintf(range, sizeof(range), "%llu-%llu",
		 (unsigned long long)reply->offset,
		 (unsigned long long)(reply->offset + reply->length - 1));
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
			 deadline(connection, reply->length));
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_URL, url);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_RANGE, range);
	if (c == CURLE_OK)
		c = set_login(connection, url, own);
	if (c == CURLE_OK)
		c = set_headers(connection, url, own, reply, &headers);
	if (c == CURLE_OK)
		c = curl_easy_perform(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
	free_headers(headers);
	err = check_reply(curl, c, reply, details, error);
	note_retry_after(connection);
	note_delay(connection);
	return err;
}

/* Where the last reply redirects to: the caller's; NULL: nowhere. */
static char *next_url(CURL *curl, const struct reply *reply)
{
	const char *next = NULL;

	if (reply->status < 300 || reply->status >= 400)
		return NULL;
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
	return next ? strdup(next) : NULL;
}

/*
 * Ask @url, and wherever that redirects to. @url is the caller's copy, and is
 * freed.
 */
static int follow(struct origin_connection *connection, char *url,
		  struct reply *reply, struct incr_error *error)
{
	struct origin *origin = connection->origin;
	const struct reply blank = *reply;
	u64 seconds = REDIRECT_FOR_GOOD, now = redirect_clock(), holds;
	unsigned int redirects = 0;
	char *next;
	int err;

	for (;;) {
		*reply = blank;
		err = request(connection, url, reply, error);
		next = err ? next_url(connection->handle, reply) : NULL;
		if (!next)
			break;
		err = redirect_check(url, next, error);
		if (!err && ++redirects > REDIRECTS_MAX)
			err = incr_fail(error, -EPROTO,
					"more than %u redirects lead to each other",
					REDIRECTS_MAX);
		free_secret(url);
		url = next;
		if (err)
			break;
		holds = redirect_seconds(reply, time(NULL));
		if (holds < seconds)
			seconds = holds;
	}
	if (!err && redirects)
		redirect_keep(&origin->redirect, url, now, seconds);
	free_secret(url);
	return err;
}

/* Is that the end of a place that the origin has redirected to? */
static bool place_is_gone(const struct reply *reply, int err)
{
	return err == -EHOSTUNREACH || reply->status == 401 ||
	       reply->status == 403 || reply->status == 404 ||
	       reply->status == 410;
}

/* From where the origin has redirected to, or from the origin itself. */
static int read_anywhere(struct origin_connection *connection,
			 struct reply *reply, struct incr_error *error)
{
	struct origin *origin = connection->origin;
	const struct reply blank = *reply;
	unsigned int version;
	char *url, *own;
	int err;

	err = redirect_get(&origin->redirect, redirect_clock(), &url, &version);
	if (err)
		return incr_fail(error, err, "out of memory");
	if (url) {
		err = follow(connection, url, reply, error);
		if (!err || err == -ECANCELED)
			return err;
		/* If it is not the place, asking the origin costs little. */
		if (err != -ESTALE)
			redirect_forget(&origin->redirect, version);
		if (!place_is_gone(reply, err))
			return err;
		*reply = blank;
	}
	own = strdup(connection->url.text);
	if (!own)
		return incr_fail(error, -ENOMEM, "out of memory");
	return follow(connection, own, reply, error);
}

/*
 * The list of origins may have another URL by now, with another signature. One that
 * was of https stays so.
 */
static int take_url(struct origin_connection *connection)
{
	struct origin *origin = connection->origin;
	char *text = secrets_url(origin->options.secrets, origin->options.line);
	struct incr_error ignored;
	unsigned int version;
	struct url url;
	char *place;
	int err;

	if (!text || redirect_check(connection->url.text, text, &ignored)) {
		free_secret(text);
		return 0;
	}
	err = url_parse(&url, text);
	free_secret(text);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (strcmp(url.text, connection->url.text) &&
	    !redirect_get(&origin->redirect, redirect_clock(), &place,
			  &version)) {
		redirect_forget(&origin->redirect, version);
		free_secret(place);
	}
	url_free(&connection->url);
	connection->url = url;
	return 0;
}

/* Use what files of secrets have now. Return: 1 if that has changed, 0, -ENOMEM. */
static int take_secrets(struct origin_connection *connection, bool now)
{
	struct secrets *secrets = connection->origin->options.secrets;
	unsigned int version;

	if (!secrets)
		return 0;
	version = secrets_refresh(secrets, now);
	if (version == connection->version)
		return 0;
	connection->version = version;
	return connection->origin->options.line && take_url(connection) ?
	       -ENOMEM : 1;
}

static int http_read(struct origin_connection *connection, u64 offset,
		     size_t length, void *buffer, struct incr_error *error)
{
	struct mark expected;
	const struct reply blank = {
		.offset = offset, .length = length, .buffer = buffer,
		.expected = origin_mark(connection->origin, &expected) ?
			    &expected : NULL,
		.connection = connection,
	};
	struct reply reply = blank;
	int err, changed;

	if (take_secrets(connection, false) < 0)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = read_anywhere(connection, &reply, error);
	if (err == -EACCES && connection->origin->options.secrets) {
		changed = take_secrets(connection, true);
		reply = changed > 0 ? blank : reply;
		if (changed > 0)
			err = read_anywhere(connection, &reply, error);
		if (err == -EACCES)
			secrets_explain(connection->origin->options.secrets,
					error);
	}
	connection->mark = reply.mark;
	if (err == -ESTALE)
		origin_changed(connection->origin, &expected);
	if (!err || err == -ENOENT)
		note_size(connection->origin, &reply);
	return err;
}

static int http_get(struct origin_connection *connection, void *buffer,
		    size_t most, size_t *length, struct incr_error *error)
{
	struct reply reply = {
		.length = most, .less = true, .buffer = buffer,
		.connection = connection,
	};
	int err = read_anywhere(connection, &reply, error);

	*length = reply.received;
	if (!err && reply.status == 206 && reply.total > reply.last + 1)
		err = incr_fail(error, -EFBIG, "it has more than %zu bytes",
				most);
	return err;
}

const char *origin_default_ca(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return info->age >= CURLVERSION_SEVENTH ? info->cainfo : NULL;
}

const struct origin_backend origin_http = {
	.open		= http_open,
	.close		= http_close,
	.connect	= http_connect,
	.disconnect	= http_disconnect,
	.read		= http_read,
	.get		= http_get,
	.remote		= true,
};
