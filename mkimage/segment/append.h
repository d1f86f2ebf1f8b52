/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Appending a segment to an image file.
 */
#ifndef MKIMAGE_APPEND_H
#define MKIMAGE_APPEND_H

#include "format.h"

/**
 * append_open - open an image to append to
 * @path: a regular file
 *
 * Locks the file: one program at a time appends to it.
 *
 * Return: a file descriptor, or a negative errno after an error message.
 */
int append_open(const char *path);

/*
 * Does @path still name the open file? Facts that were found by the path do not
 * hold for another file. Return: as append_segment().
 */
int append_check_path(int fd, const char *path);

/*
 * Cut off what an interrupted append has left behind the image's @size bytes.
 * Return: as append_segment().
 */
int append_recover(int fd, const char *path, u64 size);

/**
 * append_segment - append a segment
 * @fd: from append_open()
 * @size: bytes of the image
 * @segment: a file of @length bytes with the segment
 *
 * At each moment the file is the old image or the new one: up to the last
 * write, of one sector, a reader finds no segment after the old image. A
 * failure, or a signal that ends the process, cuts the new bytes off again.
 * Nothing is written if @path does not name the file any more or it has another
 * size.
 *
 * Return: 0, or a negative errno after an error message.
 */
int append_segment(int fd, const char *path, u64 size, int segment,
		   u64 length);

#endif /* MKIMAGE_APPEND_H */
