// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exact calls on a store's node, with their exact results.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include "kernel/tools/loadertool/loadertool.h"

/*
 * After "stalled" a call's memory is mapped from a device that the test has
 * suspended. Until the device is resumed the memory cannot be read, and the call
 * stalls in a page fault. The memory's contents go into the file below.
 */
static int stall_file = -1, stall_device = -1;
static off_t stall_offset;

static void *memory(const void *content, size_t size)
{
	void *at;

	if (stall_file < 0) {
		at = alloc(size);
		if (content)
			memcpy(at, content, size);
		return at;
	}
	if (content)
		write_at(stall_file, content, size, (u64)stall_offset);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, stall_device,
		  stall_offset);
	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

static void release(void *at, size_t size)
{
	if (stall_file < 0)
		free(at);
	else
		munmap(at, size);
}

static void print_result(const char *what, long long r)
{
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %lld\n", what, r);
}

static void node_stalled(const char *file, const char *device, u64 offset)
{
	stall_file = open_or_die(file, O_RDWR);
	stall_device = open_or_die(device, O_RDONLY);
	stall_offset = (off_t)offset;
}

static void node_read(int node, size_t size)
{
	struct dm_incremental_request *requests = memory(NULL, size);
	ssize_t r = read(node, requests, size);
	size_t i;

	print_result("read", r);
	for (i = 0; r > 0 && i < (size_t)r / sizeof(*requests); i++)
		print_request(stdout, &requests[i]);
	release(requests, size);
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
	u8 *buffer = alloc(length), *at;
	int fd;

	if (argc > 2) {
		fd = open_or_die(argv[2], O_RDONLY);
		memset(buffer, 0, length);
		read_at(fd, buffer, length, argc > 3 ? number(argv[3]) : offset);
		close(fd);
	} else {
		memset(buffer, 0xa5, length);
	}
	at = memory(buffer, length);
	print_result("write", pwrite(node, at, length, (off_t)offset));
	release(at, length);
	free(buffer);
}

