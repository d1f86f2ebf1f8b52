// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recording; see record.h.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "libincremental/trace.h"
#include "record/event.h"
#include "record/instance.h"
#include "record/record.h"

#define BUFFER		65536u
#define BLOCK_SECTORS	(INC_BLOCK_SIZE / 512)

/**
 * struct recorder - a recording
 * @all: readahead counts
 * @begin: when it began, microseconds
 * @lost: events that the kernel had no room for
 * @text: of trace_pipe, @used bytes of a line that is not complete yet
 */
struct recorder {
	struct instance instance;
	FILE *file;
	const char *name;
	u64 blocks;
	bool all;
	u64 begin;
	u64 reads;
	u64 lost;
	size_t used;
	char text[BUFFER + 1];
};

static u64 microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

static int cannot_write(const struct recorder *recorder,
			struct incr_error *error)
{
	int err = errno ? -errno : -EIO;

	return incr_fail(error, err, "cannot write %s: %s", recorder->name,
			 strerror(-err));
}

static void free_recorder(struct recorder *recorder)
{
	instance_close(&recorder->instance);
	if (recorder->file)
		fclose(recorder->file);
	free(recorder);
}

int record_begin(struct recorder **result, const dev_t *devices,
		 unsigned int count, bool all, const struct incr_identity *of,
		 u64 blocks, int fd, const char *name, struct incr_error *error)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int copy, err;

	if (!recorder)
		return incr_fail(error, -ENOMEM, "out of memory");
	recorder->name = name;
	recorder->blocks = blocks;
	recorder->all = all;
	copy = dup(fd);
	recorder->file = copy < 0 ? NULL : fdopen(copy, "w");
	if (!recorder->file || !incr_trace_begin(recorder->file, of, blocks) ||
	    fflush(recorder->file)) {
		err = cannot_write(recorder, error);
		if (copy >= 0 && !recorder->file)
			close(copy);
		free_recorder(recorder);
		return err;
	}
	recorder->begin = microseconds();
	err = instance_open(&recorder->instance, devices, count, error);
	if (err) {
		free_recorder(recorder);
		return err;
	}
	*result = recorder;
	return 0;
}

int record_fd(const struct recorder *recorder)
{
	return recorder->instance.pipe;
}

/* The blocks that a read touches. */
static bool write_read(struct recorder *recorder, const struct event *event)
{
	u64 end = (event->sector + event->sectors + BLOCK_SECTORS - 1) /
		  BLOCK_SECTORS;
	struct incr_trace_read read = {
		.time = event->time > recorder->begin ?
			event->time - recorder->begin : 0,
		.block = event->sector / BLOCK_SECTORS,
		.pid = event->pid,
		.comm = event->comm,
	};

	if (end > recorder->blocks)
		end = recorder->blocks;
	if (read.block >= end)
		return true;
	read.count = end - read.block;
	recorder->reads++;
	return incr_trace_write(recorder->file, &read);
}

/* Take the whole lines; keep the rest. */
static bool take_lines(struct recorder *recorder)
{
	char *line = recorder->text, *end;
	bool good = true;

	recorder->text[recorder->used] = '\0';
	while (good && (end = strchr(line, '\n'))) {
		struct event event;

		*end = '\0';
		recorder->lost += event_lost(line);
		if (event_parse(line, &event) && event.read &&
		    (recorder->all || !event.ahead))
			good = write_read(recorder, &event);
		line = end + 1;
	}
	recorder->used -= (size_t)(line - recorder->text);
	memmove(recorder->text, line, recorder->used);
	/* No line is so long. */
	if (recorder->used == BUFFER)
		recorder->used = 0;
	return good;
}

int record_take(struct recorder *recorder, struct incr_error *error)
{
	ssize_t n;

	for (;;) {
		n = read(recorder->instance.pipe,
			 recorder->text + recorder->used,
			 BUFFER - recorder->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		recorder->used += (size_t)n;
		if (!take_lines(recorder))
			return cannot_write(recorder, error);
	}
	if (n < 0 && errno != EAGAIN)
		return incr_fail(error, -errno, "cannot read %s/trace_pipe: %s",
				 recorder->instance.path, strerror(errno));
	return fflush(recorder->file) ? cannot_write(recorder, error) : 0;
}

int record_end(struct recorder *recorder, u64 *reads, struct incr_error *error)
{
	u64 lost;
	int err;

	instance_stop(&recorder->instance);
	err = record_take(recorder, error);
	*reads = recorder->reads;
	lost = recorder->lost;
	if (!err && lost)
		err = incr_fail(error, -ENOBUFS,
				"%s lacks %llu reads, for which the kernel had no room: record less at a time",
				recorder->name, (unsigned long long)lost);
	free_recorder(recorder);
	return err;
}
