// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking a served device down; see stop.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "block-server/nbd.h"
#include "block-server/stop.h"
#include "block-server/ublk.h"
#include "common/parse.h"

#define PROGRAM		"incrementalblk"
/* How long a server may take to end. */
#define PAUSE		50000u	/* us */
#define ATTEMPTS	1200
/* So long another server may be about to take over. */
#define ORPHANED	60

int device_number(const char *device, const char *kind, u32 *number)
{
	u64 value;

	if (!strncmp(device, "/dev/", 5))
		device += 5;
	if (strncmp(device, kind, strlen(kind)) ||
	    parse_number(device + strlen(kind), 0, INT32_MAX, &value))
		return -EINVAL;
	*number = (u32)value;
	return 0;
}

/* A number that another process has by now must not be told to end. */
static bool is_server(int process)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", process);
	file = process > 0 ? fopen(path, "re") : NULL;
	if (!file)
		return false;
	if (fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
	return !strcmp(name, PROGRAM);
}

static int find_server(u32 number, bool by_ublk)
{
	struct incr_error ignored;
	struct ublk ublk;
	int process;

	if (!by_ublk)
		return nbd_server(number);
	process = ublk_open(&ublk, &ignored);
	ublk.number = number;
	if (!process)
		process = ublk_server(&ublk, &ignored);
	ublk_close(&ublk);
	return process;
}

static bool is_gone(const char *name, u32 number, bool by_ublk)
{
	char path[64];

	if (!by_ublk)
		return !nbd_server(number);
	snprintf(path, sizeof(path), "/sys/block/%s%u", name, number);
	return access(path, F_OK);
}

int stop_device(const char *device, struct incr_error *error)
{
	bool by_ublk = !device_number(device, UBLK_NAME, &(u32){ 0 });
	const char *name = by_ublk ? UBLK_NAME : NBD_NAME;
	int i, fd, asked = 0, orphaned = 0;
	char path[64];
	u32 number;

	if (device_number(device, name, &number))
		return incr_fail(error, -EINVAL, "\"%.64s\" is neither " UBLK_NAME "N nor " NBD_NAME "N",
				 device);
	snprintf(path, sizeof(path), "/dev/%s%u", name, number);
	if (is_gone(name, number, by_ublk))
		return incr_fail(error, -ENODEV, "nobody serves %s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_EXCL | O_NONBLOCK);
	if (fd < 0 && errno == EBUSY)
		return incr_fail(error, -EBUSY, "%s is in use", path);
	if (fd >= 0)
		close(fd);
	for (i = 0; i < ATTEMPTS; i++) {
		int process = find_server(number, by_ublk);

		/* A server notes what is present when its device is gone. */
		if (is_gone(name, number, by_ublk) && !is_server(asked))
			return 0;
		if (is_server(process)) {
			if (process != asked)
				kill(process, SIGTERM);
			asked = process;
			orphaned = 0;
		} else if (by_ublk && !is_gone(name, number, by_ublk) && ++orphaned > ORPHANED) {
			return ublk_remove(number, error);
		} else if (!by_ublk && process > 0) {
			return incr_fail(error, -EPERM,
					 "%s is served by another program, process %d",
					 path, process);
		}
		usleep(PAUSE);
	}
	return incr_fail(error, -ETIMEDOUT, "the server of %s does not end", path);
}
