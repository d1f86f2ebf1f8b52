// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Start-up lists; see startup.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "libincremental/lines.h"
#include "libincremental/startup.h"

#define MAGIC		"dm-incremental startup 1"
/* Bytes of the lines before the ranges, and of a range's line. */
#define HEADER_ROOM	512u
#define RANGE_ROOM	44u

static int take_header(struct inc_lines *lines, struct incr_startup *list,
		       struct incr_error *error)
{
	u64 count = 0;
	int ret = incr_lines_magic(lines, MAGIC, "start-up list", error);

	if (!ret)
		ret = incr_lines_identity(lines, &list->made_for, error);
	if (!ret)
		ret = incr_lines_number(lines, "size", INC_IMAGE_SIZE_MAX,
					&list->size, error);
	if (!ret)
		ret = incr_lines_number(lines, "ranges",
					INCR_STARTUP_RANGES_MAX, &count, error);
	list->count = (size_t)count;
	return ret;
}

/* "OFFSET LENGTH": whole pages inside the image. */
static int take_range(struct inc_lines *lines, struct incr_startup *list,
		      struct incr_range *range, struct incr_error *error)
{
	const char *text = lines->line;
	int ret = incr_lines_next(lines, error);

	if (ret < 0)
		return ret;
	if (!ret)
		return incr_fail(error, -EINVAL,
				 "line %u: a range is missing: there are fewer than \"ranges\" says",
				 lines->number + 1);
	if (!incr_take_digits(&text, &range->offset) || *text++ != ' ' ||
	    !incr_take_digits(&text, &range->length) || *text)
		return incr_lines_wrong(lines, error, "it is not \"OFFSET LENGTH\"");
	if ((range->offset | range->length) % INC_PAGE_SIZE || !range->length)
		return incr_lines_wrong(lines, error,
				 "the range is not made of whole pages (4096 bytes)");
	if (range->offset > list->size ||
	    range->length > list->size - range->offset)
		return incr_fail(error, -EINVAL,
				 "line %u: bytes %llu+%llu reach past the end of the image (%llu bytes)",
				 lines->number,
				 (unsigned long long)range->offset,
				 (unsigned long long)range->length,
				 (unsigned long long)list->size);
	if (range->length > list->size - list->bytes)
		return incr_lines_wrong(lines, error,
				 "together the ranges are larger than the image");
	list->bytes += range->length;
	return 0;
}

static int take_ranges(struct inc_lines *lines, struct incr_startup *list,
		       struct incr_error *error)
{
	size_t i;
	int ret;

	for (i = 0; i < list->count; i++) {
		ret = take_range(lines, list, &list->ranges[i], error);
		if (ret)
			return ret;
	}
	ret = incr_lines_next(lines, error);
	return ret > 0 ? incr_lines_wrong(lines, error,
				   "it is one range more than \"ranges\" says") :
			 ret;
}

int incr_startup_parse(struct incr_startup *list, const char *text,
		       size_t length, struct incr_error *error)
{
	struct inc_lines lines = { .at = text, .end = text + length };
	int ret;

	memset(list, 0, sizeof(*list));
	if (length > INCR_STARTUP_TEXT_MAX)
		return incr_fail(error, -EINVAL,
				 "it is longer than %u bytes, which a start-up list may have",
				 INCR_STARTUP_TEXT_MAX);
	ret = take_header(&lines, list, error);
	if (ret)
		return ret;
	/* Each range takes some bytes of the text, so this is not much. */
	if (list->count > length)
		return incr_fail(error, -EINVAL,
				 "line %u: there is no room for %zu ranges",
				 lines.number, list->count);
	list->ranges = calloc(list->count + 1, sizeof(*list->ranges));
	if (!list->ranges)
		return incr_fail(error, -ENOMEM, "out of memory");
	ret = take_ranges(&lines, list, error);
	if (ret)
		incr_startup_free(list);
	return ret;
}

void incr_startup_free(struct incr_startup *list)
{
	free(list->ranges);
	memset(list, 0, sizeof(*list));
}

int incr_startup_check(const struct incr_startup *list,
		       const struct incr_image *image, struct incr_error *error)
{
	int ret = incr_identity_check(&list->made_for, image,
				      "the start-up list", error);
	u64 size;

	if (ret)
		return ret;
	size = incr_image_segment_at(image, list->made_for.generation)->end;
	if (list->size == size)
		return 0;
	return incr_fail(error, -EINVAL,
			 "the start-up list is of an image of %llu bytes, not %llu",
			 (unsigned long long)list->size,
			 (unsigned long long)size);
}

char *incr_startup_format(const struct incr_startup *list)
{
	size_t room = HEADER_ROOM + list->count * RANGE_ROOM, used, i;
	char *text = malloc(room), identity[INCR_IDENTITY_TEXT_MAX];

	if (!text)
		return NULL;
	incr_identity_format(&list->made_for, identity);
	used = (size_t)snprintf(text, room, MAGIC "\n%ssize %llu\nranges %zu\n",
				identity, (unsigned long long)list->size,
				list->count);
	for (i = 0; i < list->count; i++)
		used += (size_t)snprintf(text + used, room - used, "%llu %llu\n",
					 (unsigned long long)list->ranges[i].offset,
					 (unsigned long long)list->ranges[i].length);
	return text;
}
