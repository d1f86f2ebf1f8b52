// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: start-up lists, which anybody may have written. What is taken is
 * within its bounds, and is read the same when it is written again.
 */
#include "fuzz/fuzz.h"
#include "libincremental/startup.h"

static void check(const struct incr_startup *list)
{
	u64 bytes = 0;
	size_t i;

	MUST(list->size <= INC_IMAGE_SIZE_MAX);
	MUST(list->count <= INCR_STARTUP_RANGES_MAX);
	MUST(list->made_for.generation < INC_SEGMENTS_MAX);
	MUST(list->made_for.root_size);
	MUST(list->made_for.root_size <= INC_DIGEST_MAX);
	for (i = 0; i < list->count; i++) {
		const struct incr_range *range = &list->ranges[i];

		MUST(range->length && range->length <= list->size);
		MUST(range->offset <= list->size - range->length);
		MUST(!((range->offset | range->length) % INC_PAGE_SIZE));
		bytes += range->length;
	}
	MUST(bytes == list->bytes && bytes <= list->size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct incr_startup list, again;
	struct incr_error error;
	char *text, *written;
	int ret;

	text = malloc(size ? size : 1);	/* of its own, so that overruns are seen */
	MUST(text);
	memcpy(text, data, size);
	ret = incr_startup_parse(&list, text, size, &error);
	free(text);
	if (ret) {
		fuzz_failed(ret, &error);
		return 0;
	}
	check(&list);
	written = incr_startup_format(&list);
	MUST(written && strlen(written) <= INCR_STARTUP_TEXT_MAX);
	MUST(!incr_startup_parse(&again, written, strlen(written), &error));
	MUST(again.count == list.count && again.bytes == list.bytes);
	MUST(!memcmp(&again.made_for, &list.made_for, sizeof(list.made_for)));
	MUST(!list.count || !memcmp(again.ranges, list.ranges,
				    list.count * sizeof(*list.ranges)));
	free(written);
	incr_startup_free(&again);
	incr_startup_free(&list);
	return 0;
}
