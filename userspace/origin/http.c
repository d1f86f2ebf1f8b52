// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HTTP(S) origins: byte ranges over connections that are kept, by libcurl.
 *
 * A reply is used only if its status and Content-Range say that it is exactly
 * the range asked for, and if exactly that many bytes follow. Status 200 is used
 * if it has no Content-Range and the whole file was asked for: a small file from
 * a server that does not serve ranges.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include "origin/backend.h"

/* Read so much of an error's body to keep the connection; drop it if there is more. */
#define ERROR_BODY_MAX		(64u << 10)
#define REDIRECTS_MAX		5L
/* A reply slower than this for the whole timeout has stalled. */
#define STALLED_BYTES_PER_S	512L
/* In a hurry, a read may take the timeout plus its time at this rate. */
#define SLOW_BYTES_PER_S	(32u << 10)
#define TLS_LEVEL		2	/* of OpenSSL: 112 bits */
#define RECEIVE_BUFFER		(256L << 10)

/**
 * struct reply - one reply as it arrives
 * @offset: where the range starts that was asked for
 * @length: its bytes
 * @buffer: room for them
 * @received: bytes of the body so far
 * @status: of the last header block, as redirects have one each
 * @ranges: Content-Range headers in it
 * @has_range: the last of them is well-formed
 * @range_text: its value, cut if long
 * @first, @last, @total: of it; @total is 0 if unknown
 * @ends_at: the origin's size, from a 416; @has_end: it was in there
 * @has_length, @body: Content-Length
 * @encoded: the body is compressed or otherwise not the bytes themselves
 * @transfer: it is sent in a transfer encoding that was not asked for
 * @parts: the body is of type multipart/byteranges
 * @err: the fault of the reply, 0 if none so far; @why: the same in words
 */
