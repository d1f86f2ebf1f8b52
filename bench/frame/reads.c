// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a file, and prints what that has cost of a clock, in nanoseconds: a fio whose own start,
 * which is dear under a user-mode kernel, is not in the figure.
 *
 * usage: reads CLOCK FILE sequential|random|list BLOCK COUNT LIMIT [direct [each]]
 *
 * CLOCK is a file with a number, or "-" for the machine's clock. Blocks are read from the start of
 * FILE on, or each once at random among the first LIMIT ones, or those whose numbers are on
 * standard input. With "each" the median of single reads, and what 99 of 100 take at most, come
 * behind the sum.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long clock_now(int clock)
{
	char text[32] = "";
	struct timespec t;

	if (clock < 0) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
	}
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

/* Numbers below @limit from standard input, @count of them; the caller frees them. */
static uint32_t *listed(uint32_t count, uint32_t limit)
{
	uint32_t *order = calloc(count, sizeof(*order)), i;

	if (!order)
		err(1, "memory");
	for (i = 0; i < count; i++)
		if (scanf("%u", &order[i]) != 1 || order[i] >= limit)
			errx(1, "the list is not %u numbers below %u", count, limit);
	return order;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

/* Prints the @count times in @each, which it sorts. */
static void print_percentiles(long long *each, uint32_t count)
{
	qsort(each, count, sizeof(*each), compare);
	printf(" %lld %lld", each[count / 2], each[count - 1 - count / 100]);
}

int main(int argc, char **argv)
{
	int clock = -1, file, flags = O_RDONLY;
	uint32_t count, limit, i, *order = NULL;
	long long start, before, *each = NULL;
	size_t block;
	void *buffer;

	if (argc < 7 || argc > 9)
		errx(2, "usage: reads CLOCK FILE sequential|random|list BLOCK COUNT LIMIT [direct [each]]");
	block = strtoul(argv[4], NULL, 10);
	count = (uint32_t)strtoul(argv[5], NULL, 10);
	limit = (uint32_t)strtoul(argv[6], NULL, 10);
	if (!block || block % 4096 || block > 1 << 24 || !count || count > limit)
		errx(2, "BLOCK is a multiple of 4096, and COUNT is from 1 to LIMIT");
	if (argc > 7)
		flags |= O_DIRECT;
	if (strcmp(argv[1], "-")) {
		clock = open(argv[1], O_RDONLY);
		if (clock < 0)
			err(1, "%s", argv[1]);
	}
	file = open(argv[2], flags);
	if (file < 0)
		err(1, "%s", argv[2]);
	if (posix_memalign(&buffer, 4096, block))
		errx(1, "memory");
	memset(buffer, 1, block);
	if (!strcmp(argv[3], "random"))
		order = shuffled(limit);
	else if (!strcmp(argv[3], "list"))
		order = listed(count, limit);
	if (argc > 8) {
		each = calloc(count, sizeof(*each));
		if (!each)
			err(1, "memory");
	}
	start = before = clock_now(clock);
	for (i = 0; i < count; i++) {
		if (pread(file, buffer, block, (off_t)(order ? order[i] : i) * (off_t)block) != (ssize_t)block)
			err(1, "%s: read %u", argv[2], i);
		if (each) {
			each[i] = clock_now(clock) - before;
			before += each[i];
		}
	}
	printf("%lld", clock_now(clock) - start);
	if (each)
		print_percentiles(each, count);
	putchar('\n');
	free(each);
	free(order);
	free(buffer);
	return 0;
}
