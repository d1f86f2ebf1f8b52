// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wait: until an image is complete.
 */
#include <signal.h>
#include <sys/time.h>
#include "common/status-line.h"
#include "dmsetup-plugin/dm.h"

static volatile sig_atomic_t timed_out;

static void on_alarm(int signal)
{
	(void)signal;
	timed_out = 1;
}

/* The alarm repeats: one that came just before a system call is no loss. */
static void set_alarm(u64 seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value.tv_sec = (time_t)seconds,
		.it_interval.tv_usec = 100000,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	if (!seconds)
		timer.it_value.tv_usec = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Look, and if it is not complete, say after which event to look again. */
static int look(const char *name, bool *complete, u32 *event,
		struct incr_error *error)
{
	struct dm_state state;
	struct status status;
	int err;

	err = dm_read_state(name, &state, error);
	if (err)
		return err;
	/* The kernel notes the number before it writes the line: none is missed. */
	err = read_status_line(state.status, &status, error);
	if (!err) {
		*complete = status_is_complete(&status);
		*event = state.info.event_nr;
	}
	dm_free_state(&state);
	return err;
}

int command_wait(const struct options *options, char **args,
		 struct incr_error *error)
{
	bool complete = false;
	const char *name;
	u32 event;
	int err;

	err = device_name(args[0], &name, error);
	if (err)
		return err;
	if (options->timeout != UNSET)
		set_alarm(options->timeout);
	for (;;) {
		err = look(name, &complete, &event, error);
		if (err || complete)
			return err;
		if (!timed_out)
			err = dm_wait_event(name, event, error);
		if (timed_out)
			return incr_fail(error, -ETIMEDOUT,
					 "%s is not complete after %llu s",
					 name,
					 (unsigned long long)options->timeout);
		if (err && err != -EINTR)
			return err;
	}
}
