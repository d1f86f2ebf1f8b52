// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Expanding extents, and what they refer to.
 */
#include <lz4.h>
#include <stdlib.h>
#include "libincremental/internal.h"

/* An extent, and whose it is; for messages. */
struct task {
	const struct inc_source *source;
	const struct inc_extent *extent;
	u64 block;			/* that is to be read */
	bool reference;			/* of the extent of @block */
};

static int wrong_length(const struct task *task, struct incr_error *error)
{
	return incr_fail(error, -EBADMSG,
			 "block %llu: the %u bytes at offset %llu%s do not decompress to %s cluster",
			 (unsigned long long)task->block, task->extent->length,
			 (unsigned long long)task->extent->offset,
			 task->reference ? ", to which its extent refers," : "",
			 task->reference ? "their" : "its");
}

static int expand_with_dictionary(const struct task *task, const void *stored,
				  void *blocks, struct incr_error *error)
{
	const struct inc_extent *extent = task->extent;
	int size = (int)inc_cluster_bytes(extent), length;
	const struct inc_segment *seg;
	int ret;

	seg = incr_segment_holding(task->source->image, extent->offset);
	if (!seg || !seg->dictionary_size)
		return incr_fail(error, -EINVAL,
				 "block %llu (offset %llu): its extent needs a dictionary, which its segment lacks",
				 (unsigned long long)task->block,
				 (unsigned long long)extent->offset);
	length = incr_dictionary_expand(task->source, seg, stored,
					extent->length, blocks, (u32)size, &ret,
					error);
	if (ret)
		return ret;
	return length == size ? 0 : wrong_length(task, error);
}

/* An extent without references. */
static int expand(const struct task *task, const void *stored, void *blocks,
		  struct incr_error *error)
{
	const struct inc_extent *extent = task->extent;
	int size = (int)inc_cluster_bytes(extent), length;

	switch (extent->codec) {
	case INC_CODEC_STORED:
		memcpy(blocks, stored, (size_t)size);
		return 0;
	case INC_CODEC_LZ4:
		length = LZ4_decompress_safe(stored, blocks,
					     (int)extent->length, size);
		return length == size ? 0 : wrong_length(task, error);
	case INC_CODEC_LZ4_DICT:
		return expand_with_dictionary(task, stored, blocks, error);
	default:
		return incr_fail(error, -ENOTSUP,
				 "block %llu (offset %llu): codec %u is not supported",
				 (unsigned long long)task->block,
				 (unsigned long long)extent->offset,
				 extent->codec);
	}
}

void incr_window_free(struct inc_window *window)
{
	free(window->room);
}

static int window_prepare(struct inc_window *window, struct incr_error *error)
{
	if (window->room)
		return 0;
	window->room = malloc(3 * (size_t)INC_REFERENCES_REACH);
	if (!window->room)
		return incr_fail(error, -ENOMEM,
				 "out of memory for references");
	window->held.count = 0;
	window->bytes = window->room;
	window->next = window->bytes + INC_REFERENCES_REACH;
	return 0;
}

/* The expanded bytes of an extent that the window holds, or NULL. */
static const u8 *window_find(const struct inc_window *window,
			     const struct inc_extent *wanted)
{
	const u8 *at = window->bytes;
	u32 i;

	for (i = 0; i < window->held.count; i++) {
		const struct inc_extent *held = &window->held.extents[i];

		if (inc_same_extent(held, wanted))
			return at;
		at += inc_cluster_bytes(held);
	}
	return NULL;
}

/*
 * How many references from @first on are to be read, and follow each other in the
 * file.
 */
static u32 run_to_read(const struct inc_window *window,
		       const struct inc_references *references, u32 first,
		       u32 *length)
{
	const struct inc_extent *extents = references->extents;
	u32 i = first;

	*length = 0;
	while (i < references->count &&
	       extents[i].offset == extents[first].offset + *length &&
	       *length + extents[i].length <= INC_REFERENCES_REACH &&
	       !window_find(window, &extents[i]))
		*length += extents[i++].length;
	return i - first;
}

/* Make the window hold what @references expand to. */
static int window_fill(struct inc_window *window, const struct task *task,
		       const struct inc_references *references,
		       struct incr_error *error)
{
	u8 *stored = window->room + 2 * (size_t)INC_REFERENCES_REACH;
	struct task part = *task;
	u8 *to = window->next, *swap;
	u32 i = 0, count, length;
	int ret;

	part.reference = true;
	while (i < references->count) {
		const u8 *held = window_find(window, &references->extents[i]);
		const u8 *from = stored;

		if (held) {
			length = inc_cluster_bytes(&references->extents[i++]);
			memcpy(to, held, length);
			to += length;
			continue;
		}
		count = run_to_read(window, references, i, &length);
		ret = incr_source_read(task->source,
				       references->extents[i].offset, length,
				       stored, error);
		if (ret)
			return ret;
		for (; count; count--, i++) {
			part.extent = &references->extents[i];
			ret = expand(&part, from, to, error);
			if (ret)
				return ret;
			from += part.extent->length;
			to += inc_cluster_bytes(part.extent);
		}
	}
	swap = window->bytes;
	window->bytes = window->next;
	window->next = swap;
	window->held = *references;
	return 0;
}

static int expand_referring(struct inc_window *window, const struct task *task,
			    const u8 *stored, void *blocks,
			    struct incr_error *error)
{
	const struct inc_extent *extent = task->extent;
	int size = (int)inc_cluster_bytes(extent), length;
	struct inc_references references;
	int ret;

	ret = incr_references_decode(task->source, extent, task->block, stored,
				     extent->length, &references, error);
	if (!ret)
		ret = window_prepare(window, error);
	if (!ret)
		ret = window_fill(window, task, &references, error);
	if (ret)
		return ret;
	length = LZ4_decompress_safe_usingDict(
			(const char *)stored + references.size, blocks,
			(int)(extent->length - references.size), size,
			(const char *)window->bytes, (int)references.bytes);
	return length == size ? 0 : wrong_length(task, error);
}

/**
 * incr_extent_expand - expand an extent into its cluster
 * @window: what the last extent with references has left; zeros at first. For the
 *	same @source; freed by incr_window_free()
 * @block: any block of the cluster, for the message
 * @stored: extent->length bytes
 * @blocks: receives inc_cluster_bytes(extent) bytes
 */
int incr_extent_expand(const struct inc_source *source,
		       struct inc_window *window,
		       const struct inc_extent *extent, u64 block,
		       const void *stored, void *blocks,
		       struct incr_error *error)
{
	const struct task task = {
		.source = source, .extent = extent, .block = block,
	};

	if (extent->codec == INC_CODEC_LZ4_REFERENCES)
		return expand_referring(window, &task, stored, blocks, error);
	return expand(&task, stored, blocks, error);
}

int incr_image_expand(struct incr_image *image, const struct inc_extent *extent,
		      void *stored, void *blocks, struct incr_error *error)
{
	const struct inc_source source = { image, image->view, 0, 0, NULL };
	const struct task task = { .source = &source, .extent = extent };
	int ret = incr_source_read(&source, extent->offset, extent->length,
				   stored, error);

	return ret ? ret : expand(&task, stored, blocks, error);
}
