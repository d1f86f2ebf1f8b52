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
 * All of the text @path, a file of at most @most bytes, as else it is no @what;
 * allocated. Return: as below.
 */
int text_load(const char *path, size_t most, const char *what, char **text,
	      size_t *length);

/*
 * Read the trace @path. Return: 0, or an errno below 0 after an error message; so
 * do those below.
 */
int trace_load(struct incr_trace *trace, const char *path);

/**
 * struct traced - the generation that is touched
 * @name: of its image
 * @root: its root digest, of @root_size bytes, which only the same blocks have
 * @blocks: of its device
 */
struct traced {
	const char *name;
	const u8 *root;
	size_t root_size;
	u64 blocks;
};

/* The open generation of @image, as long as it is open. */
struct traced traced_of(const struct incr_image *image, const char *name);

/*
 * Is it of this generation, or of one with the same blocks in another image? If not,
 * @error says why.
 */
bool trace_is_of(const struct incr_trace *trace, const struct traced *traced,
		 struct incr_error *error);

/* Add a trace that is of the generation that is touched, or blocks of it. */
int touches_add(struct touches *touches, const struct incr_trace *trace);
int touches_add_blocks(struct touches *touches, u64 time, u64 block, u64 count);

/* Put them in order, when the last trace is added. */
void touches_sort(struct touches *touches);
void touches_free(struct touches *touches);

#endif /* MKIMAGE_TOUCHES_H */
