/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the kernel's trace_pipe with an event block:block_bio_queue.
 */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_COMM_MAX	16	/* with its zero: TASK_COMM_LEN */

/**
 * struct event - a bio that was submitted
 * @time: of the trace's clock, microseconds
 * @read: it reads
 * @ahead: the kernel reads ahead of a program
 * @sector: of 512 bytes, @sectors of them
 * @pid: of the process that submitted it, @comm its name
 */
struct event {
	uint64_t time;
	bool read;
	bool ahead;
	uint64_t sector;
	uint32_t sectors;
	uint32_t pid;
	char comm[EVENT_COMM_MAX];
};

/* @line has no line feed. Return: false: it is no such event. */
bool event_parse(const char *line, struct event *event);

/* The number of events that the kernel says here to have lost; 0: it does not. */
uint64_t event_lost(const char *line);

#endif /* RECORD_EVENT_H */
