// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that a signal removes; see doomed.h.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/doomed.h"

/* Files for the signal handler to remove. */
static char *volatile doomed[DOOMED_MAX];

/* The file that it cuts off; the size is set before the file, and kept until after. */
static volatile int append_fd = -1;
static volatile off_t append_size;

static void on_signal(int number)
{
	int i;

	for (i = 0; i < DOOMED_MAX; i++)
		if (doomed[i])
			unlink(doomed[i]);
	/* Nothing more can be done about an error here. */
	if (append_fd >= 0 && ftruncate(append_fd, append_size))
		_exit(128 + number);
	/* The handler was reset: die of the signal, as the shell expects. */
	raise(number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE,
				       SIGXFSZ, SIGXCPU };
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction old;
	size_t i;

	sigfillset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) &&
		    old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

/* Put @to where @from is; NULL is a free place. */
static int replace(char *from, char *to)
{
	int i;

	for (i = 0; i < DOOMED_MAX; i++) {
		if (doomed[i] == from) {
			doomed[i] = to;
			return 0;
		}
	}
	return -1;
}

int doomed_open(char *name, int flags)
{
	sigset_t all, old;
	int fd, code;

	catch_signals();
	/* No signal may come between making the file and dooming it. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	fd = mkostemp(name, flags);
	code = errno;
	if (fd >= 0 && replace(NULL, name)) {
		close(fd);
		unlink(name);
		fd = -1;
		code = EMFILE;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = code;
	return fd;
}

void doomed_append(int fd, off_t size)
{
	sigset_t all, old;

	catch_signals();
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	append_size = size;
	append_fd = fd;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void doomed_spare(char *name)
{
	replace(name, NULL);
}
