/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node of an image, for loading it: /dev/incremental/NAME, see
 * linux/dm-incremental.h. Functions may be called from any thread.
 */
#ifndef NODE_DEVICE_H
#define NODE_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <linux/dm-incremental.h>
#include "libincremental/incremental.h"

/**
 * struct device - an open device
 * @fd: non-blocking
 * @path: allocated
 * @size: bytes of the image at the last device_grow()
 * @chunk: bytes of a chunk
 * @record: bytes of a request, as the kernel writes it
 */
struct device {
	int fd;
	char *path;
	_Atomic u64 size;
	u32 chunk;
	u32 record;
};

/**
 * device_open - find and open the device that @name means
 * @name: /dev/incremental/X, X, a backing block device, or a dm device by
 *	path or name
 *
 * Return: 0 or -errno; -ENODEV if there is no such device.
 */
int device_open(struct device *device, const char *name,
		struct incr_error *error);
void device_close(struct device *device);

int device_info(const struct device *device, struct dm_incremental_info *info);

/**
 * device_requests - take the kernel's requests
 * @requests: filled in; a field that an older kernel does not have is 0
 * @max: of them, at least 1
 *
 * May return fewer than there are. Return: their number, 0 if there is none now, or
 * -errno: -ENODEV when the device is closed, -EPROTO if the kernel does not keep
 * to docs/abi.md.
 */
ssize_t device_requests(const struct device *device,
			struct dm_incremental_request *requests, size_t max);

/* The image may have become longer, as @info says. Return: 0 or -EPROTO. */
int device_grow(struct device *device, const struct dm_incremental_info *info);

/* Read present bytes; -ENODATA if one of their chunks is absent or suspect. */
int device_read(const struct device *device, u64 offset, u64 length,
		void *buffer);

/* Fill a range of whole chunks. Return: 0 or -errno of the write. */
int device_fill(const struct device *device, u64 offset, u64 length,
		const void *data);

/* Fail the reads that wait for a range: it cannot be had. */
int device_unavailable(const struct device *device, u64 offset, u64 length);

/**
 * device_next_absent - the next absent range
 * @from: look from here on
 * @before: and not further than this
 * @start, @end: set to the range's bounds, inside [@from, @before)
 *
 * Return: 1 if there is one, 0 if not, -errno.
 */
int device_next_absent(const struct device *device, u64 from, u64 before,
		       u64 *start, u64 *end);

/* The next present range; as above. */
int device_next_present(const struct device *device, u64 from, u64 before,
			u64 *start, u64 *end);

/* The next range that a fill would write: absent or suspect; as above. */
int device_next_missing(const struct device *device, u64 from, u64 before,
			u64 *start, u64 *end);

/* From the first such chunk of [*start, *end) to the last; as above. */
int device_missing_hull(const struct device *device, u64 *start, u64 *end);

/*
 * A range of chunks, no head or bitmap among them, is damaged: it is suspect from
 * now on, and loaders are asked for it.
 */
int device_doubt(const struct device *device, u64 offset, u64 length);

/*
 * Make a range of chunks, no head or bitmap among them, absent and give back its
 * space; @cold: only chunks that were not read.
 */
int device_evict(const struct device *device, u64 offset, u64 length,
		 bool cold);

/**
 * node_stop_readahead - let the readahead of an image's devices fail
 * @name: as for device_open()
 *
 * Then the reads that come are those of programs (DM_INCREMENTAL_IOC_NO_READAHEAD).
 * Readahead is back when the file is closed. The file is no loader's: it is open for
 * reading only. Return: its descriptor, or -errno: -EOPNOTSUPP or -ENOTTY if the
 * device or the module cannot.
 */
int node_stop_readahead(const char *name, struct incr_error *error);

/* Commit presence: chunks filled before stay present over a crash. */
int device_commit(const struct device *device);

#endif /* NODE_DEVICE_H */
