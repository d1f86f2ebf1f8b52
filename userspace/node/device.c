// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The node of an image; see device.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "libincremental/exact.h"
#include "node/device.h"

#define NODES	"/dev/incremental/"

/* Bytes of a request: as in the first version, and any that may come. */
#define REQUEST_SIZE_MIN	64
#define REQUEST_SIZE_MAX	1024
#define REQUESTS_MAX		64	/* at a time */

/* Does the store of block device @name have a node? Then its path, allocated. */
static char *node_of(const char *name)
{
	struct stat st;
	char *path;

	if (asprintf(&path, NODES "%s", name) < 0)
		return NULL;
	if (!stat(path, &st) && S_ISCHR(st.st_mode))
		return path;
	free(path);
	return NULL;
}

/* The node of a device that the dm device with directory @sys below /sys stands on. */
static char *node_below(const char *sys)
{
	struct dirent *entry;
	char *path, *node = NULL;
	DIR *slaves;

	if (asprintf(&path, "%s/slaves", sys) < 0)
		return NULL;
	slaves = opendir(path);
	free(path);
	while (slaves && !node && (entry = readdir(slaves)))
		if (entry->d_name[0] != '.')
			node = node_of(entry->d_name);
	if (slaves)
		closedir(slaves);
	return node;
}

/* The node of block device @dev itself, or of a device below it. */
static char *node_of_block(dev_t dev)
{
	char link[64], target[PATH_MAX], *name, *node;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	name = strrchr(target, '/');
	node = node_of(name ? name + 1 : target);
	return node ? node : node_below(link);
}

