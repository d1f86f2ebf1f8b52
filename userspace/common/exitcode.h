/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exit statuses of the set-up tool and the loader: veritysetup's.
 */
#ifndef COMMON_EXITCODE_H
#define COMMON_EXITCODE_H

#include <errno.h>

enum exitcode {
	EXITCODE_OK		= 0,
	EXITCODE_USAGE		= 1,	/* wrong parameters */
	EXITCODE_PERMISSION	= 2,	/* no permission, or not authentic */
	EXITCODE_MEMORY		= 3,
	EXITCODE_DEVICE		= 4,	/* wrong image, device or origin */
	EXITCODE_BUSY		= 5,	/* exists already, or in use */
	EXITCODE_TIMEOUT	= 6,	/* waited in vain; ours */
};

/* Beyond all errnos: the command line is wrong. */
#define ERR_USAGE	4096

/* The exit status for a negative errno, or for -ERR_USAGE. */
static inline enum exitcode exitcode_of(int err)
{
	switch (-err) {
	case 0:
		return EXITCODE_OK;
	case ERR_USAGE:
		return EXITCODE_USAGE;
	case EPERM:
	case EACCES:
	case EBADMSG:
		return EXITCODE_PERMISSION;
	case ENOMEM:
		return EXITCODE_MEMORY;
	case EEXIST:
	case EBUSY:
		return EXITCODE_BUSY;
	case ETIMEDOUT:
		return EXITCODE_TIMEOUT;
	default:
		return EXITCODE_DEVICE;
	}
}

#endif /* COMMON_EXITCODE_H */
