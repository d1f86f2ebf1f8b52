// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In place of userspace/node/device.c: a device in memory, which no reader uses. Its name is that of
 * the complete image. What is filled has to be right; it only notes that it is there.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "node/device.h"

static const u8 *bytes;
static struct inc_segment segment;
/* A byte for each chunk; changed with @lock held. */
static _Atomic u8 *present;
static _Atomic u64 count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void set_present(const struct device *device, u64 offset, u64 length)
{
	u64 i;

	pthread_mutex_lock(&lock);
	for (i = offset / device->chunk; i < (offset + length) / device->chunk; i++) {
		count += !present[i];
		present[i] = 1;
	}
	pthread_mutex_unlock(&lock);
}

/* A head, and the bitmap behind it, are always there. */
int device_open(struct device *device, const char *name, struct incr_error *error)
{
	struct incr_image *image;
	int err = incr_image_open_file(&image, name, 0, error);
	struct stat st;
	int fd;

	if (err)
		return err;
	segment = *incr_image_segment(image);
	incr_image_close(image);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return incr_fail(error, -errno, "%s cannot be read", name);
	device->size = (u64)st.st_size;
	device->chunk = 1u << segment.chunk_shift;
	device->record = sizeof(struct dm_incremental_request);
	device->path = strdup(name);
	device->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	present = calloc(device->size / device->chunk, 1);
	bytes = mmap(NULL, device->size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (!device->path || device->fd < 0 || !present || bytes == MAP_FAILED)
		return incr_fail(error, -ENOMEM, "out of memory");
	set_present(device, 0, segment.bitmap_offset + segment.bitmap_size);
	return 0;
}

void device_close(struct device *device)
{
	(void)device;
}

int device_info(const struct device *device, struct dm_incremental_info *info)
{
	*info = (struct dm_incremental_info){
		.image_size = device->size,
		.present = count * device->chunk,
		.chunk_size = device->chunk,
		.generation = segment.generation,
		.digest_size = 32,
		.salt_size = segment.salt_size,
		.hash_name = "sha256",
	};
	memcpy(info->root_digest, segment.root_digest, 32);
	memcpy(info->salt, segment.salt, segment.salt_size);
	return 0;
}

int device_read(const struct device *device, u64 offset, u64 length, void *buffer)
{
	u64 i;

	for (i = offset / device->chunk; i * device->chunk < offset + length; i++)
		if (!present[i])
			return -ENODATA;
	memcpy(buffer, bytes + offset, length);
	return 0;
}

int device_fill(const struct device *device, u64 offset, u64 length, const void *data)
{
	if (memcmp(data, bytes + offset, length))
		abort();
	set_present(device, offset, length);
	return 0;
}

int device_next_missing(const struct device *device, u64 from, u64 before, u64 *start, u64 *end)
{
	u64 i = from / device->chunk, last = before / device->chunk;

	while (i < last && present[i])
		i++;
	*start = i * device->chunk;
	while (i < last && !present[i])
		i++;
	*end = i * device->chunk;
	return *start < *end;
}

int device_missing_hull(const struct device *device, u64 *start, u64 *end)
{
	u64 before = *end, from, to;

	if (!device_next_missing(device, *start, before, start, end))
		return 0;
	for (from = *end; device_next_missing(device, from, before, &from, &to); from = to)
		*end = to;
	return 1;
}

ssize_t device_requests(const struct device *device, struct dm_incremental_request *requests, size_t max)
{
	(void)device, (void)requests, (void)max;
	return 0;
}

int device_grow(struct device *device, const struct dm_incremental_info *info)
{
	(void)device, (void)info;
	return 0;
}

int device_unavailable(const struct device *device, u64 offset, u64 length)
{
	(void)device, (void)offset, (void)length;
	return 0;
}

int node_stop_readahead(const char *name, struct incr_error *error)
{
	return incr_fail(error, -ENOTTY, "%s has no readahead", name);
}

int device_commit(const struct device *device)
{
	(void)device;
	return 0;
}
