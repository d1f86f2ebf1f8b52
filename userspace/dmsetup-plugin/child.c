// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs that incrementalsetup starts; see child.h.
 */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/exitcode.h"
#include "dmsetup-plugin/child.h"

extern char **environ;

int child_start(pid_t *child, const char *path, const char *const *args,
		const sigset_t *old, int output)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	err = posix_spawn_file_actions_init(&files);
	if (err) {
		posix_spawnattr_destroy(&attr);
		return -err;
	}
	if (output >= 0)
		err = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	if (!err)
		err = posix_spawnattr_setsigmask(&attr, old);
	if (!err)
		err = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!err)
		err = posix_spawnp(child, path, &files, &attr, (char **)args,
				   environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

void child_find(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - strlen(name) - 1);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			strcpy(slash + 1, name);
			if (!access(path, X_OK))
				return;
		}
	}
	strcpy(path, name);
}

void hold_signals(sigset_t *held, sigset_t *old)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction action;
	sigset_t more;
	size_t i;

	sigemptyset(held);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &action) &&
		    action.sa_handler != SIG_IGN)
			sigaddset(held, numbers[i]);
	more = *held;
	/* These are not waited for as reasons to give up. */
	sigaddset(&more, SIGPIPE);
	sigaddset(&more, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &more, old);
}

int child_wait(pid_t child, const sigset_t *held, int *status)
{
	int number, came = 0, err;
	sigset_t all = *held;
	pid_t ended;

	sigaddset(&all, SIGCHLD);
	while (!(ended = waitpid(child, status, WNOHANG))) {
		number = sigwaitinfo(&all, NULL);
		if (number > 0 && number != SIGCHLD) {
			came = number;
			kill(child, SIGTERM);
		}
	}
	err = ended < 0 ? -errno : 0;
	if (came)
		raise(came);
	return came ? -EINTR : err;
}

int child_errno(int status)
{
	switch (WIFEXITED(status) ? WEXITSTATUS(status) : EXITCODE_DEVICE) {
	case EXITCODE_OK:
		return 0;
	case EXITCODE_USAGE:
		return -ERR_USAGE;
	case EXITCODE_PERMISSION:
		return -EPERM;
	case EXITCODE_MEMORY:
		return -ENOMEM;
	case EXITCODE_BUSY:
		return -EBUSY;
	default:
		return -ENXIO;
	}
}
