// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a read takes of an image that is elsewhere: "fetch IMAGE OFFSET LENGTH". Here
 * "elsewhere" is a file; a program would ask a server for these ranges.
 */
#include <errno.h>
#include <fcntl.h>
#include <incremental.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fetch(void *context, uint64_t offset, size_t length, void *buffer,
		 struct incremental_error *error)
{
	ssize_t got = pread(*(int *)context, buffer, length, (off_t)offset);

	if (got == (ssize_t)length) {
		printf("fetched %llu+%zu\n", (unsigned long long)offset, length);
		return 0;
	}
	snprintf(error->text, sizeof(error->text), "cannot fetch %llu+%zu: %s",
		 (unsigned long long)offset, length,
		 got < 0 ? strerror(errno) : "the image ends before");
	return -EIO;
}

int main(int argc, char **argv)
{
	struct incremental_image *image = NULL;
	struct incremental_range *ranges = NULL;
	struct incremental_error error;
	struct incremental_io io = { .read = fetch };
	uint64_t offset, length;
	size_t count, i;
	off_t size;
	int fd, ret;

	if (argc != 4) {
		fprintf(stderr, "usage: %s IMAGE OFFSET LENGTH\n", argv[0]);
		return 2;
	}
	offset = strtoull(argv[2], NULL, 0);
	length = strtoull(argv[3], NULL, 0);
	fd = open(argv[1], O_RDONLY);
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 0) {
		perror(argv[1]);
		return 1;
	}
	io.context = &fd;
	ret = incremental_open_io(&image, &io, (uint64_t)size,
				  INCREMENTAL_NEWEST, &error);
	if (!ret)
		ret = incremental_plan(image, offset, length, &ranges, &count,
				       &error);
	for (i = 0; !ret && i < count; i++)
		printf("takes %llu+%llu\n", (unsigned long long)ranges[i].offset,
		       (unsigned long long)ranges[i].length);
	incremental_free(ranges);
	incremental_close(image);
	close(fd);
	if (ret)
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
	return ret ? 1 : 0;
}
