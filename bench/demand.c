// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random reads of 4 KiB, each once, past the page cache, with random pauses between them. Prints
 * how many nanoseconds each took.
 * usage: demand DEVICE FIRST COUNT READS PAUSE SEED
 *
 * Of the COUNT blocks from FIRST on; pauses are up to PAUSE milliseconds.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	4096u

static uint64_t state;

static uint64_t random_below(uint64_t limit)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % limit;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned char *read_before;
	uint64_t first, count, reads, pause, i;
	void *buffer;
	int fd;

	if (argc != 7)
		errx(1, "usage: demand DEVICE FIRST COUNT READS PAUSE SEED");
	first = strtoull(argv[2], NULL, 0);
	count = strtoull(argv[3], NULL, 0);
	reads = strtoull(argv[4], NULL, 0);
	pause = strtoull(argv[5], NULL, 0);
	state = strtoull(argv[6], NULL, 0);
	fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[1]);
	read_before = calloc(count, 1);
	if (reads > count || !read_before ||
	    posix_memalign(&buffer, BLOCK, BLOCK))
		errx(1, "out of memory, or more reads than blocks");
	for (i = 0; i < reads; i++) {
		uint64_t block, start;

		usleep((useconds_t)random_below(pause * 1000 + 1));
		do
			block = random_below(count);
		while (read_before[block]);
		read_before[block] = 1;
		start = now();
		if (pread(fd, buffer, BLOCK, (off_t)((first + block) * BLOCK)) !=
		    BLOCK)
			err(1, "block %llu", (unsigned long long)(first + block));
		printf("%llu\n", (unsigned long long)(now() - start));
	}
	return 0;
}
