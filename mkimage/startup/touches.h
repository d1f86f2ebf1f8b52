/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which blocks of a generation some traces touch, in the order of their times.
 */
#ifndef MKIMAGE_TOUCHES_H
#define MKIMAGE_TOUCHES_H

#include "libincremental/trace.h"

/* Blocks that were read together, microseconds after a recording began. */
struct touch {
	u64 time;
	u64 block;
	u64 count;
};

/**
 * struct touches - what was touched
 * @list: @count of them, by @time
 */
struct touches {
	struct touch *list;
	size_t count;
	size_t room;
};

/*
 * Read the trace @path. Return: 0, or an errno below 0 after an error message; so
 * do those below.
 */
int trace_load(struct incr_trace *trace, const char *path);

/* Is it of the open generation of @image? If not, @error says why. */
bool trace_is_of(const struct incr_trace *trace, struct incr_image *image,
		 struct incr_error *error);

/* Add a trace that is of the generation that is touched, or blocks of it. */
int touches_add(struct touches *touches, const struct incr_trace *trace);
int touches_add_blocks(struct touches *touches, u64 time, u64 block, u64 count);

/* Put them in order, when the last trace is added. */
void touches_sort(struct touches *touches);
void touches_free(struct touches *touches);

#endif /* MKIMAGE_TOUCHES_H */
