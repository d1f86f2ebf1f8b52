// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read a device, and compare the bytes with those that it should have, or print the
 * exact results.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/fs.h>
#include "kernel/tools/loadertool/loadertool.h"

enum mode { DIRECT, BUFFERED, MMAP };

struct device {
	int fd;
	enum mode mode;
	u64 size;
	const u8 *map;
};

static void open_device(struct device *device, const char *path,
			const char *mode)
{
	struct stat st;

	if (!strcmp(mode, "direct"))
		device->mode = DIRECT;
	else if (!strcmp(mode, "buffered"))
		device->mode = BUFFERED;
	else if (!strncmp(mode, "mmap", 4))
		device->mode = MMAP;
	else
		usage();
	device->fd = open_or_die(path, O_RDONLY |
				 (device->mode == DIRECT ? O_DIRECT : 0));
	if (fstat(device->fd, &st))
		die(path);
	device->size = (u64)st.st_size;
	/* lseek() would wait for another's buffered read to end. */
	if (S_ISBLK(st.st_mode) &&
	    ioctl(device->fd, BLKGETSIZE64, &device->size))
		die(path);
	if (device->mode == MMAP) {
		device->map = mmap(NULL, device->size, PROT_READ, MAP_SHARED,
				   device->fd, 0);
		if (device->map == MAP_FAILED)
			die(path);
		/* A touch of a page is to read that page only. */
		if (!strcmp(mode, "mmap"))
			madvise((void *)device->map, device->size,
				MADV_RANDOM);
		catch_sigbus();
	}
}

/* 0, or the errno; a read is short only at the device's end. */
static int read_device(const struct device *device, void *buffer, size_t length,
		       u64 offset)
{
	size_t done = 0;

	if (device->mode == MMAP) {
		sigjmp_buf env;

		if (sigsetjmp(env, 1)) {
			bus_error = NULL;
			return EIO;	/* mmap knows no other */
		}
		bus_error = &env;
		memcpy(buffer, device->map + offset, length);
		bus_error = NULL;
		return 0;
	}
	while (done < length) {
		ssize_t r = pread(device->fd, (char *)buffer + done,
				  length - done, (off_t)(offset + done));

		if (r < 0)
			return errno;
		if (!r)
			return ENXIO;
		done += (size_t)r;
	}
	return 0;
}

/*
 * A run of blocks with one verdict, which is printed in one line; or, if each window
 * has a line, in one of the words between ";".
 */
struct verdict_run {
	const char *what;
	u64 first;
	u64 last;
	bool in_line;
	bool told;
};

static void tell_verdict(struct verdict_run *run, const char *what, u64 block)
{
	if (run->what && what && !strcmp(run->what, what) &&
	    block == run->last + 1) {
		run->last = block;
		return;
	}
	if (run->what) {
		printf("%s%s %" PRIu64 "-%" PRIu64 "%s",
		       run->in_line && run->told ? ";" : "", run->what,
		       run->first, run->last, run->in_line ? "" : "\n");
		run->told = true;
	}
	run->what = what;
	run->first = block;
	run->last = block;
}

/* Prints "EIO 8-15" and "differs 3-3", or nothing if every block is right. */
static bool scan_window(const struct device *device, int raw, u64 block,
			u64 end, bool in_line)
{
	u8 *buffer = alloc(INC_BLOCK_SIZE), *expect = alloc(INC_BLOCK_SIZE);
	struct verdict_run run = { .in_line = in_line };
	bool bad = false;
	int r;

	for (; block < end; block++) {
		const char *what = NULL;

		read_at(raw, expect, INC_BLOCK_SIZE, block * INC_BLOCK_SIZE);
		r = read_device(device, buffer, INC_BLOCK_SIZE,
				block * INC_BLOCK_SIZE);
		if (r)
			what = strerrorname_np(r);
		else if (memcmp(buffer, expect, INC_BLOCK_SIZE))
			what = "differs";
		if (what)
			bad = true;
		if (what || run.what)
			tell_verdict(&run, what, block);
	}
	tell_verdict(&run, NULL, 0);
	if (in_line)
		putchar('\n');
	free(buffer);
	free(expect);
	return bad;
}

int cmd_scan(int argc, char **argv)
{
	struct device device;
	bool bad = false;
	int raw, i;

	if (argc < 3 || !(argc & 1))
		usage();
	open_device(&device, argv[0], argv[2]);
	raw = open_or_die(argv[1], O_RDONLY);
	/* Readahead would hide the results of single blocks. */
	posix_fadvise(device.fd, 0, 0, POSIX_FADV_RANDOM);
	if (argc == 3)
		return scan_window(&device, raw, 0,
				   device.size / INC_BLOCK_SIZE, false);
	for (i = 3; i < argc; i += 2) {
		u64 first = number(argv[i]), count = number(argv[i + 1]);

		bad |= scan_window(&device, raw, first, first + count,
				   argc > 5);
	}
	return bad;
}

