// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a reply says; see reply.h.
 *
 * A reply is used only if its status and Content-Range say that it is exactly
 * the range asked for, and if exactly that many bytes follow. Status 200 is used
 * if it has no Content-Range and the whole file was asked for: a small file from
 * a server that does not serve ranges.
 */
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <curl/curl.h>
#include "origin/reply.h"

/* A file may change twice in a second, and two clocks differ. */
#define EXACT_SECONDS	60

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
	memset(&reply->fresh, 0, sizeof(reply->fresh));
	memset(&reply->mark, 0, sizeof(reply->mark));
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

/* A copy; "" if it is too long. */
static void take_text(char *text, size_t room, const char *value,
		      const char *end)
{
	size_t n = (size_t)(end - value);

	if (n >= room)
		n = 0;
	memcpy(text, value, n);
	text[n] = '\0';
}

/* Seconds since 1970; 0: malformed. */
static time_t take_date(const char *value, const char *end)
{
	char text[DATE_MAX];
	time_t date;

	take_text(text, sizeof(text), value, end);
	date = curl_getdate(text, NULL);
	return date > 0 ? date : 0;
}

/* One of Cache-Control's directives: [value, end). */
static void parse_directive(struct freshness *fresh, const char *value,
			    const char *end)
{
	static const char name[] = "max-age=";
	u64 seconds;

	while (value < end && strchr(" \t", *value))
		value++;
	while (value < end && strchr(" \t", end[-1]))
		end--;
	if (is_word(value, end, "no-store") || begins(value, end, "no-cache"))
		fresh->no_store = true;
	if (!begins(value, end, name))
		return;
	value += strlen(name);
	take_char(&value, end, '"');
	/* One that is malformed is none. */
	if (!take_number(&value, end, &seconds))
		seconds = 0;
	if (!fresh->has_max_age || seconds < fresh->max_age)
		fresh->max_age = seconds;
	fresh->has_max_age = true;
}

static void parse_cache_control(struct freshness *fresh, const char *value,
				const char *end)
{
	while (value < end) {
		const char *comma = memchr(value, ',', (size_t)(end - value));

		parse_directive(fresh, value, comma ? comma : end);
		value = comma ? comma + 1 : end;
	}
}

/* Headers that tell of the version, and of how long the reply holds. */
static void parse_more(struct reply *reply, const char *line, const char *end)
{
	struct freshness *fresh = &reply->fresh;
	const char *value;

	if ((value = header_value(line, &end, "ETag"))) {
		take_text(reply->mark.tag, sizeof(reply->mark.tag), value, end);
	} else if ((value = header_value(line, &end, "Last-Modified"))) {
		take_text(reply->mark.modified, sizeof(reply->mark.modified),
			  value, end);
	} else if ((value = header_value(line, &end, "Cache-Control"))) {
		parse_cache_control(fresh, value, end);
	} else if ((value = header_value(line, &end, "Expires"))) {
		fresh->has_expires = true;
		fresh->expires = take_date(value, end);
	} else if ((value = header_value(line, &end, "Date"))) {
		fresh->date = take_date(value, end);
	} else if ((value = header_value(line, &end, "Age"))) {
		if (!take_number(&value, end, &fresh->age))
			fresh->age = 0;
	}
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
	} else {
		parse_more(reply, line, end);
	}
}

/* All of the header is known. */
static void end_header(struct reply *reply)
{
	struct mark *mark = &reply->mark;
	time_t modified = take_date(mark->modified,
				    mark->modified + strlen(mark->modified));

	mark->exact = modified && reply->fresh.date >= modified + EXACT_SECONDS;
}

void reply_header(struct reply *reply, const char *line, size_t size)
{
	const char *end = line + size;

	if (size >= 5 && !strncmp(line, "HTTP/", 5))
		parse_status(reply, line, end);
	else if (size <= 2 && !reply->received)
		end_header(reply);
	else if (!reply->received)	/* a trailer says nothing */
		parse_header(reply, line, end);
}

int reply_no_ranges(struct incr_error *error)
{
	return incr_fail(error, -EPROTO,
			 "the server does not serve byte ranges");
}

const char *mark_strong(const struct mark *mark)
{
	if (mark->tag[0])
		return mark->tag[0] == '"' ? mark->tag : NULL;
	return mark->exact ? mark->modified : NULL;
}

bool mark_is_empty(const struct mark *mark)
{
	return !mark->tag[0] && !mark->modified[0];
}

bool mark_differs(const struct mark *one, const struct mark *other)
{
	if (one->tag[0] && other->tag[0])
		return strcmp(one->tag, other->tag);
	return one->modified[0] && other->modified[0] &&
	       strcmp(one->modified, other->modified);
}

/* Is it of another version than what is expected? */
static int check_version(const struct reply *reply, struct incr_error *error)
{
	const struct mark *expected = reply->expected;

	if (!expected)
		return 0;
	if (mark_differs(expected, &reply->mark))
		return incr_fail(error, -ESTALE,
				 "the server's file has changed: it has another ETag or date");
	/* All of the file is what it sends then. If it knows no ranges, that is told. */
	if (reply->status == 200 && reply->asked_if &&
	    mark_is_empty(&reply->mark))
		return incr_fail(error, -ESTALE,
				 "the server's file has changed: it sends all of it");
	return 0;
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
		return reply_no_ranges(error);
	if (reply->has_length && reply->body < reply->length && !reply->less)
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
		return reply->less ? 0 :
		       incr_fail(error, -ENOENT, "it holds %llu bytes only",
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

size_t reply_expects(const struct reply *reply)
{
	if (!reply->less)
		return reply->length;
	return reply->status == 206 ? (size_t)(reply->last - reply->first + 1) :
	       reply->received;
}

int reply_check_head(const struct reply *reply, struct incr_error *error)
{
	int err = check_version(reply, error);

	if (err)
		return err;
	if (reply->encoded)
		return incr_fail(error, -EPROTO,
				 "the server sends encoded content, which was not asked for");
	if (reply->transfer)
		return incr_fail(error, -EPROTO,
				 "the server sends a transfer encoding that was not asked for");
	return reply->status == 200 ? check_whole(reply, error) :
	       check_part(reply, error);
}

int reply_check_status(const struct reply *reply, struct incr_error *error)
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