struct reply {
	u64 offset;
	size_t length;
	char *buffer;
	size_t received;
	long status;
	unsigned int ranges;
	bool has_range;
	char range_text[80];
	u64 first, last, total;
	bool has_end;
	u64 ends_at;
	bool has_length;
	u64 body;
	bool encoded;
	bool transfer;
	bool parts;
	int err;
	struct incr_error why;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Digits at *@p, which moves past them. */
static bool take_number(const char **p, const char *end, u64 *value)
{
	const char *start = *p;

	*value = 0;
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		if (*value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (u64)(**p - '0');
	}
	return *p > start;
}

static bool take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

/* "bytes FIRST-LAST/TOTAL", TOTAL may be "*"; with status 416 "bytes *\/TOTAL". */
static void parse_content_range(struct reply *reply, const char *p,
				const char *end)
{
	reply->ranges++;
	reply->has_range = false;
	snprintf(reply->range_text, sizeof(reply->range_text), "%.*s",
		 (int)(end - p < 70 ? end - p : 70), p);
	if (end - p < 6 || strncasecmp(p, "bytes ", 6))
		return;
	p += 6;
	if (reply->status == 416) {
		reply->has_end = take_char(&p, end, '*') &&
				 take_char(&p, end, '/') &&
				 take_number(&p, end, &reply->ends_at) &&
				 p == end;
		return;
	}
	if (!take_number(&p, end, &reply->first) || !take_char(&p, end, '-') ||
	    !take_number(&p, end, &reply->last) || !take_char(&p, end, '/'))
		return;
	reply->total = 0;
	if (!take_char(&p, end, '*') && !take_number(&p, end, &reply->total))
		return;
	if (p != end || reply->last < reply->first ||
	    (reply->total && reply->last >= reply->total))
		return;
	reply->has_range = true;
}

static void parse_status(struct reply *reply, const char *p, const char *end)
{
	u64 status;

	reply->status = 0;
	reply->ranges = 0;
	reply->has_range = false;
	reply->has_end = false;
	reply->has_length = false;
	reply->encoded = false;
	reply->transfer = false;
	reply->parts = false;
	while (p < end && *p != ' ')
		p++;
	if (take_char(&p, end, ' ') && take_number(&p, end, &status) &&
	    status < 1000)
		reply->status = (long)status;
}

static bool begins(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && !strncasecmp(p, word, n);
}

static bool is_word(const char *p, const char *end, const char *word)
{
	return (size_t)(end - p) == strlen(word) && begins(p, end, word);
}

/*
 * The value of header @name in [line, *end), or NULL. *@end loses its white
 * space, if it is that header.
 */
static const char *header_value(const char *line, const char **end,
				const char *name)
{
	size_t n = strlen(name);

	if ((size_t)(*end - line) <= n || strncasecmp(line, name, n) ||
	    line[n] != ':')
		return NULL;
	line += n + 1;
	while (line < *end && (*line == ' ' || *line == '\t'))
		line++;
	while (line < *end && strchr(" \t\r\n", (*end)[-1]))
		(*end)--;
	return line;
}

static void parse_header(struct reply *reply, const char *line,
			 const char *end)
{
	const char *value;

	if ((value = header_value(line, &end, "Content-Range"))) {
		parse_content_range(reply, value, end);
	} else if ((value = header_value(line, &end, "Content-Length"))) {
		reply->has_length = take_number(&value, end, &reply->body);
	} else if ((value = header_value(line, &end, "Content-Encoding"))) {
		if (!is_word(value, end, "identity"))
			reply->encoded = true;
	} else if ((value = header_value(line, &end, "Transfer-Encoding"))) {
		if (!is_word(value, end, "chunked") &&
		    !is_word(value, end, "identity"))
			reply->transfer = true;
	} else if ((value = header_value(line, &end, "Content-Type"))) {
		reply->parts = begins(value, end, "multipart/byteranges");
	}
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct reply *reply = context;
	const char *end = line + size * count;

	if (size * count >= 5 && !strncmp(line, "HTTP/", 5))
		parse_status(reply, line, end);
	else if (!reply->received)	/* a trailer says nothing */
		parse_header(reply, line, end);
	return size * count;
}

static int no_ranges(struct incr_error *error)
{
	return incr_fail(error, -EPROTO,
			 "the server does not serve byte ranges");
}

/* The head of a 200, or 0: no use is made of its ranges, if it has any. */
static int check_whole(const struct reply *reply, struct incr_error *error)
{
	if (reply->ranges)
		return incr_fail(error, -EPROTO,
				 "HTTP status 200 with a Content-Range (\"%s\"), which only status 206 may have",
				 reply->range_text);
	if (reply->offset ||
	    (reply->has_length && reply->body > reply->length))
		return no_ranges(error);
	if (reply->has_length && reply->body < reply->length)
		return incr_fail(error, -ENOENT, "it holds %llu bytes only",
				 (unsigned long long)reply->body);
	return 0;
}

/* The head of a 206, or 0. */
static int check_part(const struct reply *reply, struct incr_error *error)
{
	u64 last = reply->offset + reply->length - 1;

	if (reply->parts)
		return incr_fail(error, -EPROTO,
				 "the reply is in parts (multipart/byteranges), but one range was asked for");
	if (!reply->ranges)
		return incr_fail(error, -EPROTO,
				 "the reply has no valid Content-Range: HTTP status 206 without the header");
	if (reply->ranges > 1)
		return incr_fail(error, -EPROTO,
				 "the reply has no valid Content-Range: %u of them",
				 reply->ranges);
	if (!reply->has_range)
		return incr_fail(error, -EPROTO,
				 "the reply has no valid Content-Range: \"%s\"",
				 reply->range_text);
	/* That is how a server says that its file is shorter. */
	if (reply->first == reply->offset && reply->last < last &&
	    reply->total == reply->last + 1)
		return incr_fail(error, -ENOENT, "it holds %llu bytes only",
				 (unsigned long long)reply->total);
	if (reply->first != reply->offset || reply->last != last)
		return incr_fail(error, -EPROTO,
				 "the reply is of another range: bytes %llu to %llu, not %llu to %llu",
				 (unsigned long long)reply->first,
				 (unsigned long long)reply->last,
				 (unsigned long long)reply->offset,
				 (unsigned long long)last);
	if (reply->has_length && reply->body > reply->length)
		return incr_fail(error, -EPROTO,
				 "the reply is longer than it said: %llu bytes for a Content-Range of %zu",
				 (unsigned long long)reply->body,
				 reply->length);
	if (reply->has_length && reply->body < reply->length)
		return incr_fail(error, -EAGAIN,
				 "the reply was cut short: %llu bytes for a Content-Range of %zu",
				 (unsigned long long)reply->body,
				 reply->length);
	return 0;
}

/* The fault in the head of a 200 or 206, or 0. */
static int check_head(const struct reply *reply, struct incr_error *error)
{
	if (reply->encoded)
		return incr_fail(error, -EPROTO,
				 "the server sends encoded content, which was not asked for");
	if (reply->transfer)
		return incr_fail(error, -EPROTO,
				 "the server sends a transfer encoding that was not asked for");
	return reply->status == 200 ? check_whole(reply, error) :
	       check_part(reply, error);
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
		reply->err = check_head(reply, &reply->why);
	if (!reply->err && size > reply->length - reply->received)
		reply->err = reply->status == 200 ? no_ranges(&reply->why) :
			     incr_fail(&reply->why, -EPROTO,
				       "the reply is longer than it said");
	if (reply->err)
		return 0;
	memcpy(reply->buffer + reply->received, data, size);
	reply->received += size;
	return size;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now,
		       curl_off_t upload_total, curl_off_t upload_now)
{
	const struct origin *origin = context;

	(void)total, (void)now, (void)upload_total, (void)upload_now;
	return origin->options.stop && atomic_load(origin->options.stop);
}

/* The URL for messages: no user, password or query. NULL: not a URL. */
static char *display_url(CURLU *url)
{
	char *text = NULL, *query = NULL, *name;
	const char *more = "";

	if (curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK)
		more = "?...";
	curl_free(query);
	curl_url_set(url, CURLUPART_USER, NULL, 0);
	curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(url, CURLUPART_OPTIONS, NULL, 0);
	curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return NULL;
	name = malloc(strlen(text) + strlen(more) + 1);
	if (name)
		sprintf(name, "%s%s", text, more);
	curl_free(text);
	return name;
}

static int http_open(struct origin *origin, const char *where,
		     struct incr_error *error)
{
	CURLU *url;

