/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/incremental/. Block numbers are of
 * the virtual device, offsets and lengths bytes of the image file.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM incremental

#if !defined(DM_INCREMENTAL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DM_INCREMENTAL_TRACE_H

#include <linux/tracepoint.h>

#ifdef INC_HAVE_ASSIGN_STR_1
#define INC_ASSIGN_STR(dst, src)	__assign_str(dst)
#else
#define INC_ASSIGN_STR(dst, src)	__assign_str(dst, src)
#endif

/* A read met absent chunks: it waits, or (readahead) left a hint. */
TRACE_EVENT(incremental_miss,
	TP_PROTO(dev_t dev, u64 block, u32 blocks, u64 offset, u64 length,
		 unsigned int ranges, bool hint),
	TP_ARGS(dev, block, blocks, offset, length, ranges, hint),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, block)
		__field(u32, blocks)
		__field(u64, offset)
		__field(u64, length)
		__field(unsigned int, ranges)
		__field(bool, hint)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->block = block;
		__entry->blocks = blocks;
		__entry->offset = offset;
		__entry->length = length;
		__entry->ranges = ranges;
		__entry->hint = hint;
	),
	TP_printk("%d:%d block=%llu+%u offset=%llu length=%llu ranges=%u%s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->block,
		  __entry->blocks, __entry->offset, __entry->length,
		  __entry->ranges, __entry->hint ? " hint" : "")
);

/* A loader filled chunks that were absent, or suspect. */
TRACE_EVENT(incremental_fill,
	TP_PROTO(dev_t dev, u64 offset, u64 length),
	TP_ARGS(dev, offset, length),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, offset)
		__field(u64, length)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->offset = offset;
		__entry->length = length;
	),
	TP_printk("%d:%d offset=%llu length=%llu", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->offset, __entry->length)
);

/* A read asks for chunks anew that are, or may be, damaged. */
TRACE_EVENT(incremental_refetch,
	TP_PROTO(dev_t dev, u64 block, u32 blocks, u64 offset, u64 length),
	TP_ARGS(dev, block, blocks, offset, length),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, block)
		__field(u32, blocks)
		__field(u64, offset)
		__field(u64, length)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->block = block;
		__entry->blocks = blocks;
		__entry->offset = offset;
		__entry->length = length;
	),
	TP_printk("%d:%d block=%llu+%u offset=%llu length=%llu",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->block,
		  __entry->blocks, __entry->offset, __entry->length)
);

/* A stored object does not match its digest. */
TRACE_EVENT(incremental_hash_failure,
	TP_PROTO(dev_t dev, const char *what, u64 block, u64 offset),
	TP_ARGS(dev, what, block, offset),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__string(what, what)
		__field(u64, block)
		__field(u64, offset)
	),
	TP_fast_assign(
		__entry->dev = dev;
		INC_ASSIGN_STR(what, what);
		__entry->block = block;
		__entry->offset = offset;
	),
	TP_printk("%d:%d %s block=%llu offset=%llu", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __get_str(what), __entry->block,
		  __entry->offset)
);

#endif /* DM_INCREMENTAL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
