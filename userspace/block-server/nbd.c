// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's nbd; see nbd.h. Each connection has a thread that receives requests;
 * replies are sent by whoever has read.
 */
#include <endian.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/nbd.h>
#include "block-server/jobs.h"
#include "block-server/nbd.h"
#include "common/message.h"
#include "common/modprobe.h"

#define DEVICES_MAX	256u
#define CONNECTIONS	4u
/* The kernel asks for less at a time. */
#define LENGTH_MAX	(32u << 20)
#define PAUSE		10000u	/* us */

/**
 * struct connection - a pair of sockets
 * @socket: ours, @kernel: the other end
 * @lock: of what is sent
 * @under_way: requests without a reply
 */
struct connection {
	const struct server *server;
	int socket, kernel;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t none;
	unsigned int under_way;
};

/**
 * struct request - of the kernel's
 * @handle: what the kernel knows it by
 */
struct request {
	struct job job;
	struct connection *connection;
	char handle[sizeof(((struct nbd_request *)NULL)->handle)];
	u8 bytes[];
};

/**
 * struct ender - a thread that ends what the main thread waits in
 */
struct ender {
	const struct server *server;
	u32 number;
	int device;
};

static bool send_all(int socket, struct iovec *parts, int count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = (size_t)count };

	while (message.msg_iovlen) {
		ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		while (message.msg_iovlen && (size_t)n >= message.msg_iov->iov_len) {
			n -= (ssize_t)message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen) {
			message.msg_iov->iov_base = (u8 *)message.msg_iov->iov_base + n;
			message.msg_iov->iov_len -= (size_t)n;
		}
	}
	return true;
}

static void reply(struct job *job)
{
	struct request *request = (struct request *)job;
	struct connection *connection = request->connection;
	struct nbd_reply header = {
		.magic = htobe32(NBD_REPLY_MAGIC),
		.error = htobe32(job->result ? EIO : 0),
	};
	struct iovec parts[] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = job->buffer, .iov_len = job->length },
	};

	memcpy(header.handle, request->handle, sizeof(header.handle));
	pthread_mutex_lock(&connection->lock);
	/* Whoever receives sees that the connection is broken. */
	send_all(connection->socket, parts, job->result || !job->length ? 1 : 2);
	if (!--connection->under_way)
		pthread_cond_signal(&connection->none);
	pthread_mutex_unlock(&connection->lock);
	free(request);
}