/* The node of the device-mapper device that has the name @name. */
static char *node_of_dm_name(const char *name)
{
	struct dirent *entry;
	char *node = NULL;
	DIR *blocks = opendir("/sys/block");

	while (blocks && !node && (entry = readdir(blocks))) {
		char path[PATH_MAX], line[256] = "";
		FILE *file;

		if (strncmp(entry->d_name, "dm-", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/dm/name",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = '\0';
		fclose(file);
		if (!strcmp(line, name)) {
			snprintf(path, sizeof(path), "/sys/block/%s",
				 entry->d_name);
			node = node_below(path);
		}
	}
	if (blocks)
		closedir(blocks);
	return node;
}

static char *find_node(const char *name)
{
	struct stat st;
	char *node = NULL;

	if (!strncmp(name, NODES, strlen(NODES)))
		return strdup(name);
	if (!strchr(name, '/')) {
		node = node_of(name);
		if (!node)
			node = node_of_dm_name(name);
	} else if (!stat(name, &st) && S_ISBLK(st.st_mode)) {
		node = node_of_block(st.st_rdev);
	}
	return node;
}

static int no_node(const char *name, struct incr_error *error)
{
	return incr_fail(error, -ENODEV,
			 "%s is not an incremental device and has none%s", name,
			 geteuid() ? " that this user can see; root is needed" :
			 "");
}

/* docs/abi.md says how a kernel's interface may differ from ours. */
static int check_features(struct device *device,
			  const struct dm_incremental_features *features,
			  struct incr_error *error)
{
	if (features->abi_version != DM_INCREMENTAL_ABI_VERSION)
		return incr_fail(error, -EPROTONOSUPPORT,
				 "%s has version %u of the module's interface, and this program knows version %u: install the tools that came with the module",
				 device->path, features->abi_version,
				 DM_INCREMENTAL_ABI_VERSION);
	if (features->request_size < REQUEST_SIZE_MIN ||
	    features->request_size > REQUEST_SIZE_MAX ||
	    features->request_size % 8)
		return incr_fail(error, -EPROTO,
				 "%s has requests of %u bytes, which is not possible: the module is not one that this program knows",
				 device->path, features->request_size);
	device->record = features->request_size;
	return 0;
}

static int not_ours(const struct device *device, int err,
		    struct incr_error *error)
{
	incr_fail(error, err, "%s is not an incremental device: %s",
		  device->path, strerror(-err));
	return err == -ENODEV ? err : -ENOTTY;
}

/* The version first: only then is it known what the other calls mean. */
static int look(struct device *device, struct incr_error *error)
{
	struct dm_incremental_features features = { 0 };
	struct dm_incremental_info info;
	struct stat st;
	int err;

	if (fstat(device->fd, &st) || !S_ISCHR(st.st_mode))
		return not_ours(device, -ENOTTY, error);
	if (ioctl(device->fd, DM_INCREMENTAL_IOC_FEATURES, &features))
		return not_ours(device, -errno, error);
	err = check_features(device, &features, error);
	if (err)
		return err;
	err = device_info(device, &info);
	if (!err && (info.chunk_size < INC_PAGE_SIZE ||
		     info.chunk_size & (info.chunk_size - 1) ||
		     info.chunk_size > 1u << INC_CHUNK_SHIFT_MAX))
		err = -EPROTO;
	device->size = 0;
	device->chunk = info.chunk_size;
	if (!err)
		err = device_grow(device, &info);
	return err ? not_ours(device, err, error) : 0;
}

int device_open(struct device *device, const char *name,
		struct incr_error *error)
{
	int err;

	device->fd = -1;
	device->path = find_node(name);
	if (!device->path)
		return no_node(name, error);
	device->fd = open(device->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (device->fd < 0) {
		err = -errno;
		incr_fail(error, err, "cannot open %s: %s%s", device->path,
			  strerror(-err),
			  err == -EACCES && geteuid() ? "; root is needed" : "");
		device_close(device);
		return err == -ENOENT ? -ENODEV : err;
	}
	err = look(device, error);
	if (err)
		device_close(device);
	return err;
}

int node_stop_readahead(const char *name, struct incr_error *error)
{
	char *path = find_node(name);
	int fd, err;

	if (!path)
		return no_node(name, error);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || ioctl(fd, DM_INCREMENTAL_IOC_NO_READAHEAD) ? -errno : 0;
	if (err) {
		incr_fail(error, err, "%s: readahead goes on: %s", path,
			  strerror(-err));
		if (fd >= 0)
			close(fd);
	}
	free(path);
	return err ? err : fd;
}

int device_grow(struct device *device, const struct dm_incremental_info *info)
{
	if (info->chunk_size != device->chunk ||
	    info->image_size < device->size ||
	    info->image_size > INC_IMAGE_SIZE_MAX ||
	    info->image_size % info->chunk_size)
		return -EPROTO;
	device->size = info->image_size;
	return 0;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
	free(device->path);
	device->path = NULL;
}

int device_info(const struct device *device, struct dm_incremental_info *info)
{
	memset(info, 0, sizeof(*info));
	return ioctl(device->fd, DM_INCREMENTAL_IOC_INFO, info) ? -errno : 0;
}

ssize_t device_requests(const struct device *device,
			struct dm_incremental_request *requests, size_t max)
{
	u8 records[REQUESTS_MAX * REQUEST_SIZE_MAX];
	size_t known = device->record < sizeof(*requests) ? device->record :
		       sizeof(*requests);
	ssize_t bytes, i;

	if (max > REQUESTS_MAX)
		max = REQUESTS_MAX;
	bytes = read(device->fd, records, max * device->record);
	if (bytes < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!bytes || bytes % device->record)
		return -EPROTO;
	memset(requests, 0, max * sizeof(*requests));
	for (i = 0; i < bytes / device->record; i++)
		memcpy(&requests[i], records + i * device->record, known);
	return bytes / device->record;
}

static int read_pages(const struct device *device, u64 offset, u64 length,
		      void *buffer)
{
	struct dm_incremental_read read = {
		.offset = offset,
		.buffer = (uintptr_t)buffer,
	};

	while (length) {
		read.length = length < DM_INCREMENTAL_READ_MAX ? length : DM_INCREMENTAL_READ_MAX;
		if (ioctl(device->fd, DM_INCREMENTAL_IOC_READ, &read)) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		read.offset += read.length;
		read.buffer += read.length;
		length -= read.length;
	}
	return 0;
}

int device_read(const struct device *device, u64 offset, u64 length,
		void *buffer)
{
	u8 page[INC_PAGE_SIZE], *to = buffer;

	while (length) {
		u64 skip = offset % INC_PAGE_SIZE;
		u64 n = length - length % INC_PAGE_SIZE;
		int err;

		if (skip || !n) {
			n = INC_PAGE_SIZE - skip;
			if (n > length)
				n = length;
			err = read_pages(device, offset - skip, INC_PAGE_SIZE,
					 page);
			memcpy(to, page + skip, n);
		} else {
			err = read_pages(device, offset, n, to);
		}
		if (err)
			return err;
		to += n;
		offset += n;
		length -= n;
	}
	return 0;
}

int device_fill(const struct device *device, u64 offset, u64 length,
		const void *data)
{
	return incr_write_exactly(device->fd, offset, data, length);
}

int device_unavailable(const struct device *device, u64 offset, u64 length)
{
	struct dm_incremental_unavailable range = { .offset = offset, .length = length };

	return ioctl(device->fd, DM_INCREMENTAL_IOC_UNAVAILABLE, &range) ? -errno : 0;
}

/* lseek() moves the file position, which nothing here uses. */
static int seek(const struct device *device, u64 from, int whence, u64 *found)
{
	off_t at = lseek(device->fd, (off_t)from, whence);

	if (at < 0 && errno == ENXIO)
		at = (off_t)device->size;
	if (at < 0)
		return -errno;
	*found = (u64)at;
	return 0;
}

int device_doubt(const struct device *device, u64 offset, u64 length)
{
	struct dm_incremental_discard range = {
		.offset = offset,
		.length = length,
		.flags = DM_INCREMENTAL_DISCARD_REFETCH,
	};

	return ioctl(device->fd, DM_INCREMENTAL_IOC_DISCARD, &range) ? -errno : 0;
}

int device_evict(const struct device *device, u64 offset, u64 length, bool cold)
{
	struct dm_incremental_discard range = {
		.offset = offset,
		.length = length,
		.flags = DM_INCREMENTAL_DISCARD_PUNCH | (cold ? DM_INCREMENTAL_DISCARD_COLD : 0),
	};

	return ioctl(device->fd, DM_INCREMENTAL_IOC_DISCARD, &range) ? -errno : 0;
}

int device_commit(const struct device *device)
{
	return fsync(device->fd) ? -errno : 0;
}

/* The next range that starts where @first finds and ends where @then does. */
static int next_range(const struct device *device, u64 from, u64 before,
		      int first, int then, u64 *start, u64 *end)
{
	int err;

	if (from >= before)
		return 0;
	err = seek(device, from, first, start);
	if (err)
		return err;
	if (*start < from)
		return -EPROTO;
	if (*start >= before)
		return 0;
	err = seek(device, *start, then, end);
	if (err)
		return err;
	if (*end <= *start)
		return -EPROTO;
	if (*end > before)
		*end = before;
	return 1;
}

int device_next_absent(const struct device *device, u64 from, u64 before,
		       u64 *start, u64 *end)
{
	return next_range(device, from, before, SEEK_HOLE, SEEK_DATA, start,
			  end);
}

int device_next_present(const struct device *device, u64 from, u64 before,
			u64 *start, u64 *end)
{
	return next_range(device, from, before, SEEK_DATA, SEEK_HOLE, start,
			  end);
}

int device_next_missing(const struct device *device, u64 from, u64 before,
			u64 *start, u64 *end)
{
	u64 first = from - from % device->chunk;
	struct dm_incremental_missing range = { .offset = first };

	if (before > device->size)
		before = device->size;
	if (from >= before)
		return 0;
	range.length = (before - first + device->chunk - 1) / device->chunk *
		       device->chunk;
	if (ioctl(device->fd, DM_INCREMENTAL_IOC_MISSING, &range)) {
		/* To an older module nothing is suspect. */
		if (errno == ENOTTY)
			return device_next_absent(device, from, before, start,
						  end);
		return errno == ENXIO ? 0 : -errno;
	}
	*start = range.offset > from ? range.offset : from;
	*end = range.offset + range.length < before ?
	       range.offset + range.length : before;
	return *end > *start ? 1 : -EPROTO;
}

int device_missing_hull(const struct device *device, u64 *start, u64 *end)
{
	u64 first, last, next_start, next_end;
	int found;

	found = device_next_missing(device, *start, *end, &first, &last);
	if (found <= 0)
		return found;
	while ((found = device_next_missing(device, last, *end, &next_start,
					    &next_end)) > 0)
		last = next_end;
	if (found < 0)
		return found;
	*start = first;
	*end = last;
	return 1;
}
