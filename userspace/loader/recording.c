// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that records; see recording.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/blockdev.h"
#include "common/message.h"
#include "common/text-output.h"
#include "loader/recording.h"
#include "record/record.h"

#define NODES		"/dev/incremental/"
#define DEVICES_MAX	16u

/**
 * struct views - the devices that have an image open
 * @blocks: of the largest
 */
struct views {
	dev_t devices[DEVICES_MAX];
	unsigned int count;
	u64 blocks;
};

static u64 blocks_of(const char *sys)
{
	char path[PATH_MAX];
	unsigned long long sectors = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/size", sys);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &sectors) != 1)
		sectors = 0;
	fclose(file);
	return sectors * 512 / INC_BLOCK_SIZE;
}

/* In /sys a device's name has no slash: a/b is a!b there. */
static void find_views(const char *node, struct views *views)
{
	char sys[PATH_MAX / 2], view[PATH_MAX - 8], number[PATH_MAX];
	size_t start = (size_t)snprintf(sys, sizeof(sys), "/sys/class/block/");
	struct dirent *entry;
	char *at;
	DIR *dir;

	snprintf(sys + start, sizeof(sys) - start, "%s/holders",
		 strncmp(node, NODES, strlen(NODES)) ? node :
						       node + strlen(NODES));
	for (at = sys + start; strcmp(at, "/holders"); at++)
		if (*at == '/')
			*at = '!';
	dir = opendir(sys);
	while (dir && (entry = readdir(dir)) && views->count < DEVICES_MAX) {
		u64 blocks;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(view, sizeof(view), "%s/%s", sys, entry->d_name);
		snprintf(number, sizeof(number), "%s/dev", view);
		if (!blockdev_number(number, &views->devices[views->count]))
			continue;
		views->count++;
		blocks = blocks_of(view);
		if (blocks > views->blocks)
			views->blocks = blocks;
	}
	if (dir)
		closedir(dir);
}

/* The generation that the device trusts; the UUID is in the first superblock. */
static int find_identity(const struct device *device, struct incr_identity *of)
{
	struct dm_incremental_info info;
	struct inc_super super;
	int err = device_info(device, &info);

	if (!err)
		err = device_read(device, 0, sizeof(super), &super);
	if (err)
		return err;
	memset(of, 0, sizeof(*of));
	memcpy(of->uuid, super.uuid, sizeof(of->uuid));
	of->generation = info.generation;
	of->root_size = info.digest_size;
	if (of->root_size > sizeof(of->root))
		return -EPROTO;
	memcpy(of->root, info.root_digest, of->root_size);
	return 0;
}

/* Until the loader's end. Return: 0 or -errno. */
static int record_until_end(struct recorder *recorder, int socket,
			    struct incr_error *error)
{
	struct pollfd fds[] = {
		{ .fd = record_fd(recorder), .events = POLLIN },
		{ .fd = socket, .events = POLLIN },
	};
	struct incr_error why;
	int err = 0, end;
	u64 reads;

	while (!err && !fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			err = record_take(recorder, error);
	}
	end = record_end(recorder, &reads, &why);
	if (!err && end)
		*error = why;
	return err ? err : end;
}

/* Whoever waits for the end of our files does not wait for this process. */
static void close_others(int fd, int socket)
{
	int most = fd > socket ? fd : socket, i;

	for (i = 0; i < most; i++)
		if (i != fd && i != socket)
			close(i);
	close_range((unsigned int)most + 1, ~0u, 0);
}

/* It tells the loader how the beginning went, and the end: "" is good. */
static void record(const struct views *views, bool all,
		   const struct incr_identity *of, int fd, const char *path,
		   int socket)
	__attribute__((noreturn));

static void record(const struct views *views, bool all,
		   const struct incr_identity *of, int fd, const char *path,
		   int socket)
{
	/* A signal for the whole group means incrementald, whose end we wait for. */
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
	struct incr_error error = { "" };
	struct recorder *recorder;
	size_t i;
	int err;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		signal(numbers[i], SIG_IGN);
	close_others(fd, socket);
	prctl(PR_SET_NAME, "incrementald:rc");
	err = record_begin(&recorder, views->devices, views->count, all, of,
			   views->blocks, fd, path, &error);
	/* If the loader was killed meanwhile, it cannot be told, and the end is here. */
	send(socket, &error, sizeof(error), 0);
	if (err)
		_exit(1);
	err = record_until_end(recorder, socket, &error);
	if (err)
		send(socket, &error, sizeof(error), MSG_NOSIGNAL);
	_exit(!!err);
}

static int start(struct recording *recording, const struct views *views,
		 const struct incr_identity *of, int fd, const char *path,
		 struct incr_error *error)
{
	int sockets[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return incr_fail(error, -errno, "cannot make a socket: %s",
				 strerror(errno));
	child = fork();
	if (!child)
		record(views, recording->ahead < 0, of, fd, path, sockets[1]);
	close(sockets[1]);
	if (child < 0 || recv(sockets[0], error, sizeof(*error), 0) !=
	    sizeof(*error))
		incr_fail(error, 0, "cannot start a process that records");
	if (child > 0 && !error->text[0]) {
		recording->socket = sockets[0];
		return 0;
	}
	close(sockets[0]);
	return -EIO;
}

/* It is as before. */
static void end_readahead(struct recording *recording)
{
	if (recording->ahead >= 0)
		close(recording->ahead);
	recording->ahead = -1;
}

int recording_start(struct recording *recording, const struct device *device,
		    const char *path, struct incr_error *error)
{
	struct views views = { .count = 0 };
	struct incr_identity of;
	int fd, err;

	recording->socket = recording->ahead = -1;
	if (!path)
		return 0;
	find_views(device->path, &views);
	if (!views.count)
		return incr_fail(error, -ENODEV,
				 "%s: no device has it open, so there are no reads to record",
				 device->path);
	err = find_identity(device, &of);
	if (err)
		return incr_fail(error, err, "%s: %s", device->path,
				 strerror(-err));
	fd = text_output_open(path, true, error);
	if (fd < 0)
		return fd;
	recording->ahead = node_stop_readahead(device->path, error);
	if (recording->ahead < 0)
		message_warning("%s; what the kernel reads ahead is recorded, too",
				error->text);
	err = start(recording, &views, &of, fd, path, error);
	if (err)
		end_readahead(recording);
	close(fd);
	return err;
}

void recording_end(struct recording *recording)
{
	struct incr_error error;

	if (recording->socket < 0)
		return;
	shutdown(recording->socket, SHUT_WR);
	while (recv(recording->socket, &error, sizeof(error), 0) ==
	       sizeof(error))
		message_error("%s", error.text);
	close(recording->socket);
	recording->socket = -1;
	end_readahead(recording);
}
