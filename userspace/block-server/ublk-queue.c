// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ublk's queues: each has a thread, the only one that may talk to the kernel about it.
 * Threads that have waited for a read give it back by a list and an eventfd.
 */
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/ublk_cmd.h>
#include "block-server/jobs.h"
#include "block-server/ublk.h"
#include "common/exitcode.h"
#include "common/message.h"

#define FETCH	UBLK_COMMAND(_IOC_READ | _IOC_WRITE, UBLK_IO_FETCH_REQ, struct ublksrv_io_cmd)
#define COMMIT	UBLK_COMMAND(_IOC_READ | _IOC_WRITE, UBLK_IO_COMMIT_AND_FETCH_REQ, \
			     struct ublksrv_io_cmd)

/* Of an entry, in place of a tag. */
#define EVENT	UINT64_MAX

/* How long udev, or devtmpfs, may take with a node. */
#define PAUSE		10000u	/* us */
#define ATTEMPTS	500

struct queue;

/**
 * struct tag - a request of the kernel's, one after the other
 * @next: finished ones
 */
struct tag {
	struct job job;
	struct queue *queue;
	struct tag *next;
	u16 number;
};

/**
 * struct queue - of a device
 * @file: /dev/ublkcN
 * @descriptors: what the kernel asks, by tags
 * @live: tags that the kernel has not taken away
 * @lock: protects @finished
 * @event: there are finished tags; @events is read from it
 * @fetched: up when the kernel has all tags, or @err
 */
struct queue {
	const struct server *server;
	const struct ublk *ublk;
	int file;
	u16 number;
	pthread_t thread;
	struct io_uring ring;
	const struct ublksrv_io_desc *descriptors;
	size_t mapped;
	struct tag *tags;
	u8 *buffers;
	unsigned int live;
	pthread_mutex_t lock;
	struct tag *finished;
	int event;
	u64 events;
	pthread_barrier_t *fetched;
	int err;
};

/* Runs in a thread of the jobs. */
static void finish(struct job *job)
{
	struct tag *tag = (struct tag *)job;
	struct queue *queue = tag->queue;
	u64 one = 1;
	bool first;

	pthread_mutex_lock(&queue->lock);
	first = !queue->finished;
	tag->next = queue->finished;
	queue->finished = tag;
	pthread_mutex_unlock(&queue->lock);
	if (first && write(queue->event, &one, sizeof(one)) != sizeof(one))
		message_error("cannot wake a queue: %s", strerror(errno));
}

/* An entry; the ring has one for each tag and for the event. */
static struct io_uring_sqe *next_entry(struct queue *queue)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&queue->ring);

	if (!entry) {
		io_uring_submit(&queue->ring);
		entry = io_uring_get_sqe(&queue->ring);
	}
	return entry;
}

/* Ask for a request, and with COMMIT give back the one before. */
static void ask(struct queue *queue, struct tag *tag, unsigned int number, int result)
{
	struct ublksrv_io_cmd command = {
		.q_id = queue->number,
		.tag = tag->number,
		.result = result,
		.addr = (uintptr_t)tag->job.buffer,
	};
	struct io_uring_sqe *entry = next_entry(queue);

	io_uring_prep_rw(IORING_OP_URING_CMD, entry, queue->file, NULL, 0, 0);
	entry->cmd_op = number;
	entry->user_data = tag->number;
	memcpy(entry->cmd, &command, sizeof(command));
}

static void give_back(struct queue *queue, struct tag *tag)
{
	ask(queue, tag, COMMIT, tag->job.result ? -EIO : (int)tag->job.length);
}

static void listen_for_finished(struct queue *queue)
{
	struct io_uring_sqe *entry = next_entry(queue);

	io_uring_prep_read(entry, queue->event, &queue->events,
			   sizeof(queue->events), 0);
	entry->user_data = EVENT;
}

static void give_back_finished(struct queue *queue)
{
	struct tag *tag, *next;

	pthread_mutex_lock(&queue->lock);
	tag = queue->finished;
	queue->finished = NULL;
	pthread_mutex_unlock(&queue->lock);
	for (; tag; tag = next) {
		next = tag->next;
		give_back(queue, tag);
	}
	listen_for_finished(queue);
}

static void take_request(struct queue *queue, struct tag *tag)
{
	const struct ublksrv_io_desc *what = &queue->descriptors[tag->number];
	u64 length = (u64)what->nr_sectors << 9;

	tag->job.offset = what->start_sector << 9;
	tag->job.length = (u32)length;
	if (ublksrv_get_op(what) != UBLK_IO_OP_READ ||
	    length > queue->ublk->buffer) {
		tag->job.result = -EIO;
		give_back(queue, tag);
	} else if (jobs_run(queue->server->jobs, &tag->job)) {
		give_back(queue, tag);
	}
}

static void serve(struct queue *queue)
{
	struct io_uring_cqe *end;
	unsigned int head, count;

	while (queue->live) {
		int err = io_uring_submit_and_wait(&queue->ring, 1);

		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY) {
			message_error("a queue cannot go on: %s", strerror(-err));
			return;
		}
		count = 0;
		io_uring_for_each_cqe(&queue->ring, head, end) {
			count++;
			if (end->user_data == EVENT)
				give_back_finished(queue);
			else if (end->res == UBLK_IO_RES_OK)
				take_request(queue, &queue->tags[end->user_data]);
			else
				queue->live--;
		}
		io_uring_cq_advance(&queue->ring, count);
	}
}

