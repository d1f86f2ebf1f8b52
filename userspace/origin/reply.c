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
#include "origin/reply.h"

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

void reply_header(struct reply *reply, const char *line, size_t size)
{
	const char *end = line + size;

	if (size >= 5 && !strncmp(line, "HTTP/", 5))
		parse_status(reply, line, end);
	else if (!reply->received)	/* a trailer says nothing */
		parse_header(reply, line, end);
}

int reply_no_ranges(struct incr_error *error)
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
		return reply_no_ranges(error);
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

int reply_check_head(const struct reply *reply, struct incr_error *error)
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
