/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Append-only temporary files without a name: nothing remains of them, however
 * the process ends.
 */
#ifndef MKIMAGE_SPOOL_H
#define MKIMAGE_SPOOL_H

#include <stddef.h>
#include "libincremental/incremental.h"

struct spool;

/**
 * spool_new - a new empty spool
 * @dir: a directory on the filesystem where its bytes go
 *
 * Return: freed by spool_free(); NULL after an error message.
 */
struct spool *spool_new(const char *dir);
void spool_free(struct spool *spool);

/* Bytes appended so far. */
u64 spool_size(const struct spool *spool);

/* Return: 0, or a negative errno after an error message. */
int spool_append(struct spool *spool, const void *data, size_t length);

/* Read bytes that were appended. Return: as spool_append(). */
int spool_read(struct spool *spool, u64 offset, size_t length, void *data);

/*
 * Copy all bytes to @offset of the file @fd, which messages call @name, within
 * the filesystem if it can.
 * Return: as spool_append().
 */
int spool_copy(struct spool *spool, int fd, u64 offset, const char *name);

/* For messages: a temporary file without a name is in the directory of the output. */
#define SPOOL_NAME	"temporary file beside the output"

/* A temporary file without a name in @dir; -1 after an error message. */
int spool_open_file(const char *dir);

#endif /* MKIMAGE_SPOOL_H */
