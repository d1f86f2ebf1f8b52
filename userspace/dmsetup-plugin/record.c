// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record: which blocks of a device are read, by a command or until a signal.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/message.h"
#include "common/status-line.h"
#include "common/text-output.h"
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/dm.h"
#include "node/device.h"
#include "record/record.h"

/* The image's UUID is in the device's, the rest in its table. */
static int find_identity(const char *name, struct incr_identity *of,
			 u64 *blocks, dev_t *device, struct incr_error *error)
{
	char hex[2 * sizeof(of->uuid) + 1] = "";
	struct dm_state state;
	struct status status;
	struct table table;
	const char *uuid;
	int err, n;

	err = read_lines(name, &state, &table, &status, error);
	if (err)
		return err;
	memset(of, 0, sizeof(*of));
	uuid = state.uuid + strlen(UUID_PREFIX);
	if (!strncmp(uuid, UUID_UNVOUCHED, strlen(UUID_UNVOUCHED)))
		uuid += strlen(UUID_UNVOUCHED);
	if (!strncmp(state.uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		snprintf(hex, sizeof(hex), "%.32s", uuid);
	n = incr_hex_parse(table.root, of->root, sizeof(of->root));
	if (incr_hex_parse(hex, of->uuid, sizeof(of->uuid)) !=
	    sizeof(of->uuid) || n <= 0)
		err = incr_fail(error, -ENODEV,
				"device %s was not made by incrementalsetup: its UUID does not name its image",
				name);
	of->root_size = (size_t)n;
	of->generation = (u32)table.generation;
	*blocks = state.sectors * 512 / INC_BLOCK_SIZE;
	*device = makedev(state.info.major, state.info.minor);
	dm_free_state(&state);
	return err;
}

/* What ended the command, if not success. */
static void say_ended(const char *command, int status)
{
	if (WIFSIGNALED(status))
		message_warning("%s was ended by signal %d", command,
				WTERMSIG(status));
	else if (WEXITSTATUS(status))
		message_warning("%s has ended with status %d", command,
				WEXITSTATUS(status));
}

/* Has it ended, or, without a command, has a signal come? */
static bool is_over(int signals, pid_t child, const char *command)
{
	struct signalfd_siginfo info;
	bool over = false;
	int status;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD && !child)
			over = true;
		else if (info.ssi_signo != SIGCHLD)
			kill(child, (int)info.ssi_signo);
	}
	if (child && waitpid(child, &status, WNOHANG) == child) {
		say_ended(command, status);
		over = true;
	}
	return over;
}

static int record_until_over(struct recorder *recorder, int signals,
			     pid_t child, const char *command,
			     struct incr_error *error)
{
	struct pollfd fds[] = {
		{ .fd = record_fd(recorder), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int err = 0;

	while (!err && !is_over(signals, child, command)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return incr_fail(error, -errno, "cannot wait: %s",
					 strerror(errno));
		if (fds[0].revents)
			err = record_take(recorder, error);
	}
	return err;
}

static int record_command(struct recorder *recorder, char **command,
			  const sigset_t *held, const sigset_t *old,
			  struct incr_error *error)
{
	sigset_t all = *held;
	pid_t child = 0;
	int signals, err = 0;

	sigaddset(&all, SIGCHLD);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return incr_fail(error, -errno, "cannot wait for signals: %s",
				 strerror(errno));
	if (*command)
		err = child_start(&child, *command,
				  (const char *const *)command, old, -1);
	if (err)
		incr_fail(error, err, "cannot start %s: %s", *command,
			  strerror(-err));
	else
		err = record_until_over(recorder, signals, child, *command,
					error);
	close(signals);
	return err;
}

int command_record(const struct options *options, char **args,
		   struct incr_error *error)
{
	struct recorder *recorder;
	struct incr_identity of;
	struct incr_error why;
	sigset_t held, old;
	const char *name;
	u64 blocks, reads;
	dev_t device;
	int fd, err, end, ahead;

	err = device_name(args[0], &name, error);
	if (!err)
		err = find_identity(name, &of, &blocks, &device, error);
	if (err)
		return err;
	fd = text_output_open(args[1], options->force, error);
	if (fd == -EEXIST)
		return incr_fail(error, fd, "cannot create %s: %s (see --force)",
				 args[1], strerror(EEXIST));
	if (fd < 0)
		return fd;
	/* Before the instance is made: it goes with us. */
	hold_signals(&held, &old);
	ahead = node_stop_readahead(name, &why);
	if (ahead < 0)
		message_warning("%s; what the kernel reads ahead is recorded, too",
				why.text);
	err = record_begin(&recorder, &device, 1, ahead < 0, &of, blocks, fd,
			   args[1], error);
	if (!err) {
		err = record_command(recorder, args + 2, &held, &old, error);
		end = record_end(recorder, &reads, &why);
		if (!err && end)
			*error = why;
		err = err ? err : end;
		if (!err)
			printf("%s: %llu reads of %s\n", args[1],
			       (unsigned long long)reads, name);
	} else {
		unlink(args[1]);
	}
	if (ahead >= 0)
		close(ahead);
	close(fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}
