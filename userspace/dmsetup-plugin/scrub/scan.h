/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read the present bytes of an image from its disk, and check them.
 */
#ifndef SETUP_SCAN_H
#define SETUP_SCAN_H

#include <pthread.h>
#include <stdatomic.h>
#include "dmsetup-plugin/setup.h"
#include "node/device.h"

enum damage_state {
	DAMAGE_LEFT,		/* as it was found */
	DAMAGE_SUSPECT,		/* asked for, but has not come anew */
	DAMAGE_HEALED,
};

/* Blocks of the device, @last included. */
struct blocks {
	u64 first;
	u64 last;
};

#define BLOCKS_MAX	64	/* kept for one range */

/**
 * struct damage - a damaged range: neighbouring chunks of one kind
 * @blocks: those that could not be read because of it: allocated, sorted
 * @more: there are more blocks than are kept
 */
struct damage {
	u64 offset;
	u64 length;
	enum incr_area area;
	enum damage_state state;
	struct blocks *blocks;
	unsigned int count;
	bool more;
};

/**
 * struct damages - all damaged ranges found
 * @list: @count of them
 * @sorted: the number of those that earlier scans have found: they come first,
 *	sorted and disjoint
 */
struct damages {
	struct damage *list;
	size_t count;
	size_t sorted;
	size_t room;
};

/**
 * struct scrub - everything about one run
 * @name: of the device
 * @device: to find present chunks, and to request damaged ones
 * @fd: the image's file or block device
 * @direct: @fd is read past the page cache
 * @image: as it is on the disk, and as far as it is present
 * @loaders: their number; without any, nothing can be healed
 * @damages: found so far: sorted when a scan is over
 * @refuse: damaged metadata is not used to check anything with
 * @present: bytes to be checked, as far as known at the beginning
 * @checked, @unchecked: bytes that could be checked and that could not, as
 *	metadata is absent; by whether they are metadata or data
 * @done: bytes looked at, for the progress
 * @lock: over @cursor, @segment, @damages and @error while threads run
 * @cursor, @segment: the place of the scan
 * @data: it scans the data, not the metadata
 * @failed: an error that ends the run
 */
struct scrub {
	const char *name;
	struct device device;
	int fd;
	bool direct;
	struct incr_image *image;
	u64 loaders;
	struct damages damages;
	bool refuse;
	u64 present;
	_Atomic u64 checked[2], unchecked[2];
	_Atomic u64 done;
	pthread_mutex_t lock;
	u64 cursor;
	u32 segment;
	bool data;
	atomic_int failed;
	struct incr_error error;
};

/* The number of a signal that asks to stop, or 0. */
extern volatile sig_atomic_t scrub_signal;

enum verdict {
	VERDICT_GOOD,
	VERDICT_BAD,
	VERDICT_UNKNOWN,	/* it needs absent metadata to be checked */
	VERDICT_GONE,		/* it is absent itself */
	VERDICT_FAILED,		/* scrub->failed */
};

/* The first damaged range of earlier scans that ends after @offset, or their number. */
size_t damage_after(const struct damages *damages, u64 offset);

/* An incr_io: reads present bytes from the disk; -ENODATA for absent ones. */
int scrub_read(void *scrub, u64 offset, size_t length, void *buffer,
	       struct incr_error *error);

/* Check one chunk; @buffer: room for it, aligned as for O_DIRECT. */
enum verdict scrub_chunk(struct scrub *scrub, u64 offset, void *buffer);

/*
 * Check all metadata, or all data, that is present, with several threads; add
 * damaged ranges to @damages. Return: 0 or -errno.
 */
int scrub_scan(struct scrub *scrub, bool data);

#define SCRUB_ALIGN	4096u

#endif /* SETUP_SCAN_H */
