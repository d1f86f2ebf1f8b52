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
 * @write: for oneself alone; else together with others that do not change it
 *
 * The lock belongs to the open file: it ends when that is closed, by all that
 * have it. Not meant to be seen by NFS clients: where the file system has no
 * such locks there is none, which is no error.
 *
 * Return: 0; -EAGAIN: somebody else has it; -errno.
 */
int file_lock(int fd, bool write);

#endif /* COMMON_FILE_LOCK_H */
