// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions that the programs of the kernel tests share; see tool.h.
 */
#include <time.h>
#include "kernel/tools/tool.h"

_Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

u64 number(const char *text)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "%s: not a number: '%s'\n",
			program_invocation_short_name, text);
		exit(2);
	}
	return value;
}

int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	return fd;
}

void *alloc(size_t size)
{
	void *p;

	/* Never of size 0. */
	if (posix_memalign(&p, 65536, size ? size : 1)) {
		errno = ENOMEM;
		die("memory");
	}
	return p;
}

size_t read_at(int fd, void *buffer, size_t length, u64 offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t r = pread(fd, (char *)buffer + done, length - done,
				  (off_t)(offset + done));

		if (r < 0)
			die("read");
		if (!r)
			break;
		done += (size_t)r;
	}
	return done;
}

void write_at(int fd, const void *buffer, size_t length, u64 offset)
{
	while (length) {
		ssize_t r = pwrite(fd, buffer, length, (off_t)offset);

		if (r <= 0)
			die("write");
		buffer = (const char *)buffer + r;
		length -= (size_t)r;
		offset += (u64)r;
	}
}

u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

void sleep_ms(u64 ms)
{
	struct timespec time = { (time_t)(ms / 1000),
				 (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void print_hex(const u8 *bytes, u32 length)
{
	while (length--)
		printf("%02x", *bytes++);
}
