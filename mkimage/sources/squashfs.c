// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * squashfs images; see squashfs.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/entries.h"
#include "sources/squashfs.h"

#define PROGRAM		"sqfs2tar"
#define NOT_FOUND	127

bool squashfs_recognised(const u8 *start, size_t size)
{
	return size >= 4 && !memcmp(start, "hsqs", 4);
}

static void child(int fd, int output)
{
	char path[32];

	/* Its work is useless without us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fcntl(fd, F_SETFD, 0);
	dup2(output, STDOUT_FILENO);
	execlp(PROGRAM, PROGRAM, "--root-becomes", ".", "--no-skip", path,
	       (char *)NULL);
	_exit(errno == ENOENT ? NOT_FOUND : NOT_FOUND - 1);
}

/* Nothing comes of a program that is missing, of which finish() tells. */
static int read_output(struct model *model, struct input *output)
{
	size_t size;
	int ret = input_start(output, &size);

	if (ret || !size)
		return ret;
	ret = entries_add(model, output, false);
	return ret ? ret : input_drain(output);
}

/* @ret: what reading its output came to. */
static int finish(const struct input *input, pid_t pid, int ret)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
		message_error(PROGRAM " is not installed, which reads a squashfs; it is in the package squashfs-tools-ng");
		return -ENOENT;
	}
	/* When reading has failed, nobody takes its output. */
	if (ret || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return ret;
	message_error("%s: " PROGRAM " cannot read it", input->name);
	return -EIO;
}

int squashfs_add(struct model *model, struct input *input)
{
	struct input *output = calloc(1, sizeof(*output));
	int ends[2], ret;
	pid_t pid;

	if (!output)
		return no_memory();
	if (pipe2(ends, O_CLOEXEC)) {
		ret = -errno;
		message_error(PROGRAM ": cannot be run: %s", strerror(-ret));
		free(output);
		return ret;
	}
	pid = fork();
	if (!pid)
		child(input->fd, ends[1]);
	close(ends[1]);
	output->name = input->name;
	output->fd = ends[0];
	output->size = UINT64_MAX;
	ret = pid < 0 ? no_memory() : read_output(model, output);
	close(ends[0]);
	if (pid > 0)
		ret = finish(input, pid, ret);
	free(output);
	return ret;
}
