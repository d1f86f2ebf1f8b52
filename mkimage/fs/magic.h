/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kind of a raw image, by its first bytes.
 */
#ifndef MKIMAGE_MAGIC_H
#define MKIMAGE_MAGIC_H

/**
 * magic_check - refuse a file that no kernel would mount
 * @fd: of a file or block device, open for reading
 * @name: for messages
 *
 * Return: 0 if it begins like a filesystem that Linux mounts, else a negative
 * errno after an error message, which names the kind of file if that is known.
 */
int magic_check(int fd, const char *name);

#endif /* MKIMAGE_MAGIC_H */
