/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of counters that an image's loader writes, so that status can tell how
 * far its start-up list has come.
 */
#ifndef SETUP_COUNTERS_H
#define SETUP_COUNTERS_H

#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/image-file.h"

#define COUNTERS_PATH_MAX	256

/* The file of the image with this key. */
void counters_path(const char *key, char path[COUNTERS_PATH_MAX]);

/* @key is "" if it is unknown, as for an image that was detached. */
void counters_key(const struct table *table, char key[IMAGE_KEY_MAX]);

/**
 * struct startup_counts - of a start-up list
 * @ranges, @bytes: that it has; @ranges_done, @bytes_done: that are present, as the
 *	loader has counted last
 */
struct startup_counts {
	u64 ranges;
	u64 ranges_done;
	u64 bytes;
	u64 bytes_done;
};

/* Return: false: there is no list, or no file. */
bool counters_startup(const char *key, struct startup_counts *counts);

void counters_forget(const char *key);

#endif /* SETUP_COUNTERS_H */
