// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks that traces touch; see touches.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "io.h"
#include "lists/touches.h"
#include "mkimage.h"

int text_load(const char *path, size_t most, const char *what, char **text,
	      size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		message_error("%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || (u64)st.st_size > most) {
		message_error("%s: it is not a file of at most %zu bytes, so it is no %s",
			      path, most, what);
		ret = -EINVAL;
	} else {
		*length = (size_t)st.st_size;
		*text = malloc(*length + 1);
		ret = *text ? read_all(fd, 0, *text, *length, path) :
			      no_memory();
		if (ret)
			free(*text);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int trace_load(struct incr_trace *trace, const char *path)
{
	struct incr_error error;
	size_t length = 0;
	char *text = NULL;
	int ret = text_load(path, INCR_TRACE_TEXT_MAX, "trace", &text,
			    &length);

	if (ret)
		return ret;
	ret = incr_trace_parse(trace, text, length, &error);
	if (ret)
		message_error("%s: %s", path, error.text);
	free(text);
	return ret;
}

struct traced traced_of(const struct incr_image *image, const char *name)
{
	const struct inc_segment *seg = incr_image_segment(image);

	return (struct traced){
		.name = name, .root = seg->root_digest,
		.root_size = seg->digest_size, .blocks = seg->device_blocks,
	};
}

bool trace_is_of(const struct incr_trace *trace, const struct traced *traced,
		 struct incr_error *error)
{
	char root[2 * INC_DIGEST_MAX + 1], own[2 * INC_DIGEST_MAX + 1];

	if (trace->of.root_size == traced->root_size &&
	    !memcmp(trace->of.root, traced->root, traced->root_size) &&
	    trace->blocks == traced->blocks)
		return true;
	incr_hex_format(trace->of.root, trace->of.root_size, root);
	incr_hex_format(traced->root, traced->root_size, own);
	incr_fail(error, 0,
		  "it is of a device of %llu blocks with the root hash %.16s, not of %llu with %.16s",
		  (unsigned long long)trace->blocks, root,
		  (unsigned long long)traced->blocks, own);
	return false;
}

int touches_add_blocks(struct touches *touches, u64 time, u64 block, u64 count)
{
	if (touches->count == touches->room) {
		size_t room = touches->room ? 2 * touches->room : 1024;
		struct touch *more = realloc(touches->list,
					     room * sizeof(*more));

		if (!more)
			return no_memory();
		touches->list = more;
		touches->room = room;
	}
	touches->list[touches->count++] = (struct touch){
		.time = time, .block = block, .count = count,
	};
	return 0;
}

int touches_add(struct touches *touches, const struct incr_trace *trace)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < trace->count; i++)
		ret = touches_add_blocks(touches, trace->reads[i].time,
					 trace->reads[i].block,
					 trace->reads[i].count);
	return ret;
}

static int compare(const void *left, const void *right)
{
	const struct touch *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->block < b->block ? -1 : a->block > b->block;
}

void touches_sort(struct touches *touches)
{
	if (touches->count)
		qsort(touches->list, touches->count, sizeof(*touches->list),
		      compare);
}

void touches_free(struct touches *touches)
{
	free(touches->list);
	memset(touches, 0, sizeof(*touches));
}
