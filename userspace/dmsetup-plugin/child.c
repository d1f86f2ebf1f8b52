// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that incrementalsetup starts; see child.h.
 */
#include <spawn.h>
#include "dmsetup-plugin/child.h"

extern char **environ;

int child_start(pid_t *child, const char *path, const char *const *args,
		const sigset_t *old)
{
	posix_spawnattr_t attr;
	int err;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	err = posix_spawnattr_setsigmask(&attr, old);
	if (!err)
		err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!err)
		err = posix_spawnp(child, path, NULL, &attr, (char **)args,
				   environ);
	posix_spawnattr_destroy(&attr);
	return -err;
}
