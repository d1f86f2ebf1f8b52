// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a file of the source; see change.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "erofs/change.h"

int erofs_open_source(const struct erofs_node *node)
{
	int fd = open(node->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		      O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		int ret = -errno;

		message_error("%s: cannot be opened: %s", node->path,
			      strerror(errno));
		return ret;
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (u64)st.st_size == node->inode.size)
		return fd;
	close(fd);
	message_error("%s: changed while it was read", node->path);
	return -EAGAIN;
}

int erofs_read_source(struct erofs_change *change, int fd,
		      const struct erofs_node *node, u64 offset, void *data,
		      size_t length)
{
	int ret = read_all(fd, offset, data, length, node->path);

	if (!ret) {
		change->read_done += length;
		progress_show(&change->progress, change->read_done);
	}
	return ret;
}