/* In two parts, of which only the second one can stall. */
static void node_writev(int node, u64 offset, u64 first, u64 second, const char *path)
{
	u8 *buffer = alloc(first + second);
	struct iovec parts[2] = {
		{ buffer, first }, { NULL, second }
	};
	int fd = open_or_die(path, O_RDONLY);

	read_at(fd, buffer, first + second, offset);
	close(fd);
	parts[1].iov_base = memory(buffer + first, second);
	print_result("writev", pwritev(node, parts, 2, (off_t)offset));
	release(parts[1].iov_base, second);
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

/* The ranges that a fill would write; lseek() does not show suspect ones. */
static void node_missing(int node)
{
	off_t end = lseek(node, 0, SEEK_END);
	struct dm_incremental_missing range = { .length = (u64)end };

	while (range.offset < (u64)end) {
		range.length = (u64)end - range.offset;
		if (ioctl(node, DM_INCREMENTAL_IOC_MISSING, &range)) {
			if (errno != ENXIO)
				print_result("missing", -1);
			return;
		}
		printf("missing %" PRIu64 " %" PRIu64 "\n", (u64)range.offset,
		       (u64)(range.offset + range.length));
		range.offset += range.length;
	}
}

static void node_missing_in(int node, u64 offset, u64 length)
{
	struct dm_incremental_missing range = {
		.offset = offset, .length = length,
	};

	print_result("missing", ioctl(node, DM_INCREMENTAL_IOC_MISSING, &range));
}

static void node_unavailable(int node, u64 offset, u64 length)
{
	struct dm_incremental_unavailable range = {
		.offset = offset, .length = length,
	};
	void *at = memory(&range, sizeof(range));

	print_result("unavailable", ioctl(node, DM_INCREMENTAL_IOC_UNAVAILABLE, at));
	release(at, sizeof(range));
}

static void node_discard(int node, u64 offset, u64 length, u32 flags)
{
	struct dm_incremental_discard range = { offset, length, flags, 0 };
	void *at = memory(&range, sizeof(range));

	print_result("discard", ioctl(node, DM_INCREMENTAL_IOC_DISCARD, at));
	release(at, sizeof(range));
}

static void node_get(int node, u64 offset, u64 length, const char *path)
{
	u8 *expect = alloc(length), *buffer = memory(NULL, length);
	struct dm_incremental_read read = {
		.offset = offset, .length = length,
		.buffer = (uintptr_t)buffer,
	};
	int fd = open_or_die(path, O_RDONLY);
	int r = ioctl(node, DM_INCREMENTAL_IOC_READ, &read);

	print_result("get", r);
	read_at(fd, expect, length, offset);
	if (!r)
		puts(memcmp(buffer, expect, length) ? "differs" : "same");
	close(fd);
	release(buffer, length);
	free(expect);
}

/* The same where it is the arguments that stall; nothing is compared. */
static void node_read_arguments(int node, u64 offset, u64 length)
{
	u8 *buffer = alloc(length);
	struct dm_incremental_read read = {
		.offset = offset, .length = length,
		.buffer = (uintptr_t)buffer,
	};
	void *at = memory(&read, sizeof(read));

	print_result("get", ioctl(node, DM_INCREMENTAL_IOC_READ, at));
	release(at, sizeof(read));
	free(buffer);
}

static void node_info(int node)
{
	struct dm_incremental_info info, *at;
	int r;

	memset(&info, 0x55, sizeof(info));
	at = memory(&info, sizeof(info));
	r = ioctl(node, DM_INCREMENTAL_IOC_INFO, at);
	if (r) {
		print_result("info", r);
		release(at, sizeof(info));
		return;
	}
	info = *at;
	release(at, sizeof(info));
	printf("image_size=%" PRIu64 "\npresent=%" PRIu64 "\nchunk_size=%u\n"
	       "generation=%u\nhash=%.32s\nroot=", (u64)info.image_size,
	       (u64)info.present, info.chunk_size, info.generation,
	       info.hash_name);
	print_hex(info.root_digest, info.digest_size);
	printf("\nsalt=");
	print_hex(info.salt, info.salt_size);
	putchar('\n');
}

static void node_features(int node)
{
	struct dm_incremental_features features;

	memset(&features, 0x55, sizeof(features));
	if (ioctl(node, DM_INCREMENTAL_IOC_FEATURES, &features))
		die("features");
	printf("version=%u request=%u features=%" PRIx64 " reserved=%" PRIx64 ",%" PRIx64 "\n",
	       features.abi_version, features.request_size,
	       (u64)features.features, (u64)features.reserved[0],
	       (u64)features.reserved[1]);
}

/* With bit @bit set of the bytes of @argument from @from on; none for SIZE_MAX. */
static bool is_refused(int node, unsigned long request, size_t from, size_t bit)
{
	static u8 page[INC_PAGE_SIZE] __attribute__((aligned(INC_PAGE_SIZE)));
	union {
		struct dm_incremental_read read;	/* all begin as it does */
		u8 bytes[64];
	} argument = {
		.read = { .offset = 1 << 20, .length = sizeof(page) },
	};

	if (request == DM_INCREMENTAL_IOC_READ)
		argument.read.buffer = (uintptr_t)page;
	if (bit != SIZE_MAX)
		argument.bytes[from + bit / 8] = (u8)(1 << bit % 8);
	return ioctl(node, request, &argument) < 0 && errno == EINVAL;
}

/*
 * Try each call that takes a structure, for the block after the first MiB, with each
 * unknown bit of its flags, and each bit of its reserved fields. Prints the calls
 * that succeed, and the number of those that are refused.
 */
static void node_unknown(int node)
{
	static const struct {
		const char *name;
		unsigned long request;
		size_t from, to;	/* flags and reserved fields */
		unsigned int known;	/* flags */
	} calls[] = {
#define CALL(name, number, known)						\
	{ #name, number, offsetof(struct dm_incremental_##name, flags),		\
	  sizeof(struct dm_incremental_##name), known }
		CALL(unavailable, DM_INCREMENTAL_IOC_UNAVAILABLE, 0),
		CALL(read, DM_INCREMENTAL_IOC_READ, 0),
		CALL(discard, DM_INCREMENTAL_IOC_DISCARD, 3),
		CALL(missing, DM_INCREMENTAL_IOC_MISSING, 0),
#undef CALL
	};
	unsigned int refused = 0;
	size_t i, bit;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (is_refused(node, calls[i].request, 0, SIZE_MAX))
			printf("%s is refused without any\n", calls[i].name);
		for (bit = calls[i].known; bit < 8 * (calls[i].to - calls[i].from); bit++)
			if (is_refused(node, calls[i].request, calls[i].from, bit))
				refused++;
			else
				printf("%s takes bit %zu\n", calls[i].name, bit);
	}
	printf("%u refused\n", refused);
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
	else if (!strcmp(command, "stalled") && argc == 3)
		node_stalled(argv[0], argv[1], number(argv[2]));
	else if (!strcmp(command, "writev") && argc == 4)
		node_writev(node, number(argv[0]), number(argv[1]), number(argv[2]), argv[3]);
	else if (!strcmp(command, "get") && argc == 2)
		node_read_arguments(node, number(argv[0]), number(argv[1]));
	else if (!strcmp(command, "stream") && argc == 2)
		node_stream(node, argv[0], number(argv[1]));
	else if (!strcmp(command, "seek") && argc == 2)
		node_seek(node, argv[0], number(argv[1]));
	else if (!strcmp(command, "fsync") && !argc)
		print_result("fsync", fsync(node));
	else if (!strcmp(command, "walk") && !argc)
		node_walk(node);
	else if (!strcmp(command, "missing") && !argc)
		node_missing(node);
	else if (!strcmp(command, "missing") && argc == 2)
		node_missing_in(node, number(argv[0]), number(argv[1]));
	else if (!strcmp(command, "unavailable") && argc == 2)
		node_unavailable(node, number(argv[0]), number(argv[1]));
	else if (!strcmp(command, "discard") && (argc == 2 || argc == 3))
		node_discard(node, number(argv[0]), number(argv[1]),
			     argc == 3 ? (u32)number(argv[2]) : 0);
	else if (!strcmp(command, "get") && argc == 3)
		node_get(node, number(argv[0]), number(argv[1]), argv[2]);
	else if (!strcmp(command, "info") && !argc)
		node_info(node);
	else if (!strcmp(command, "features") && !argc)
		node_features(node);
	else if (!strcmp(command, "unknown") && !argc)
		node_unknown(node);
	else if (!strcmp(command, "readers") && !argc)
		show_readers = true;
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
		/* The test waits for this line: the file is open. */
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
