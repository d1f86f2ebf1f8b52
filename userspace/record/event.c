// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line of trace_pipe; see event.h. Such a line is
 *
 *	COMM-PID [CPU] FLAGS SECONDS.MICROSECONDS: block_bio_queue: MAJOR,MINOR
 *	RWBS SECTOR + SECTORS [COMM]
 *
 * A name may have any characters, but is too short to hold the event's: so what is
 * before that is read from its end on, and the name in brackets to the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record/event.h"

#define MARK	": block_bio_queue: "

/* Back over characters of @set before @at; or, with @not, all others. */
static const char *back(const char *start, const char *at, const char *set,
			bool not)
{
	while (at > start && !strchr(set, at[-1]) == not)
		at--;
	return at;
}

/* All that is before the event's name. */
static bool parse_start(const char *start, const char *end, struct event *event)
{
	const char *at = back(start, end, "0123456789.", false);
	unsigned long long seconds;
	unsigned int part;

	if (sscanf(at, "%llu.%6u:", &seconds, &part) != 2 || part > 999999)
		return false;
	event->time = seconds * 1000000 + part;
	at = back(start, at, " ", false);
	at = back(start, at, " ", true);	/* the flags */
	at = back(start, at, " ", false);
	at = back(start, at, "[", true);	/* the processor */
	if (at == start)
		return false;
	at = back(start, at - 1, " ", false);
	at = back(start, at, "0123456789", false);
	if (at == start || at[-1] != '-')
		return false;
	event->pid = (uint32_t)strtoul(at, NULL, 10);
	return true;
}

bool event_parse(const char *line, struct event *event)
{
	const char *mark = strstr(line, MARK), *name, *end;
	unsigned int major, minor, sectors;
	unsigned long long sector;
	char rwbs[16];
	int used = 0;
	size_t length;

	if (!mark || !parse_start(line, mark, event))
		return false;
	if (sscanf(mark + strlen(MARK), "%u,%u %15s %llu + %u [%n", &major,
		   &minor, rwbs, &sector, &sectors, &used) != 5 || !used)
		return false;
	name = mark + strlen(MARK) + used;
	end = strrchr(name, ']');
	if (!end)
		return false;
	length = (size_t)(end - name);
	if (length >= sizeof(event->comm))
		length = sizeof(event->comm) - 1;
	memcpy(event->comm, name, length);
	event->comm[length] = '\0';
	event->read = strchr(rwbs, 'R');
	event->ahead = event->read && strchr(rwbs, 'A');
	event->sector = sector;
	event->sectors = sectors;
	return true;
}

uint64_t event_lost(const char *line)
{
	unsigned long long lost;

	return sscanf(line, "CPU:%*u [LOST %llu EVENTS]", &lost) == 1 ? lost : 0;
}