	pthread_once(&curl_once, init_curl);
	if (curl_ready != CURLE_OK)
		return incr_fail(error, -ENOMEM, "libcurl cannot start: %s",
				 curl_easy_strerror(curl_ready));
	url = curl_url();
	if (!url)
		return incr_fail(error, -ENOMEM, "out of memory");
	if (curl_url_set(url, CURLUPART_URL, where, 0) == CURLUE_OK)
		origin->name = display_url(url);
	curl_url_cleanup(url);
	if (!origin->name)
		return incr_fail(error, -EINVAL,
				 "the origin's URL is malformed");
	origin->url = strdup(where);
	if (!origin->url)
		return incr_fail(error, -ENOMEM, "out of memory");
	return 0;
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
	bool secure = !strncasecmp(origin->url, "https:", 6);
	long timeout = (long)origin->options.timeout;
	CURL *curl = curl_easy_init();
	CURLcode c = CURLE_OK;

	if (!curl)
		return incr_fail(error, -ENOMEM, "out of memory");
#define SET(option, value) do {						\
		if (c == CURLE_OK)					\
			c = curl_easy_setopt(curl, option, value);	\
	} while (0)
	SET(CURLOPT_URL, origin->url);
	SET(CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, REDIRECTS_MAX);
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
	SET(CURLOPT_XFERINFODATA, (void *)(uintptr_t)origin);
	SET(CURLOPT_NOPROGRESS, 0L);
	if (secure)
		SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
	if (origin->options.ca) {
		struct curl_blob ca = {
			.data = origin->options.ca,
			.len = origin->options.ca_size,
			.flags = CURL_BLOB_NOCOPY,
		};

		SET(CURLOPT_CAINFO_BLOB, &ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (c != CURLE_OK) {
		curl_easy_cleanup(curl);
		return incr_fail(error, -EPROTO, "libcurl: %s",
				 curl_easy_strerror(c));
	}
	connection->handle = curl;
	return 0;
}

static void http_disconnect(struct origin_connection *connection)
{
	curl_easy_cleanup(connection->handle);
}

static int check_status(const struct reply *reply, struct incr_error *error)
{
	switch (reply->status) {
	case 200:
	case 206:
		return 0;
	case 416:
		if (reply->has_end)
			return incr_fail(error, -ENOENT,
					 "HTTP status 416: it holds %llu bytes only",
					 (unsigned long long)reply->ends_at);
		/* fall through */
	case 404:
	case 410:
		return incr_fail(error, -ENOENT, "HTTP status %ld",
				 reply->status);
	case 401:
	case 403:
	case 407:
		return incr_fail(error, -EACCES, "HTTP status %ld",
				 reply->status);
	}
	if (reply->status >= 500 || reply->status == 408 ||
	    reply->status == 425 || reply->status == 429)
		return incr_fail(error, -EAGAIN, "HTTP status %ld",
				 reply->status);
	if (reply->status >= 300 && reply->status < 400)
		return incr_fail(error, -EPROTO,
				 "HTTP status %ld, which names no place to get the bytes",
				 reply->status);
	if (reply->status > 200 && reply->status < 300)
		return incr_fail(error, -EPROTO,
				 "HTTP status %ld, which does not carry the range asked for",
				 reply->status);
	return incr_fail(error, -EPROTO, "HTTP status %ld", reply->status);
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
	case CURLE_TOO_MANY_REDIRECTS:
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
		reply->err = check_head(reply, &reply->why);
	if (reply->err) {
		*error = reply->why;
		return reply->err;
	}
	/* An error's status counts even if we did not want all of its body. */
	if (c == CURLE_OK || c == CURLE_WRITE_ERROR) {
		err = check_status(reply, error);
		if (err)
			return err;
	}
	if (c != CURLE_OK)
		return curl_failed(curl, c, details, error);
	if (reply->received != reply->length && reply->status == 200)
		return incr_fail(error, -ENOENT, "it holds %zu bytes only",
				 reply->received);
	if (reply->received != reply->length)
		return incr_fail(error, -EAGAIN, "the reply was cut short");
	return 0;
}

static int http_read(struct origin_connection *connection, u64 offset,
		     size_t length, void *buffer, struct incr_error *error)
{
	struct reply reply = {
		.offset = offset, .length = length, .buffer = buffer,
	};
	char details[CURL_ERROR_SIZE] = "";
	CURL *curl = connection->handle;
	char range[48];
	CURLcode c;
	int err;

	snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)offset,
		 (unsigned long long)(offset + length - 1));
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
			 deadline(connection, length));
	c = curl_easy_setopt(curl, CURLOPT_RANGE, range);
	if (c == CURLE_OK)
		c = curl_easy_perform(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);

	note_retry_after(connection);

	err = check_reply(curl, c, &reply, details, error);
	if (!err || err == -ENOENT)
		note_size(connection->origin, &reply);
	return err;
}

const char *origin_default_ca(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return info->age >= CURLVERSION_SEVENTH ? info->cainfo : NULL;
}

const struct origin_backend origin_http = {
	.open		= http_open,
	.connect	= http_connect,
	.disconnect	= http_disconnect,
	.read		= http_read,
	.remote		= true,
};
