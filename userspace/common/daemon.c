// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Go to the background; see daemon.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/daemon.h"
#include "common/exitcode.h"
#include "common/message.h"

static int parent = -1;
static int null = -1;

static volatile pid_t started;

/* A signal to the first process is meant for the daemon that is not ready yet. */
static void on_signal(int number)
{
	kill(started, SIGTERM);
	/* The handler was reset. */
	raise(number);
}

static void pass_signals_on(pid_t child)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction old;
	size_t i;

	started = child;
	sigfillset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/* In the process that was started: end as soon as it is known how. */
static void wait_ready(int pipe, pid_t child) __attribute__((noreturn));

static void wait_ready(int pipe, pid_t child)
{
	int status;
	ssize_t n;
	char byte;

	do {
		n = read(pipe, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EXITCODE_OK);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXITCODE_DEVICE);
}

int daemon_begin(void)
{
	int pipes[2], err;
	pid_t child;

	/* A file that was inherited by mistake would stay open for ever. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	/* Now: the daemon may not open it any more when it is ready. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(pipes, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
		close(pipes[0]);
		close(pipes[1]);
		return err;
	}
	if (child) {
		close(pipes[1]);
		pass_signals_on(child);
		wait_ready(pipes[0], child);
	}
	close(pipes[0]);
	parent = pipes[1];
	setsid();
	return 0;
}

void daemon_quiet(void)
{
	message_use_syslog();
	if (chdir("/"))
		message_warning("cannot change to the root directory");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

void daemon_ready(void)
{
	daemon_quiet();
	if (write(parent, "", 1) != 1)
		message_warning("the process that started this is gone");
	close(parent);
	parent = -1;
}
