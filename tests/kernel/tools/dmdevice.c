// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loop devices and mapped devices by ioctl; see dmdevice.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include "kernel/tools/dmdevice.h"

#define DM_BYTES	4096

int loop_attach(struct loop *loop, int file)
{
	struct loop_config config = { .fd = (uint32_t)file };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char path[32];
	int number, r = 0;

	if (control < 0)
		return -errno;
	number = ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		r = -errno;
	close(control);
	if (r)
		return r;
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	loop->number = (unsigned int)number;
	loop->fd = open(path, O_RDWR | O_CLOEXEC);
	if (loop->fd < 0)
		return -errno;
	if (ioctl(loop->fd, LOOP_CONFIGURE, &config)) {
		r = -errno;
		close(loop->fd);
	}
	return r;
}

int loop_resized(const struct loop *loop)
{
	return ioctl(loop->fd, LOOP_SET_CAPACITY) ? -errno : 0;
}

int loop_detach(struct loop *loop)
{
	int r = ioctl(loop->fd, LOOP_CLR_FD) ? -errno : 0;

	close(loop->fd);
	return r;
}

static int control_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	return fd;
}

/* @bytes: DM_BYTES, of which the header is filled in here. */
static int dm_call(unsigned long request, void *bytes, const char *name,
		   uint32_t flags)
{
	struct dm_ioctl *io = bytes;

	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = DM_BYTES;
	io->data_start = sizeof(*io);
	io->flags = flags;
	strncpy(io->name, name, sizeof(io->name) - 1);
	return ioctl(control_fd(), request, io) ? -errno : 0;
}

static int simple_call(unsigned long request, const char *name,
		       uint32_t flags)
{
	union {
		struct dm_ioctl io;
		char bytes[DM_BYTES];
	} all = { .bytes = "" };

	return dm_call(request, &all, name, flags);
}

static int load(const char *name, uint64_t sectors, const char *target,
		const char *parameters)
{
	union {
		struct dm_ioctl io;
		char bytes[DM_BYTES];
	} all = { .bytes = "" };
	struct dm_target_spec *spec =
		(void *)(all.bytes + sizeof(struct dm_ioctl));
	char *text = (char *)(spec + 1);
	size_t room = (size_t)(all.bytes + sizeof(all) - text);

	if (strlen(parameters) >= room)
		return -E2BIG;
	all.io.target_count = 1;
	spec->length = sectors;
	strncpy(spec->target_type, target, sizeof(spec->target_type) - 1);
	strcpy(text, parameters);
	return dm_call(DM_TABLE_LOAD, &all, name, DM_READONLY_FLAG);
}

int dm_create(const char *name, uint64_t sectors, const char *target,
	      const char *parameters, int *fd)
{
	union {
		struct dm_ioctl io;
		char bytes[DM_BYTES];
	} all = { .bytes = "" };
	char path[32];
	int r;

	r = dm_call(DM_DEV_CREATE, &all, name, DM_READONLY_FLAG);
	if (r)
		return r;
	r = load(name, sectors, target, parameters);
	if (!r)
		r = simple_call(DM_DEV_SUSPEND, name, DM_READONLY_FLAG);
	if (!r) {
		snprintf(path, sizeof(path), "/dev/dm-%u",
			 (unsigned int)minor(all.io.dev));
		*fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
		r = *fd < 0 ? -errno : 0;
	}
	if (r)
		dm_remove(name);
	return r;
}

int dm_remove(const char *name)
{
	const struct timespec pause = { 0, 1000000 };
	int r, tries;

	/* Another program that looks at new devices (blkid, say) soon closes them. */
	for (tries = 0; tries < 1000; tries++) {
		r = simple_call(DM_DEV_REMOVE, name, 0);
		if (r != -EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return r;
}
