/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device-mapper tells why it refuses a table only in the kernel's log: look for
 * the reason there. Without the right to read the log it stays unknown.
 */
#ifndef SETUP_KERNEL_LOG_H
#define SETUP_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct kernel_log {
	int fd;
};

/* Skip the messages so far. */
void kernel_log_mark(struct kernel_log *log);

/* The text after @mark in the last device-mapper line that has it. */
bool kernel_log_find(struct kernel_log *log, const char *mark, char *text,
		     size_t size);
void kernel_log_close(struct kernel_log *log);

#endif /* SETUP_KERNEL_LOG_H */
