/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that a signal which ends the program removes.
 */
#ifndef COMMON_DOOMED_H
#define COMMON_DOOMED_H

#include <sys/types.h>

/* The most there may be at a time. */
#define DOOMED_MAX	4

/* Make such a file, as mkostemp() does; @name must stay where it is. */
int doomed_open(char *name, int flags);

/* It has its final name, or is removed: from now on @name may be freed. */
void doomed_spare(char *name);

/*
 * A file that is being appended to: such a signal cuts it off at @size. One at
 * a time; @fd -1 ends it.
 */
void doomed_append(int fd, off_t size);

#endif /* COMMON_DOOMED_H */
