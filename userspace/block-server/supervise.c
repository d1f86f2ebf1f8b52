// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starting servers; see supervise.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "block-server/server.h"
#include "block-server/supervise.h"
#include "block-server/ublk.h"
#include "common/daemon.h"
#include "common/exitcode.h"
#include "common/message.h"

/* Seconds between two servers that are killed at once: at first, and at most. */
#define PAUSE		1u
#define PAUSE_MAX	30u

static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };

static volatile sig_atomic_t ending;
static volatile pid_t server;
static int to_supervisor = -1;
static bool is_daemon;

static void pass_on(int number)
{
	(void)number;
	ending = 1;
	if (server > 0)
		kill(server, SIGTERM);
}

void supervise_ready(u32 number)
{
	if (is_daemon)
		daemon_quiet();
	if (write(to_supervisor, &number, sizeof(number)) != sizeof(number))
		message_warning("nobody will start another server if this is killed");
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXITCODE_DEVICE << 8;
	return status;
}

/*
 * Start a server, and wait for its end. *@number becomes that of its device; *@ready:
 * the first process has been let go. Return: as waitpid().
 */
static int run(int (*serve)(u32 number), u32 *number, bool *ready,
	       const sigset_t *held, const sigset_t *old)
{
	int pipes[2], status;
	pid_t child;
	u32 got;

	if (pipe2(pipes, O_CLOEXEC))
		return EXITCODE_DEVICE << 8;
	sigprocmask(SIG_BLOCK, held, NULL);
	child = fork();
	if (!child) {
		close(pipes[0]);
		to_supervisor = pipes[1];
		is_daemon &= !*ready;
		_exit(serve(*number));
	}
	server = child;
	sigprocmask(SIG_SETMASK, old, NULL);
	close(pipes[1]);
	if (child < 0) {
		close(pipes[0]);
		return EXITCODE_MEMORY << 8;
	}
	/* It came before there was a server to give it to. */
	if (ending)
		kill(child, SIGTERM);
	for (;;) {
		ssize_t n = read(pipes[0], &got, sizeof(got));

		if (n == (ssize_t)sizeof(got)) {
			*number = got;
			if (!*ready && is_daemon)
				daemon_ready();
			*ready = true;
		} else if (n >= 0 || errno != EINTR) {
			break;
		}
	}
	close(pipes[0]);
	status = wait_for(child);
	server = 0;
	return status;
}

/* Is there still a device for another server? */
static bool is_there(u32 number)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/" UBLK_NAME "%u", number);
	return !access(path, F_OK);
}

int supervise(int (*serve)(u32 number), u32 number, bool daemon)
{
	struct sigaction action = { .sa_handler = pass_on };
	struct incr_error error;
	unsigned int pause = 0;
	bool ready = false;
	sigset_t held, old;
	int status;
	size_t i;

	is_daemon = daemon;
	sigemptyset(&held);
	sigprocmask(SIG_BLOCK, &held, &old);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&held, numbers[i]);
		sigdelset(&old, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	for (;;) {
		struct timespec begin, end;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		status = run(serve, &number, &ready, &held, &old);
		if (WIFEXITED(status) && (!WEXITSTATUS(status) || !ready))
			break;
		if (!ready || number == NO_DEVICE || !is_there(number))
			break;
		if (ending) {
			/* Nobody is left to take its device away. */
			if (ublk_remove(number, &error))
				message_error("%s", error.text);
			return EXITCODE_OK;
		}
		message_warning("the server of " UBLK_NAME "%u has ended (%s %d): another one takes over",
				number, WIFEXITED(status) ? "status" : "signal",
				WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (end.tv_sec - begin.tv_sec > (time_t)PAUSE_MAX)
			pause = 0;
		sleep(pause);
		pause = !pause ? PAUSE : 2 * pause < PAUSE_MAX ? 2 * pause : PAUSE_MAX;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXITCODE_DEVICE;
}
