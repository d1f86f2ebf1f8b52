// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running programs; see program.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/program.h"
#include "spool.h"

#define NOT_FOUND	127
#define LINES_SHOWN	10

static void child(const char *const *argv, const char *const *environment,
		  int output, int fd)
{
	int null = open("/dev/null", O_RDONLY);
	const char *path = getenv("PATH");
	char *longer;

	/* Its work is useless without us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	fcntl(fd, F_SETFD, 0);
	/* Ordinary users may lack mke2fs's directory in their PATH. */
	if (asprintf(&longer, "%s:/usr/local/sbin:/usr/sbin:/sbin",
		     path ? path : "/usr/bin:/bin") > 0)
		setenv("PATH", longer, 1);
	setenv("LC_ALL", "C", 1);
	for (; *environment; environment++)
		putenv((char *)*environment);
	execvp(argv[0], (char *const *)argv);
	dprintf(output, "%s\n", strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : NOT_FOUND - 1);
}

/* Show the last lines of its output. */
static void show(const char *program, char *text)
{
	char *line, *next;
	int lines = 0;

	for (next = text + strlen(text); next > text; next--)
		if (next[-1] == '\n' && ++lines > LINES_SHOWN)
			break;
	while ((line = strsep(&next, "\r\n")))
		if (*line)
			message_error("%s: %s", program, line);
}

static int report(const char *program, const char *package, int status,
		  int output, const char *const *no_space)
{
	char text[4096];
	off_t size = lseek(output, 0, SEEK_END);
	off_t start = size > 4095 ? size - 4095 : 0;
	ssize_t length;

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
		message_error("%s is not installed; it is in the package %s",
			      program, package);
		return -ENOENT;
	}
	length = pread(output, text, sizeof(text) - 1, start);
	text[length > 0 ? length : 0] = '\0';
	for (; no_space && *no_space; no_space++)
		if (strstr(text, *no_space))
			return -ENOSPC;
	show(program, text);
	if (WIFSIGNALED(status))
		message_error("%s was killed by signal %d", program,
			      WTERMSIG(status));
	else
		message_error("%s, which writes to a " SPOOL_NAME ", failed with exit status %d",
			      program, WEXITSTATUS(status));
	return -EIO;
}

int program_run(const char *const *argv, const char *const *environment,
		const char *package, int fd, const char *const *no_space)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	int status = 0, ret;
	pid_t pid;

	if (output < 0) {
		ret = -errno;
		message_error("%s: cannot be run: %s", argv[0],
			      strerror(-ret));
		return ret;
	}
	pid = fork();
	if (!pid)
		child(argv, environment, output, fd);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	if (pid < 0) {
		ret = -errno;
		message_error("%s: cannot be run: %s", argv[0],
			      strerror(-ret));
	} else {
		ret = report(argv[0], package, status, output, no_space);
	}
	close(output);
	return ret;
}
