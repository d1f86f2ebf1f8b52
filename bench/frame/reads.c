// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a file, and prints what that has cost of a clock, in nanoseconds: a fio whose own start,
 * which is dear under a user-mode kernel, is not in the figure.
 *
 * usage: reads CLOCK FILE sequential|random BLOCK COUNT LIMIT [direct]
 *
 * CLOCK is a file with a number. Blocks are read from the start of FILE on, or each once at
 * random among the first LIMIT ones.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long long clock_now(int clock)
{
	char text[32] = "";

	if (pread(clock, text, sizeof(text) - 1, 0) <= 0)
		err(1, "the clock");
	return atoll(text);
}

/* The numbers below @limit in an order that is the same each time; the caller frees them. */
static uint32_t *shuffled(uint32_t limit)
{
	uint32_t *order = calloc(limit, sizeof(*order)), i, j, swap;
	uint64_t state = 1;

	if (!order)
		err(1, "memory");
	for (i = 0; i < limit; i++)
		order[i] = i;
	for (i = limit; i > 1; i--) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		j = (uint32_t)((state >> 33) % i);
		swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
	return order;
}

int main(int argc, char **argv)
{
	int clock, file, random, flags = O_RDONLY;
	uint32_t count, limit, i, *order;
	long long start;
	size_t block;
	void *buffer;

	if (argc != 7 && argc != 8)
		errx(2, "usage: reads CLOCK FILE sequential|random BLOCK COUNT LIMIT [direct]");
	random = !strcmp(argv[3], "random");
	block = strtoul(argv[4], NULL, 10);
	count = (uint32_t)strtoul(argv[5], NULL, 10);
	limit = (uint32_t)strtoul(argv[6], NULL, 10);
	if (!block || block % 4096 || block > 1 << 24 || !count || count > limit)
		errx(2, "BLOCK is a multiple of 4096, and COUNT is from 1 to LIMIT");
	if (argc == 8)
		flags |= O_DIRECT;
	clock = open(argv[1], O_RDONLY);
	file = open(argv[2], flags);
	if (clock < 0 || file < 0)
		err(1, "%s", clock < 0 ? argv[1] : argv[2]);
	if (posix_memalign(&buffer, 4096, block))
		errx(1, "memory");
	memset(buffer, 1, block);
	order = shuffled(limit);
	start = clock_now(clock);
	for (i = 0; i < count; i++) {
		if (pread(file, buffer, block, (off_t)(random ? order[i] : i) * (off_t)block) != (ssize_t)block)
			err(1, "%s: read %u", argv[2], i);
	}
	printf("%lld\n", clock_now(clock) - start);
	free(order);
	free(buffer);
	return 0;
}
