// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stay in memory, and alive; see resident.h.
 *
 * Memory is locked as it is touched (MCL_ONFAULT): stacks, arenas and the table
 * of sources reserve much more than they use. Programs are read as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "common/message.h"
#include "loader/resident.h"

/* Never: other storage daemons are not killed for want of memory, either. */
#define OOM_SCORE	"-1000"

static bool locked;

static void keep_alive(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		message_debug("may be killed for want of memory: %s",
			      strerror(errno));
	if (fd >= 0)
		close(fd);
}

void resident_begin(void)
{
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;

	keep_alive();
	/* It lasts when the right to lock is dropped. */
	if (setrlimit(RLIMIT_MEMLOCK, &any) &&
	    !getrlimit(RLIMIT_MEMLOCK, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur != RLIM_INFINITY)
		message_debug("memory is not locked: that takes root, or no limit of locked memory");
	else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		message_warning("memory cannot be locked: %s", strerror(errno));
	else
		locked = true;
}

/* The mapped parts of a program's file that are not written to. */
static int lock_program(struct dl_phdr_info *info, size_t size, void *data)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	const char *name = *info->dlpi_name ? info->dlpi_name : "the program";

	(void)size;
	(void)data;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		size_t start = info->dlpi_addr + segment->p_vaddr, length;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		length = segment->p_memsz + start % page;
		start -= start % page;
		if (mlock((const void *)start, length)) {
			message_warning("%s cannot be kept in memory: %s", name,
					strerror(errno));
			return 0;
		}
	}
	return 0;
}

void resident_programs(void)
{
	if (locked)
		dl_iterate_phdr(lock_program, NULL);
}
