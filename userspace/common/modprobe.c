// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Modules of the kernel; see modprobe.h.
 */
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include "common/modprobe.h"

void modprobe(const char *module)
{
	const char *const args[] = { "modprobe", "-q", "--", module, NULL };
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = { path, NULL };
	pid_t child;

	if (posix_spawn(&child, "/sbin/modprobe", NULL, NULL,
			(char **)args, environment))
		return;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}
