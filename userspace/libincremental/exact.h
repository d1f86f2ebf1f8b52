/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All bytes of a range of a file, or none: system calls may stop before. The tools
 * use it, too; it is not for users of the library.
 */
#ifndef INCREMENTAL_EXACT_H
#define INCREMENTAL_EXACT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Read @length bytes at @offset of @fd into @data. Return: 0, -ENODATA if the file
 * ends before, or another negative errno; then the contents of @data are undefined.
 */
int incr_read_exactly(int fd, uint64_t offset, void *data, size_t length);

/*
 * Write them. Return: 0, or a negative errno; then some may have been written. -EIO
 * if @fd takes none of them and does not say why.
 */
int incr_write_exactly(int fd, uint64_t offset, const void *data, size_t length);

#endif /* INCREMENTAL_EXACT_H */