int cmd_compare(int argc, char **argv)
{
	struct device device;
	u64 offset, end, size;
	u8 *buffer, *expect;
	int raw, r;

	if (argc < 3 || argc == 5 || argc > 6)
		usage();
	open_device(&device, argv[0], argv[2]);
	raw = open_or_die(argv[1], O_RDONLY);
	size = argc > 3 ? number(argv[3]) : 1 << 20;
	offset = argc > 4 ? number(argv[4]) : 0;
	end = argc > 4 ? offset + number(argv[5]) : device.size;
	buffer = alloc(size);
	expect = alloc(size);
	while (offset < end) {
		u64 length = end - offset < size ? end - offset : size;

		if (read_at(raw, expect, length, offset) != length) {
			printf("%s is shorter\n", argv[1]);
			return 1;
		}
		r = read_device(&device, buffer, length, offset);
		if (r || memcmp(buffer, expect, length)) {
			printf("%s %" PRIu64 "+%" PRIu64 "\n",
			       r ? strerrorname_np(r) : "differs", offset,
			       length);
			return 1;
		}
		offset += length;
	}
	return 0;
}

/* What one of several readers has, and what it has found. */
struct reader {
	pthread_t thread;
	struct device *direct;
	struct device *buffered;
	int raw;
	u64 reads;
	u64 seed;
	u64 failed;
	u8 *buffer;
	u8 *expect;
};

static void prepare_reader(struct reader *reader)
{
	reader->buffer = alloc(64 * INC_BLOCK_SIZE);
	reader->expect = alloc(64 * INC_BLOCK_SIZE);
}

/* Read a random range, and say if that fails or gives other bytes. */
static void read_range(struct reader *reader)
{
	u64 blocks = reader->direct->size / INC_BLOCK_SIZE;
	u64 value = random_next(&reader->seed);
	u64 block = value % blocks;
	/* Mostly single blocks, now and then up to 64. */
	u64 count = value >> 61 ? 1 : 1 + (value >> 40) % 64;
	struct device *device = value >> 60 & 1 ? reader->direct :
						  reader->buffered;
	int r;

	if (count > blocks - block)
		count = blocks - block;
	read_at(reader->raw, reader->expect, count * INC_BLOCK_SIZE,
		block * INC_BLOCK_SIZE);
	r = read_device(device, reader->buffer, count * INC_BLOCK_SIZE,
			block * INC_BLOCK_SIZE);
	if (r || memcmp(reader->buffer, reader->expect,
			count * INC_BLOCK_SIZE)) {
		printf("%s %s %" PRIu64 "+%" PRIu64 "\n",
		       device == reader->direct ? "direct" : "buffered",
		       r ? strerrorname_np(r) : "differs", block, count);
		reader->failed++;
	}
}

static void *read_randomly(void *argument)
{
	struct reader *reader = argument;
	u64 i;

	prepare_reader(reader);
	for (i = 0; i < reader->reads; i++)
		read_range(reader);
	free(reader->buffer);
	free(reader->expect);
	return NULL;
}

int cmd_random(int argc, char **argv)
{
	struct device direct, buffered;
	u64 i, threads, failed = 0;
	struct reader *readers;
	int raw;

	if (argc != 5)
		usage();
	open_device(&direct, argv[0], "direct");
	open_device(&buffered, argv[0], "buffered");
	raw = open_or_die(argv[1], O_RDONLY);
	threads = number(argv[2]);
	readers = alloc(threads * sizeof(*readers));
	for (i = 0; i < threads; i++) {
		readers[i] = (struct reader) {
			.direct = &direct, .buffered = &buffered, .raw = raw,
			.reads = number(argv[3]),
			.seed = number(argv[4]) + i * 7919,
		};
		if (pthread_create(&readers[i].thread, NULL, read_randomly,
				   &readers[i]))
			die("thread");
	}
	for (i = 0; i < threads; i++) {
		pthread_join(readers[i].thread, NULL);
		failed += readers[i].failed;
	}
	return failed != 0;
}

/* What the processes of cmd_readers() share. */
struct readers_sum {
	_Atomic bool stop;
	_Atomic u64 reads;
	_Atomic u64 failed;
	_Atomic u64 longest;
};

static struct readers_sum *sum;

static void stop_readers(int signal)
{
	(void)signal;
	sum->stop = true;
}

