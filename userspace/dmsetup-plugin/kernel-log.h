/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-mapper tells why it refuses a table only in the kernel's log: look
 * for it there. Where that may not be read, the reason stays unknown.
 */
#ifndef SETUP_KERNEL_LOG_H
#define SETUP_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct kernel_log {
	int fd;
};

/* Only what is logged from now on counts. */
void kernel_log_mark(struct kernel_log *log);

/* What follows @mark in the last device-mapper line that has it. */
bool kernel_log_find(struct kernel_log *log, const char *mark, char *text,
		     size_t size);
void kernel_log_close(struct kernel_log *log);

#endif /* SETUP_KERNEL_LOG_H */
