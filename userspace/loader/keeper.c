// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that has the pid file and that of the counters, and opens those of
 * secrets; see keeper.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/text-output.h"
#include "loader/keeper.h"
#include "loader/stats.h"

/**
 * struct files - all that the keeper has
 * @pid, @stats: -1: none
 * @access: names of the files of secrets
 */
struct files {
	int socket;
	int pid;
	int stats;
	const struct origin_access *access;
};

static int open_output(const char *path, int *fd, struct incr_error *error)
{
	if (path)
		*fd = text_output_open(path, true, error);
	return !path || *fd >= 0 ? 0 : *fd;
}

static bool is_line(const char *text, ssize_t size)
{
	ssize_t i;

	for (i = 0; i < size - 1; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return size > 0 && text[size - 1] == '\n';
}

static int write_line(int fd, const char *line, ssize_t size)
{
	if (fd < 0 || !is_line(line, size))
		return -EINVAL;
	if (ftruncate(fd, 0) && errno != EINVAL)
		return -errno;
	errno = EIO;
	return pwrite(fd, line, (size_t)size, 0) == size ||
	       (errno == ESPIPE && write(fd, line, (size_t)size) == size) ?
	       0 : -errno;
}

/* Open a file of secrets, and send it. Return: is the other side still there? */
static bool send_file(const struct files *files, unsigned int which)
{
	const char *path = which < ACCESS_FILES ? files->access->value[which] :
						  NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) :
			-1;
	int err = fd >= 0 ? 0 : path ? -errno : -EINVAL;
	union {
		char room[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = { .room = "" };
	struct iovec data = { .iov_base = &err, .iov_len = sizeof(err) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	bool sent;

	if (fd >= 0) {
		struct cmsghdr *rights;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	sent = sendmsg(files->socket, &message, 0) >= 0;
	if (fd >= 0)
		close(fd);
	return sent;
}

/* A signal for the whole group means incrementald, whose end we wait for. */
static void keep(const struct files *files) __attribute__((noreturn));

static void keep(const struct files *files)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	char line[STATS_MAX];
	ssize_t size;
	int err;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "incrementald:kp");
	while ((size = recv(files->socket, line, sizeof(line), 0)) > 0) {
		/* No line of counters has one byte. */
		if (size == 1) {
			if (!send_file(files, (unsigned char)line[0]))
				break;
			continue;
		}
		err = write_line(files->stats, line, size);
		if (send(files->socket, &err, sizeof(err), 0) < 0)
			break;
	}
	_exit(files->pid >= 0 && ftruncate(files->pid, 0) ? 1 : 0);
}

static void close_others(const struct files *files)
{
	int fd, most = files->socket;

	if (files->pid > most)
		most = files->pid;
	if (files->stats > most)
		most = files->stats;
	for (fd = 0; fd <= most; fd++)
		if (fd != files->socket && fd != files->pid &&
		    fd != files->stats)
			close(fd);
	close_range((unsigned int)most + 1, ~0u, 0);
}

static int start(struct keeper *keeper, struct files *files)
{
	int sockets[2], err = 0;
	pid_t child;

	if (files->pid >= 0 &&
	    dprintf(files->pid, "%d\n", (int)getpid()) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	child = fork();
	if (child < 0)
		err = -errno;
	if (!child) {
		files->socket = sockets[1];
		close_others(files);
		keep(files);
	}
	close(sockets[1]);
	if (err)
		close(sockets[0]);
	else
		keeper->socket = sockets[0];
	return err;
}

/* Have it open a file of secrets. Return: a descriptor or -errno. */
static int keeper_open(void *context, enum access_option which)
{
	struct keeper *keeper = context;
	char byte = (char)which;
	int err = -EIO, fd = -1;
	union {
		char room[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control;
	struct iovec data = { .iov_base = &err, .iov_len = sizeof(err) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *rights;

	pthread_mutex_lock(&keeper->lock);
	if (send(keeper->socket, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recvmsg(keeper->socket, &message, MSG_CMSG_CLOEXEC) != sizeof(err)) {
		err = -EIO;
	} else if (!err) {
		rights = CMSG_FIRSTHDR(&message);
		if (rights && rights->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		err = fd >= 0 ? 0 : -EIO;
	}
	pthread_mutex_unlock(&keeper->lock);
	return err ? err : fd;
}

static bool has_files(const struct origin_access *access)
{
	unsigned int i;

	for (i = 0; i < ACCESS_FILES; i++)
		if (access->value[i])
			return true;
	return false;
}

int keeper_start(struct keeper *keeper, const char *pid_file,
		 const char *stats_file, struct origin_access *access,
		 struct incr_error *error)
{
	struct files files = {
		.socket = -1, .pid = -1, .stats = -1, .access = access,
	};
	int err;

	keeper->socket = -1;
	pthread_mutex_init(&keeper->lock, NULL);
	err = open_output(stats_file, &files.stats, error);
	if (!err)
		err = open_output(pid_file, &files.pid, error);
	if (!err && (pid_file || stats_file || has_files(access))) {
		err = start(keeper, &files);
		if (err)
			snprintf(error->text, sizeof(error->text),
				 "cannot start the process that has %s: %s",
				 pid_file ? pid_file : stats_file ? stats_file :
				 "the files of secrets", strerror(-err));
	}
	if (files.pid >= 0)
		close(files.pid);
	if (files.stats >= 0)
		close(files.stats);
	if (!err && has_files(access)) {
		access->open = keeper_open;
		access->context = keeper;
	}
	return err;
}

int keeper_write_stats(struct keeper *keeper, const char *line)
{
	int err;

	pthread_mutex_lock(&keeper->lock);
	errno = EIO;
	if (send(keeper->socket, line, strlen(line), MSG_NOSIGNAL) < 0 ||
	    recv(keeper->socket, &err, sizeof(err), 0) != sizeof(err))
		err = -errno;
	pthread_mutex_unlock(&keeper->lock);
	return err;
}

void keeper_end(struct keeper *keeper)
{
	char byte;

	if (keeper->socket < 0)
		return;
	/* A process that waits for us finds the pid file empty. */
	shutdown(keeper->socket, SHUT_WR);
	while (recv(keeper->socket, &byte, sizeof(byte), 0) > 0)
		;
	close(keeper->socket);
	keeper->socket = -1;
}
