/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One reply of an HTTP server: what its status and headers say, and whether it is
 * exactly the range that was asked for.
 */
#ifndef ORIGIN_REPLY_H
#define ORIGIN_REPLY_H

#include "origin/origin.h"

#define TAG_MAX		128
#define DATE_MAX	40	/* the longest that is well-formed has 33 */

/**
 * struct mark - by which one version of a file is known (RFC 9110, 8.8)
 * @tag: ETag, with its quotes; "": none, or one that is too long to be kept
 * @modified: Last-Modified; "": none
 * @exact: no two versions that differ have that @modified: it is a minute older
 *	than the reply
 */
struct mark {
	char tag[TAG_MAX];
	char modified[DATE_MAX];
	bool exact;
};

/**
 * struct freshness - how long a reply holds, as its headers say
 * @no_store: it is not to be kept (Cache-Control: no-store or no-cache)
 * @max_age, @age: seconds; @has_max_age: the first was said
 * @expires, @date: seconds since 1970; @date is 0 if it is unknown
 */
struct freshness {
	bool no_store;
	bool has_max_age;
	bool has_expires;
	u64 max_age;
	u64 age;
	time_t expires;
	time_t date;
};

/**
 * struct reply - one reply as it arrives
 * @offset: where the range starts that was asked for
 * @length: its bytes
 * @less: fewer bytes will do, if the file ends there
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
 * @fresh: how long it holds
 * @mark: of the version that it is of
 * @expected: of the version that is wanted, NULL: of any
 * @asked_if: the range was asked for only if the file is of that version
 * @connection: that it comes over
 * @err: the fault of the reply, 0 if none so far; @why: the same in words
 */
struct reply {
	u64 offset;
	size_t length;
	bool less;
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
	struct freshness fresh;
	struct mark mark;
	const struct mark *expected;
	bool asked_if;
	struct origin_connection *connection;
	int err;
	struct incr_error why;
};

/* Take a line of the header, with its end, as it arrives. */
void reply_header(struct reply *reply, const char *line, size_t size);

/* Bytes that the body of a 200 or 206 without such a fault must have. */
size_t reply_expects(const struct reply *reply);

/*
 * The fault in the head of a 200 or 206, before any of its body is used. Return: 0
 * or as origin_read().
 */
int reply_check_head(const struct reply *reply, struct incr_error *error);

/*
 * The strong validator for If-Range (RFC 9110, 13.1.5), or NULL: a tag that is not
 * weak, or else a date that is exact.
 */
const char *mark_strong(const struct mark *mark);

/* The server said nothing by which the version could be known. */
bool mark_is_empty(const struct mark *mark);

/* Do they tell of two versions? Unknown is no. */
bool mark_differs(const struct mark *one, const struct mark *other);

/* What the status means for the range. Return: 0 for 200 and 206, or as origin_read(). */
int reply_check_status(const struct reply *reply, struct incr_error *error);

/* -EPROTO: all of the file is sent, or more than was asked for. */
int reply_no_ranges(struct incr_error *error);

#endif /* ORIGIN_REPLY_H */
