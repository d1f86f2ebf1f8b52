/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the sandbox that concerns system calls.
 */
#ifndef LOADER_CALLS_H
#define LOADER_CALLS_H

#include "libincremental/incremental.h"

/*
 * Allow this process, for good, the system calls that a loader makes. Return: 0,
 * -EOPNOTSUPP if the kernel cannot do that, or another -errno.
 */
int sandbox_calls(struct incr_error *error);

#endif /* LOADER_CALLS_H */
