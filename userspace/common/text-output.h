/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text that a program writes while it runs: a trace, counters, its number.
 */
#ifndef COMMON_TEXT_OUTPUT_H
#define COMMON_TEXT_OUTPUT_H

#include <stdbool.h>
#include "libincremental/incremental.h"

/**
 * text_output_open - open such a file, empty
 * @path: the file; one that exists is emptied, but for images and block devices: these
 *	are never meant
 * @replace: false: it must not exist
 *
 * Return: a descriptor for writing, or a negative errno with @error set; then nothing
 * has changed, and there is no new file.
 */
int text_output_open(const char *path, bool replace, struct incr_error *error);

#endif /* COMMON_TEXT_OUTPUT_H */
