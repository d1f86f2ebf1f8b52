/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks of an image's file between mkimage, which changes it, and others.
 */
#ifndef COMMON_FILE_LOCK_H
#define COMMON_FILE_LOCK_H

#include <stdbool.h>

/**
 * file_lock - lock all of a file, at once or not at all
 * @fd: open for writing if @write, else for reading
 * @write: exclusive; else shared with others that do not change it
 *
 * The lock belongs to the open file: it ends when the last descriptor of it is
 * closed. A file system without such locks is no error: then there is no lock.
 *
 * Return: 0; -EAGAIN: another program has it; -errno.
 */
int file_lock(int fd, bool write);

#endif /* COMMON_FILE_LOCK_H */
