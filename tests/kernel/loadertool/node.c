// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exact calls on a store's node, with their exact results.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include "loadertool.h"

static void print_result(const char *what, long long r)
{
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %lld\n", what, r);
}

static void node_read(int node, size_t size)
{
	struct inc_request *requests = alloc(size);
	ssize_t r = read(node, requests, size);
	size_t i;

	print_result("read", r);
	for (i = 0; r > 0 && i < (size_t)r / sizeof(*requests); i++)
		print_request(stdout, &requests[i]);
	free(requests);
}

static void node_poll(int node, int timeout)
{
	struct pollfd fd = { node, POLLIN | POLLOUT, 0 };

	if (poll(&fd, 1, timeout) < 0)
		die("poll");
	printf("poll:%s%s%s%s\n", fd.revents & POLLIN ? " IN" : "",
	       fd.revents & POLLOUT ? " OUT" : "",
	       fd.revents & POLLERR ? " ERR" : "",
	       fd.revents & POLLHUP ? " HUP" : "");
}

/* Without a file, bytes that no image has there. */
static void node_write(int node, char **argv, int argc)
{
	u64 offset = number(argv[0]), length = number(argv[1]);
	u8 *buffer = alloc(length);
	int fd;

	if (argc > 2) {
		fd = open_or_die(argv[2], O_RDONLY);
		memset(buffer, 0, length);
		read_at(fd, buffer, length, argc > 3 ? number(argv[3]) : offset);
		close(fd);
	} else {
		memset(buffer, 0xa5, length);
	}
	print_result("write", pwrite(node, buffer, length, (off_t)offset));
	free(buffer);
}

/* As cat does, with a buffer of another size. */
static void node_stream(int node, const char *path, size_t size)
{
	int fd = open_or_die(path, O_RDONLY);
	u8 *buffer = alloc(size);
	long long total = 0;
	size_t done, n;
	ssize_t r = 0;

	while ((n = read_at(fd, buffer, size, (u64)total)) && r >= 0) {
		for (done = 0; done < n; done += (size_t)r) {
			r = write(node, buffer + done, n - done);
			if (r <= 0)
				break;
			total += r;
		}
		if (r == 0)
			break;
	}
	print_result("stream", r < 0 ? r : total);
	close(fd);
	free(buffer);
}

static void node_seek(int node, const char *whence, u64 offset)
{
	static const struct {
		const char *name;
		int whence;
	} names[] = {
		{ "set", SEEK_SET }, { "cur", SEEK_CUR }, { "end", SEEK_END },
		{ "data", SEEK_DATA }, { "hole", SEEK_HOLE },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(whence, names[i].name)) {
			print_result("seek", lseek(node, (off_t)offset,
						   names[i].whence));
			return;
		}
	usage();
}

static void node_walk(int node)
{
	off_t end = lseek(node, 0, SEEK_END), at = 0;

	while (at < end) {
		off_t hole = lseek(node, at, SEEK_HOLE);

		if (hole > at)
			printf("data %lld %lld\n", (long long)at,
			       (long long)hole);
		if (hole < 0 || hole >= end)
			break;
		at = lseek(node, hole, SEEK_DATA);
		if (at < 0)
			at = end;
		printf("hole %lld %lld\n", (long long)hole, (long long)at);
	}
}

static void node_unavailable(int node, u64 offset, u64 length)
{
	struct inc_unavailable range = { offset, length };

	print_result("unavailable", ioctl(node, INC_IOC_UNAVAILABLE, &range));
}

static void node_discard(int node, u64 offset, u64 length, u32 flags)
{
	struct inc_discard range = { offset, length, flags, 0 };

	print_result("discard", ioctl(node, INC_IOC_DISCARD, &range));
}

static void node_get(int node, u64 offset, u64 length, const char *path)
{
	u8 *expect = alloc(length), *buffer = alloc(length);
	struct inc_read read = { offset, length, (u64)(uintptr_t)buffer };
	int fd = open_or_die(path, O_RDONLY);
	int r = ioctl(node, INC_IOC_READ, &read);

	print_result("get", r);
	read_at(fd, expect, length, offset);
	if (!r)
		puts(memcmp(buffer, expect, length) ? "differs" : "same");
	close(fd);
	free(buffer);
	free(expect);
}

static void node_info(int node)
{
	struct inc_info info;

	memset(&info, 0x55, sizeof(info));
	if (ioctl(node, INC_IOC_INFO, &info)) {
		print_result("info", -1);
		return;
	}
	printf("image_size=%" PRIu64 "\npresent=%" PRIu64 "\nchunk_size=%u\n"
	       "generation=%u\nhash=%.32s\nroot=", (u64)info.image_size,
	       (u64)info.present, info.chunk_size, info.generation,
	       info.hash_name);
	print_hex(info.root_digest, info.digest_size);
	printf("\nsalt=");
	print_hex(info.salt, info.salt_size);
	putchar('\n');
}

static void node_command(int node, int argc, char **argv)
{
	const char *command = argv[0];

	argv++;
	argc--;
	if (!strcmp(command, "read") && argc == 1)
		node_read(node, number(argv[0]));
	else if (!strcmp(command, "nonblock") && !argc)
		fcntl(node, F_SETFL, O_NONBLOCK);
	else if (!strcmp(command, "poll") && argc == 1)
		node_poll(node, (int)number(argv[0]));
	else if (!strcmp(command, "write") && argc >= 2 && argc <= 4)
		node_write(node, argv, argc);
	else if (!strcmp(command, "stream") && argc == 2)
		node_stream(node, argv[0], number(argv[1]));
	else if (!strcmp(command, "seek") && argc == 2)
		node_seek(node, argv[0], number(argv[1]));
	else if (!strcmp(command, "fsync") && !argc)
		print_result("fsync", fsync(node));
	else if (!strcmp(command, "walk") && !argc)
		node_walk(node);
	else if (!strcmp(command, "unavailable") && argc == 2)
		node_unavailable(node, number(argv[0]), number(argv[1]));
	else if (!strcmp(command, "discard") && (argc == 2 || argc == 3))
		node_discard(node, number(argv[0]), number(argv[1]),
			     argc == 3 ? (u32)number(argv[2]) : 0);
	else if (!strcmp(command, "get") && argc == 3)
		node_get(node, number(argv[0]), number(argv[1]), argv[2]);
	else if (!strcmp(command, "info") && !argc)
		node_info(node);
	else if (!strcmp(command, "ioctl") && argc == 1)
		print_result("ioctl", ioctl(node, number(argv[0]), NULL));
	else
		usage();
	fflush(stdout);
}

static void node_line(int node, char *line)
{
	char *words[8], *save;
	int count = 0;

	for (line = strtok_r(line, " \n", &save); line && count < 8;
	     line = strtok_r(NULL, " \n", &save))
		words[count++] = line;
	if (count)
		node_command(node, count, words);
}

int cmd_node(int argc, char **argv)
{
	char line[512];
	int node, i;

	if (!argc)
		usage();
	node = open_or_die(argv[0], O_RDWR);
	if (argc == 1) {
		/* Whoever waits for it knows that the file is open. */
		puts("open");
		fflush(stdout);
		while (fgets(line, sizeof(line), stdin))
			node_line(node, line);
		return 0;
	}
	for (argv++, argc--; argc; argv += i, argc -= i) {
		for (i = 0; i < argc && strcmp(argv[i], ","); i++)
			;
		if (!i)
			usage();
		node_command(node, i, argv);
		if (i < argc)
			i++;
	}
	return 0;
}
