// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks of files; see file-lock.h. They are those of an open file (OFD), which
 * no other descriptor of this process ends by being closed.
 */
#include <errno.h>
#include <fcntl.h>
#include "common/file-lock.h"

int file_lock(int fd, bool write)
{
	struct flock lock = {
		.l_type = write ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	switch (errno) {
	case EACCES:
	case EINTR:
		return -EAGAIN;
	case EINVAL:
	case ENOLCK:
	case ENOSYS:
	case EOPNOTSUPP:
		return 0;
	}
	return -errno;
}
