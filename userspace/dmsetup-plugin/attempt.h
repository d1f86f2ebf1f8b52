/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting a device as another one is mounted.
 */
#ifndef SETUP_ATTEMPT_H
#define SETUP_ATTEMPT_H

#include <signal.h>
#include "common/mountinfo.h"

/*
 * Mount the filesystem on @device as @mount is, at no place. Return: a file
 * descriptor that holds the mount, or -errno.
 */
int mount_try(const struct mount *mount, const char *device,
	      struct incr_error *error);

/**
 * mount_attempt - mount a device as @mount is, and give up at a signal
 * @mount: what mount_try() is to do as well
 * @name: of the device; it has no other user
 * @held: signals that are blocked; one that comes stays pending
 *
 * Reads of absent data may take for ever, and no signal ends them: then the
 * device is made to fail all reads, and is good for nothing but to be removed.
 *
 * Return: a file descriptor that holds the mount, -EINTR, or -errno.
 */
int mount_attempt(const struct mount *mount, const char *name,
		  const sigset_t *held, struct incr_error *error);

#endif /* SETUP_ATTEMPT_H */