static int prepare(struct queue *queue)
{
	const struct ublk *ublk = queue->ublk;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t most = UBLK_MAX_QUEUE_DEPTH * sizeof(struct ublksrv_io_desc);
	void *map;
	u16 i;
	int err;

	queue->event = eventfd(0, EFD_CLOEXEC);
	if (queue->event < 0)
		return -errno;
	queue->mapped = (ublk->depth * sizeof(struct ublksrv_io_desc) + page - 1) &
			~(page - 1);
	map = mmap(NULL, queue->mapped, PROT_READ, MAP_SHARED | MAP_POPULATE,
		   queue->file, UBLKSRV_CMD_BUF_OFFSET + (off_t)(queue->number * most));
	if (map == MAP_FAILED)
		return -errno;
	queue->descriptors = map;
	map = mmap(NULL, (size_t)ublk->depth * ublk->buffer, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	queue->buffers = map == MAP_FAILED ? NULL : map;
	queue->tags = calloc(ublk->depth, sizeof(*queue->tags));
	if (!queue->buffers || !queue->tags)
		return -ENOMEM;
	err = io_uring_queue_init(2 * ublk->depth, &queue->ring, 0);
	if (err)
		return err;
	for (i = 0; i < ublk->depth; i++) {
		queue->tags[i] = (struct tag){
			.job.buffer = queue->buffers + (size_t)i * ublk->buffer,
			.job.done = finish,
			.queue = queue,
			.number = i,
		};
		ask(queue, &queue->tags[i], FETCH, 0);
	}
	listen_for_finished(queue);
	err = io_uring_submit(&queue->ring);
	queue->live = ublk->depth;
	return err < 0 ? err : 0;
}

/* The thread that fetches is the queue's for good, so all of it is done here. */
static void *run(void *context)
{
	struct queue *queue = context;

	queue->err = prepare(queue);
	pthread_barrier_wait(queue->fetched);
	if (!queue->err)
		serve(queue);
	/* Without it some reads would never end. */
	if (!atomic_load(queue->server->stop))
		kill(getpid(), SIGTERM);
	return NULL;
}

static void free_queue(struct queue *queue, const struct ublk *ublk)
{
	if (queue->ring.ring_fd > 0)
		io_uring_queue_exit(&queue->ring);
	if (queue->descriptors)
		munmap((void *)queue->descriptors, queue->mapped);
	if (queue->buffers)
		munmap(queue->buffers, (size_t)ublk->depth * ublk->buffer);
	if (queue->event >= 0)
		close(queue->event);
	free(queue->tags);
	pthread_mutex_destroy(&queue->lock);
}

static int open_file(const struct ublk *ublk, struct incr_error *error)
{
	char path[32];
	int i, fd;

	snprintf(path, sizeof(path), "/dev/ublkc%u", ublk->number);
	for (i = 0; i < ATTEMPTS; i++) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		/* The server before may not be gone for good. */
		if (errno != ENOENT && errno != EBUSY)
			break;
		usleep(PAUSE);
	}
	return incr_fail(error, -errno, "cannot open %s: %s", path,
			 strerror(errno));
}

/* Start the threads; *@started of them run, also after a failure. */
static int start_queues(const struct server *server, const struct ublk *ublk,
			int file, struct queue *queues, unsigned int *started,
			pthread_barrier_t *fetched, struct incr_error *error)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ublk->queues; i++) {
		queues[i] = (struct queue){
			.server = server, .ublk = ublk, .file = file,
			.number = (u16)i, .event = -1, .fetched = fetched,
		};
		pthread_mutex_init(&queues[i].lock, NULL);
		err = -pthread_create(&queues[i].thread, NULL, run, &queues[i]);
		if (err)
			break;
		++*started;
		/* One after the other: so that each can tell that it failed. */
		pthread_barrier_wait(fetched);
		err = queues[i].err;
	}
	return err ? incr_fail(error, err, "cannot serve a queue of ublk: %s",
			       strerror(-err)) : 0;
}

int ublk_serve(const struct server *server, u32 number, struct incr_error *error)
{
	bool anew = number != NO_DEVICE;
	unsigned int started = 0, i;
	struct queue *queues = NULL;
	pthread_barrier_t fetched;
	struct incr_error why;
	struct ublk ublk;
	int err, came, file = -1;

	err = ublk_open(&ublk, error);
	if (err) {
		ublk_close(&ublk);
		return err;
	}
	ublk.number = number;
	err = anew ? ublk_take_over(&ublk, error) :
		     ublk_add(&ublk, server->size, error);
	if (err) {
		ublk_close(&ublk);
		return err;
	}
	pthread_barrier_init(&fetched, NULL, 2);
	queues = calloc(ublk.queues, sizeof(*queues));
	err = queues ? 0 : incr_fail(error, -ENOMEM, "out of memory");
	if (!err) {
		file = open_file(&ublk, error);
		err = file < 0 ? file : 0;
	}
	if (!err)
		err = start_queues(server, &ublk, file, queues, &started,
				   &fetched, error);
	if (!err)
		err = ublk_start(&ublk, anew, error);
	if (!err) {
		server->ready(UBLK_NAME, ublk.number);
		sigwait(&server->end, &came);
	}
	atomic_store(server->stop, true);
	/* A device that could not be taken over stays for another one to try. */
	if ((!anew || !err) && ublk_stop(&ublk, &why))
		message_warning("%s", why.text);
	if (anew && err) {
		/* Its queues cannot be ended but by our own end. */
		message_error("%s", error->text);
		_exit(exitcode_of(err));
	}
	for (i = 0; i < started; i++)
		pthread_join(queues[i].thread, NULL);
	for (i = 0; i < started; i++)
		free_queue(&queues[i], &ublk);
	free(queues);
	pthread_barrier_destroy(&fetched);
	if (file >= 0)
		close(file);
	if (ublk_delete(&ublk, &why))
		message_warning("%s", why.text);
	ublk_close(&ublk);
	return err;
}
