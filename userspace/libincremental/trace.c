// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Traces; see trace.h.
 */
#include <stdlib.h>
#include "libincremental/lines.h"
#include "libincremental/trace.h"

#define MAGIC		"dm-incremental trace 1"
#define SECOND		1000000u	/* in microseconds */
#define NONE		"-"

/* ---- reading ---- */

/* "SECONDS.MICROSECONDS" */
static bool take_time(const char **text, u64 *time)
{
	u64 seconds, part;
	const char *start;

	if (!incr_take_digits(text, &seconds) || **text != '.' ||
	    seconds > UINT32_MAX)
		return false;
	start = ++*text;
	if (!incr_take_digits(text, &part) || *text - start != 6)
		return false;
	*time = seconds * SECOND + part;
	return true;
}

static bool take_space(const char **text)
{
	if (**text != ' ')
		return false;
	(*text)++;
	return true;
}

/*
 * The next word, unescaped, on the heap. Return: 0; -EINVAL: there is none, or an
 * escape is malformed; -ENOMEM.
 */
static int take_text(const char **text, char **value)
{
	size_t length = strcspn(*text, " "), i;
	const char *from = *text;
	char *to;

	if (!length)
		return -EINVAL;
	*text += length;
	*value = to = malloc(length + 1);
	if (!to)
		return -ENOMEM;
	for (i = 0; i < length; i++) {
		int high, low;

		if (from[i] != '%') {
			*to++ = from[i];
			continue;
		}
		high = i + 2 < length ? incr_hex_digit(from[i + 1]) : -1;
		low = high < 0 ? -1 : incr_hex_digit(from[i + 2]);
		if (low < 0 || !(high | low)) {
			free(*value);
			*value = NULL;
			return -EINVAL;
		}
		*to++ = (char)(high << 4 | low);
		i += 2;
	}
	*to = '\0';
	return 0;
}

/* " AT PATH", or nothing. */
static int take_place(const char **text, struct incr_trace_read *read)
{
	static const char inode[] = "inode";
	char *path = NULL;
	int ret;

	if (!take_space(text))
		return **text ? -EINVAL : 0;
	if (!strncmp(*text, inode, strlen(inode))) {
		*text += strlen(inode);
		read->at = INCR_TRACE_INODE;
	} else if (!incr_take_digits(text, &read->at)) {
		return -EINVAL;
	}
	if (!take_space(text))
		return -EINVAL;
	ret = take_text(text, &path);
	read->path = path;
	return ret ? ret : **text || *path != '/' ? -EINVAL : 0;
}

static int take_read(const char *text, struct incr_trace_read *read)
{
	char *comm = NULL;
	u64 pid;
	int ret;

	if (!take_time(&text, &read->time) || !take_space(&text) ||
	    !incr_take_digits(&text, &read->block) || !take_space(&text) ||
	    !incr_take_digits(&text, &read->count) || !take_space(&text) ||
	    !incr_take_digits(&text, &pid) || pid > INT32_MAX ||
	    !take_space(&text))
		return -EINVAL;
	read->pid = (u32)pid;
	ret = take_text(&text, &comm);
	read->comm = comm;
	return ret ? ret : take_place(&text, read);
}

static int add_read(struct incr_trace *trace, size_t *room,
		    const struct inc_lines *lines, struct incr_error *error)
{
	struct incr_trace_read *read;
	int ret;

	if (trace->count == INCR_TRACE_READS_MAX)
		return incr_lines_wrong(lines, error,
					"a trace may not have so many reads");
	if (trace->count == *room) {
		size_t more = *room ? 2 * *room : 64;

		read = realloc(trace->reads, more * sizeof(*read));
		if (!read)
			return incr_fail(error, -ENOMEM, "out of memory");
		trace->reads = read;
		*room = more;
	}
	read = &trace->reads[trace->count++];
	memset(read, 0, sizeof(*read));
	ret = take_read(lines->line, read);
	if (ret == -ENOMEM)
		return incr_fail(error, ret, "out of memory");
	if (ret)
		return incr_lines_wrong(lines, error,
					"it is not \"SECONDS BLOCK COUNT PID COMMAND [AT PATH]\"");
	if (!read->count || read->block >= trace->blocks ||
	    read->count > trace->blocks - read->block)
		return incr_fail(error, -EINVAL,
				 "line %u: blocks %llu+%llu reach past the end of the device (%llu blocks)",
				 lines->number,
				 (unsigned long long)read->block,
				 (unsigned long long)read->count,
				 (unsigned long long)trace->blocks);
	return 0;
}

int incr_trace_parse(struct incr_trace *trace, const char *text, size_t length,
		     struct incr_error *error)
{
	struct inc_lines lines = { .at = text, .end = text + length };
	size_t room = 0;
	int ret;

	memset(trace, 0, sizeof(*trace));
	if (length > INCR_TRACE_TEXT_MAX)
		return incr_fail(error, -EINVAL,
				 "it is longer than %u bytes, which a trace may have",
				 INCR_TRACE_TEXT_MAX);
	ret = incr_lines_magic(&lines, MAGIC, "trace", error);
	if (!ret)
		ret = incr_lines_identity(&lines, &trace->of, error);
	if (!ret)
		ret = incr_lines_number(&lines, "blocks", INC_BLOCKS_MAX,
					&trace->blocks, error);
	while (!ret && (ret = incr_lines_next(&lines, error)) > 0)
		ret = add_read(trace, &room, &lines, error);
	if (ret)
		incr_trace_free(trace);
	return ret;
}

void incr_trace_free(struct incr_trace *trace)
{
	size_t i;

	for (i = 0; i < trace->count; i++) {
		free((char *)trace->reads[i].comm);
		free((char *)trace->reads[i].path);
	}
	free(trace->reads);
	memset(trace, 0, sizeof(*trace));
}

/* ---- writing ---- */

bool incr_trace_begin(FILE *file, const struct incr_identity *of, u64 blocks)
{
	char text[INCR_IDENTITY_TEXT_MAX];

	incr_identity_format(of, text);
	return fprintf(file, MAGIC "\n%sblocks %llu\n", text,
		       (unsigned long long)blocks) > 0;
}

/* A word: bytes that would end it, or a line, are escaped. */
static void write_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c == '%' || c == 0x7f)
			fprintf(file, "%%%02x", c);
		else
			putc(c, file);
	}
}

bool incr_trace_write(FILE *file, const struct incr_trace_read *read)
{
	fprintf(file, "%llu.%06llu %llu %llu %u ",
		(unsigned long long)(read->time / SECOND),
		(unsigned long long)(read->time % SECOND),
		(unsigned long long)read->block,
		(unsigned long long)read->count, read->pid);
	write_text(file, *read->comm ? read->comm : NONE);
	if (read->path) {
		if (read->at == INCR_TRACE_INODE)
			fputs(" inode ", file);
		else
			fprintf(file, " %llu ", (unsigned long long)read->at);
		write_text(file, read->path);
	}
	putc('\n', file);
	return !ferror(file);
}
