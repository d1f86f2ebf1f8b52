// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Begin many fills at a time, each by a thread of its own.
 */
#include <pthread.h>
#include <sys/mman.h>
#include "kernel/tools/loadertool/loadertool.h"

struct flood {
	int node;
	u64 offset;
	u64 length;
	const u8 *source;
};

static void *fill(void *data)
{
	const struct flood *flood = data;

	if (pwrite(flood->node, flood->source, flood->length,
		   (off_t)flood->offset) < 0)
		return (void *)(intptr_t)errno;
	return NULL;
}

int cmd_flood(int argc, char **argv)
{
	pthread_t *threads;
	pthread_attr_t attr;
	struct flood flood;
	u64 count, i;
	void *error;
	int fd;

	if (argc != 5)
		usage();
	count = number(argv[1]);
	flood.offset = number(argv[2]);
	flood.length = number(argv[3]);
	flood.node = open_or_die(argv[0], O_RDWR);
	fd = open_or_die(argv[4], O_RDONLY);
	flood.source = mmap(NULL, flood.length, PROT_READ, MAP_SHARED, fd, 0);
	if (flood.source == MAP_FAILED)
		die("mmap");
	threads = alloc(count * sizeof(*threads));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < count; i++) {
		errno = pthread_create(&threads[i], &attr, fill, &flood);
		if (errno)
			die("pthread_create");
	}
	for (i = 0; i < count; i++) {
		pthread_join(threads[i], &error);
		puts(error ? strerrorname_np((int)(intptr_t)error) : "filled");
	}
	return 0;
}
