/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing whole ranges of a file, with the reason for a failure.
 */
#ifndef MKIMAGE_IO_H
#define MKIMAGE_IO_H

#include <stddef.h>
#include "libincremental/incremental.h"

/*
 * Read exactly @length bytes. Return: 0, or a negative errno with the reason in
 * @error.
 */
int read_bytes(int fd, u64 offset, void *data, size_t length,
	       struct incr_error *error);

/* The same, with a message that names the file. */
int read_all(int fd, u64 offset, void *data, size_t length, const char *name);

/* Write all of it. Return: as read_bytes(). */
int write_bytes(int fd, u64 offset, const void *data, size_t length,
		struct incr_error *error);

/* The same, with a message that names the file. */
int write_all(int fd, u64 offset, const void *data, size_t length,
	      const char *name);

#endif /* MKIMAGE_IO_H */
