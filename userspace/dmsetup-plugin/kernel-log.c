// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Find the reason for a refused table in the kernel's log; see kernel-log.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dmsetup-plugin/kernel-log.h"

void kernel_log_mark(struct kernel_log *log)
{
	log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd >= 0 && lseek(log->fd, 0, SEEK_END) < 0)
		kernel_log_close(log);
}

/* A record is "level,number,time,flags;text\n" and more lines. */
bool kernel_log_find(struct kernel_log *log, const char *mark, char *text,
		     size_t size)
{
	char record[2048];
	bool found = false;
	ssize_t n;

	if (log->fd < 0)
		return false;
	/* EPIPE: records were overwritten before they were read; go on. */
	while ((n = read(log->fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		const char *line, *at;

		if (n < 0)
			continue;
		record[n] = '\0';
		record[strcspn(record, "\n")] = '\0';
		line = strchr(record, ';');
		if (!line || strncmp(line + 1, "device-mapper: ", 15))
			continue;
		at = strstr(line, mark);
		if (!at)
			continue;
		snprintf(text, size, "%s", at + strlen(mark));
		found = true;
	}
	return found;
}

void kernel_log_close(struct kernel_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}
