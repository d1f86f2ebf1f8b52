/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traces: which blocks of a device were read, in order, when and by which process.
 * docs/startup.md has the format.
 */
#ifndef INCREMENTAL_TRACE_H
#define INCREMENTAL_TRACE_H

#include <stdbool.h>
#include <stdio.h>
#include "libincremental/identity.h"

/* What a trace may have at most: reads, and bytes of its text. */
#define INCR_TRACE_READS_MAX	(4u << 20)
#define INCR_TRACE_TEXT_MAX	(256u << 20)

/* As @at of a read: not contents, but the inode itself. */
#define INCR_TRACE_INODE	UINT64_MAX

/**
 * struct incr_trace_read - one read, or the part of one that is in one file
 * @time: microseconds since the recording began
 * @block: of the device, @count of them
 * @pid, @comm: of the process
 * @path: of the file that the blocks are of, from the filesystem's root, beginning
 *	with a slash; NULL: not known, or none
 * @at: of a file: number of the first of these blocks in it, or INCR_TRACE_INODE
 */
struct incr_trace_read {
	u64 time;
	u64 block;
	u64 count;
	u32 pid;
	const char *comm;
	const char *path;
	u64 at;
};

/**
 * struct incr_trace - a trace
 * @of: the device's generation
 * @blocks: of the device
 * @reads: @count of them, each inside the device
 */
struct incr_trace {
	struct incr_identity of;
	u64 blocks;
	struct incr_trace_read *reads;
	size_t count;
};

/**
 * incr_trace_parse - take the text of a trace apart
 * @trace: set on success; freed by incr_trace_free()
 * @error: begins with the number of the line
 *
 * Return: 0; -EINVAL if it is malformed; -ENOMEM.
 */
int incr_trace_parse(struct incr_trace *trace, const char *text, size_t length,
		     struct incr_error *error);
void incr_trace_free(struct incr_trace *trace);

/*
 * Write the lines before the reads, and that of one read. Return: false if that
 * fails, as errno says.
 */
bool incr_trace_begin(FILE *file, const struct incr_identity *of, u64 blocks);
bool incr_trace_write(FILE *file, const struct incr_trace_read *read);

#endif /* INCREMENTAL_TRACE_H */
