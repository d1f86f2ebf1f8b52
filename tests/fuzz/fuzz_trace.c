// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: traces. What is taken is within its bounds, and is read the same
 * when it is written again.
 */
#include "fuzz/fuzz.h"
#include "libincremental/trace.h"

static void check(const struct incr_trace *trace)
{
	size_t i;

	MUST(trace->blocks <= INC_BLOCKS_MAX);
	for (i = 0; i < trace->count; i++) {
		const struct incr_trace_read *read = &trace->reads[i];

		MUST(read->count && read->count <= trace->blocks);
		MUST(read->block <= trace->blocks - read->count);
		MUST(*read->comm);
		MUST(!read->path || *read->path == '/');
	}
}

static void same(const struct incr_trace_read *a,
		 const struct incr_trace_read *b)
{
	MUST(a->time == b->time && a->block == b->block);
	MUST(a->count == b->count && a->pid == b->pid && a->at == b->at);
	MUST(!strcmp(a->comm, b->comm));
	MUST(!a->path == !b->path);
	MUST(!a->path || !strcmp(a->path, b->path));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct incr_trace trace, again;
	struct incr_error error;
	char *text, *written = NULL;
	size_t length, i;
	FILE *file;
	int ret;

	text = malloc(size ? size : 1);	/* of its own, so that overruns are seen */
	MUST(text);
	memcpy(text, data, size);
	ret = incr_trace_parse(&trace, text, size, &error);
	free(text);
	if (ret) {
		fuzz_failed(ret, &error);
		return 0;
	}
	check(&trace);
	file = open_memstream(&written, &length);
	MUST(file && incr_trace_begin(file, &trace.of, trace.blocks));
	for (i = 0; i < trace.count; i++)
		MUST(incr_trace_write(file, &trace.reads[i]));
	fclose(file);
	MUST(!incr_trace_parse(&again, written, length, &error));
	MUST(again.count == trace.count && again.blocks == trace.blocks);
	MUST(!memcmp(&again.of, &trace.of, sizeof(trace.of)));
	for (i = 0; i < trace.count; i++)
		same(&again.reads[i], &trace.reads[i]);
	free(written);
	incr_trace_free(&again);
	incr_trace_free(&trace);
	return 0;
}