/* One process of cmd_readers(). */
static void read_in_process(struct reader *reader, u64 pause)
{
	u64 i, took, longest;

	prepare_reader(reader);
	for (i = 0; !sum->stop && (!reader->reads || i < reader->reads); i++) {
		took = milliseconds();
		read_range(reader);
		took = milliseconds() - took;
		sum->reads++;
		longest = sum->longest;
		while (took > longest &&
		       !atomic_compare_exchange_weak(&sum->longest, &longest,
						     took))
			;
		if (pause)
			sleep_ms(random_next(&reader->seed) % (2 * pause));
	}
	sum->failed += reader->failed;
	fflush(stdout);
	_exit(0);
}

/*
 * Processes, as the kernel gives its turns to those. SIGTERM ends them after the reads
 * that they have begun.
 */
int cmd_readers(int argc, char **argv)
{
	struct sigaction end = { .sa_handler = stop_readers };
	struct device direct, buffered;
	u64 i, count;

	if (argc != 6)
		usage();
	sum = mmap(NULL, sizeof(*sum), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sum == MAP_FAILED || sigaction(SIGTERM, &end, NULL))
		die("readers");
	open_device(&direct, argv[0], "direct");
	open_device(&buffered, argv[0], "buffered");
	count = number(argv[2]);
	for (i = 0; i < count; i++) {
		struct reader reader = {
			.direct = &direct, .buffered = &buffered,
			.raw = open_or_die(argv[1], O_RDONLY),
			.reads = number(argv[3]),
			.seed = number(argv[5]) + i * 7919,
		};
		pid_t child = fork();

		if (child < 0)
			die("fork");
		if (!child)
			read_in_process(&reader, number(argv[4]));
		close(reader.raw);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	printf("reads=%" PRIu64 " failed=%" PRIu64 " longest=%" PRIu64 "\n",
	       sum->reads, sum->failed, sum->longest);
	return sum->failed != 0;
}

int cmd_dread(int argc, char **argv)
{
	struct device device;
	u64 length, start;
	int r;

	if (argc != 4)
		usage();
	open_device(&device, argv[0], argv[3]);
	length = number(argv[2]);
	posix_fadvise(device.fd, 0, 0, POSIX_FADV_RANDOM);
	start = milliseconds();
	r = read_device(&device, alloc(length), length, number(argv[1]));
	if (r)
		printf("%s %" PRIu64 "\n", strerrorname_np(r),
		       milliseconds() - start);
	else
		printf("%" PRIu64 " %" PRIu64 "\n", length,
		       milliseconds() - start);
	return 0;
}

struct single {
	pthread_t thread;
	const struct device *device;
	int raw;
	u64 block;
	int outcome;		/* an errno; -1 for other bytes */
};

static void *read_single(void *argument)
{
	u8 *buffer = alloc(INC_BLOCK_SIZE), *expect = alloc(INC_BLOCK_SIZE);
	struct single *single = argument;
	u64 offset = single->block * INC_BLOCK_SIZE;

	read_at(single->raw, expect, INC_BLOCK_SIZE, offset);
	single->outcome = read_device(single->device, buffer, INC_BLOCK_SIZE,
				      offset);
	if (!single->outcome && memcmp(buffer, expect, INC_BLOCK_SIZE))
		single->outcome = -1;
	free(buffer);
	free(expect);
	return NULL;
}

/* Read all blocks at a time, and print the number of each result. */
int cmd_each(int argc, char **argv)
{
	struct single *singles = NULL;
	struct device device;
	size_t count = 0, i, j, same;
	char line[32];
	int raw;

	if (argc != 2)
		usage();
	open_device(&device, argv[0], "direct");
	raw = open_or_die(argv[1], O_RDONLY);
	while (fgets(line, sizeof(line), stdin)) {
		singles = realloc(singles, (count + 1) * sizeof(*singles));
		if (!singles)
			die("realloc");
		singles[count++] = (struct single) {
			.device = &device, .raw = raw,
			.block = strtoull(line, NULL, 10),
		};
	}
	for (i = 0; i < count; i++)
		if (pthread_create(&singles[i].thread, NULL, read_single,
				   &singles[i]))
			die("thread");
	for (i = 0; i < count; i++)
		pthread_join(singles[i].thread, NULL);
	for (i = 0; i < count; i++) {
		int outcome = singles[i].outcome;

		for (same = 0, j = 0; j < count; j++)
			if (singles[j].outcome == outcome) {
				if (j < i)
					break;
				same++;
			}
		if (j == count)
			printf("%s %zu\n", outcome < 0 ? "differs" :
			       outcome ? strerrorname_np(outcome) : "right",
			       same);
	}
	free(singles);
	return 0;
}