static bool receive(struct connection *connection, struct nbd_request *header)
{
	ssize_t n;

	do {
		n = recv(connection->socket, header, sizeof(*header), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*header) &&
	       be32toh(header->magic) == NBD_REQUEST_MAGIC &&
	       be32toh(header->type) != NBD_CMD_DISC;
}

static void *serve(void *context)
{
	struct connection *connection = context;
	struct nbd_request header;

	while (receive(connection, &header)) {
		u32 length = be32toh(header.len);
		bool reads = be32toh(header.type) == NBD_CMD_READ &&
			     length <= LENGTH_MAX;
		struct request *request = malloc(sizeof(*request) +
						 (reads ? length : 0));

		if (!request)
			break;
		request->job = (struct job){
			.offset = be64toh(header.from),
			.length = reads ? length : 0,
			.buffer = request->bytes,
			.done = reply,
			/* A flush has nothing to do; nothing else is offered. */
			.result = reads || be32toh(header.type) == NBD_CMD_FLUSH ?
				  0 : -EIO,
		};
		request->connection = connection;
		memcpy(request->handle, header.handle, sizeof(request->handle));
		pthread_mutex_lock(&connection->lock);
		connection->under_way++;
		pthread_mutex_unlock(&connection->lock);
		if (!reads || jobs_run(connection->server->jobs, &request->job))
			reply(&request->job);
	}
	/* The kernel has said good-bye, and waits for that. */
	shutdown(connection->socket, SHUT_RDWR);
	return NULL;
}

static int open_connection(struct connection *connection,
			   const struct server *server, int device)
{
	int pair[2];

	*connection = (struct connection){ .server = server, .socket = -1, .kernel = -1 };
	pthread_mutex_init(&connection->lock, NULL);
	pthread_cond_init(&connection->none, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	connection->socket = pair[0];
	connection->kernel = pair[1];
	if (ioctl(device, NBD_SET_SOCK, pair[1]))
		return -errno;
	connection->runs = !pthread_create(&connection->thread, NULL, serve,
					   connection);
	return connection->runs ? 0 : -EAGAIN;
}

static void close_connection(struct connection *connection)
{
	if (connection->socket >= 0)
		shutdown(connection->socket, SHUT_RDWR);
	if (connection->runs)
		pthread_join(connection->thread, NULL);
	pthread_mutex_lock(&connection->lock);
	while (connection->under_way)
		pthread_cond_wait(&connection->none, &connection->lock);
	pthread_mutex_unlock(&connection->lock);
	if (connection->socket >= 0)
		close(connection->socket);
	if (connection->kernel >= 0)
		close(connection->kernel);
	pthread_cond_destroy(&connection->none);
	pthread_mutex_destroy(&connection->lock);
}

int nbd_server(u32 number)
{
	char path[64];
	int process = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/block/" NBD_NAME "%u/pid", number);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &process) != 1)
		process = 0;
	fclose(file);
	return process;
}

/* A device that nobody serves, open. Return: as open(2). */
static int find_device(u32 *number, struct incr_error *error)
{
	char path[64];
	u32 i;

	if (access("/sys/block/" NBD_NAME "0", F_OK))
		modprobe("nbd");
	for (i = 0; i < DEVICES_MAX; i++) {
		int fd;

		snprintf(path, sizeof(path), "/sys/block/" NBD_NAME "%u", i);
		if (access(path, F_OK))
			break;
		if (nbd_server(i))
			continue;
		snprintf(path, sizeof(path), "/dev/" NBD_NAME "%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0) {
			*number = i;
			return fd;
		}
		if (errno != EBUSY)
			return incr_fail(error, -errno, "cannot open %s: %s",
					 path, strerror(errno));
	}
	return incr_fail(error, -ENODEV, i ? "each of the kernel's %u nbd devices is in use" :
			 "the kernel has no nbd: load nbd.ko", i);
}

static int describe(int device, u64 size)
{
	const unsigned long flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_READ_ONLY |
				    NBD_FLAG_CAN_MULTI_CONN;

	if (ioctl(device, NBD_SET_BLKSIZE, (unsigned long)INC_BLOCK_SIZE) ||
	    ioctl(device, NBD_SET_SIZE_BLOCKS, (unsigned long)(size >> INC_BLOCK_SHIFT)) ||
	    ioctl(device, NBD_SET_FLAGS, flags))
		return -errno;
	return 0;
}

static void *end_it(void *context)
{
	const struct ender *ender = context;
	int came;

	/* The main thread is about to connect it; nothing can be read before. */
	while (!nbd_server(ender->number) && !atomic_load(ender->server->stop))
		usleep(PAUSE);
	if (!atomic_load(ender->server->stop))
		ender->server->ready(NBD_NAME, ender->number);
	sigwait(&ender->server->end, &came);
	atomic_store(ender->server->stop, true);
	ioctl(ender->device, NBD_DISCONNECT);
	return NULL;
}

int nbd_serve(const struct server *server, struct incr_error *error)
{
	struct connection connections[CONNECTIONS];
	struct ender ender = { .server = server };
	unsigned int count = 0;
	pthread_t thread;
	bool runs = false;
	int err = 0;

	ender.device = find_device(&ender.number, error);
	if (ender.device < 0)
		return ender.device;
	while (!err && count < CONNECTIONS)
		err = open_connection(&connections[count++], server, ender.device);
	if (!err)
		err = describe(ender.device, server->size);
	if (!err)
		err = -pthread_create(&thread, NULL, end_it, &ender);
	if (!err) {
		runs = true;
		/* Until it is disconnected; the kernel writes this thread in "pid". */
		if (ioctl(ender.device, NBD_DO_IT) && !atomic_load(server->stop))
			err = -errno;
	}
	if (err)
		incr_fail(error, err, "cannot serve " NBD_NAME "%u: %s",
			  ender.number, strerror(-err));
	atomic_store(server->stop, true);
	if (runs) {
		pthread_kill(thread, SIGTERM);
		pthread_join(thread, NULL);
	}
	ioctl(ender.device, NBD_CLEAR_SOCK);
	while (count)
		close_connection(&connections[--count]);
	close(ender.device);
	return err;
}
