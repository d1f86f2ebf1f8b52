/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a program read the file that it is about to replace?
 */
#ifndef COMMON_SAME_FILE_H
#define COMMON_SAME_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Are these two one file or one block device, by whatever names; or is one a
 * block device that shows the other: a loop device, a partition of one, or a
 * device-mapper device on it? A relation that sysfs does not show counts as no.
 */
bool same_file(const struct stat *a, const struct stat *b);

#endif /* COMMON_SAME_FILE_H */
