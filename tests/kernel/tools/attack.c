// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile images on the real module: good images are edited (tests/fuzz/edit.h),
 * by a seed, put behind a loop device, opened, read and closed, thousands of them.
 * A read may fail, but with the true root digest in the table it never gives wrong
 * bytes; with the root that the image itself names, it gives the same bytes as
 * libincremental.
 *
 * A part of the images is local and empty, and a loader fills them from the edited
 * image; see usage().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/dm-incremental.h>
#include "fuzz/edit.h"
#include "kernel/tools/dmdevice.h"
#include "libincremental/incremental.h"

#define SEEDS_MAX	32
#define WORKERS_MAX	16
#define SCRIPT_MAX	28u
#define READ_BLOCKS	64u		/* in one read */
#define SINGLE_BLOCKS	24u		/* read one by one, of those that fail */
#define COMPARE_BLOCKS	16u		/* read by libincremental, too */
#define LARGE_BLOCKS	4096u		/* devices above are read in part */

struct seed {
	char name[64];
	u8 *bytes;
	size_t size;
	u8 *raw;
	size_t raw_size;
	struct inc_segment seg;		/* the newest */
};

enum outcome { REFUSED, ERRORS, WHOLE, OUTCOMES };

/* Of all workers, in memory that they share. */
struct counts {
	_Atomic u64 outcomes[OUTCOMES];
	_Atomic u64 with_loader;
	_Atomic u64 blocks;		/* read and right */
	_Atomic u64 errors;		/* reads of one block that failed */
	_Atomic u64 filled;		/* requests that a loader answered */
	_Atomic u64 wrong;		/* faults of the module */
};

static struct {
	u64 seed, first, count;
	u32 workers;
	u32 loader_percent;
	u64 memory_kib;			/* bound for all workers together */
	u64 progress;			/* seconds from one line to the next, or 0 */
	const char *directory;
} options = {
	.seed = 1, .count = 1000, .workers = 4, .loader_percent = 20,
	.memory_kib = 65536,
};

static struct seed seeds[SEEDS_MAX];
static u32 seed_count;
static struct counts *counts;

/* The state of one worker. */
struct worker {
	u32 number;
	int file;
	struct loop loop;
	char name[32];			/* of the mapped device */
	struct edit_image image;
	const struct seed *seed;
	u64 index;			/* number of the image */
	bool follow;			/* the root is the image's own */
	bool loaded;			/* there is a loader */
	struct incr_image *reader;	/* the same image, in libincremental */
	u32 compared;
	u64 blocks;
	u8 *buffer, *expected;
	int stop;			/* eventfd for the loader */
	int node;
};

static _Noreturn void usage(int status)
{
	fputs("Usage: attack [OPTION]... DIRECTORY\n"
	      "\n"
	      "Edit the images NAME.inc in DIRECTORY (with NAME.raw, what they read as) in\n"
	      "ways that a seed decides; open, read and close each with the kernel.\n"
	      "\n"
	      "  --seed N      another seed, other images (1)\n"
	      "  --first N     start with this image (0)\n"
	      "  --count N     so many images (1000)\n"
	      "  --workers N   at a time (4)\n"
	      "  --loader N    per cent of them are filled by a loader (20)\n"
	      "  --memory KIB  that much kernel memory at most is taken meanwhile (65536)\n"
	      "  --progress N  say every N seconds how far it is\n",
	      status ? stderr : stdout);
	exit(status);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void wrong(const struct worker *worker, const char *what, u64 block)
{
	counts->wrong++;
	printf("image %llu (of %s): %s, block %llu; see it again with --seed %llu --first %llu --count 1\n",
	       (unsigned long long)worker->index, worker->seed->name, what,
	       (unsigned long long)block, (unsigned long long)options.seed,
	       (unsigned long long)worker->index);
	fflush(stdout);
}

static u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* ---- good images ---- */

static u8 *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	u8 *bytes;

	if (fd < 0 || fstat(fd, &status))
		die(path);
	*size = (size_t)status.st_size;
	bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		die(path);
	close(fd);
	return bytes;
}

static int is_image(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && length < sizeof(seeds->name) &&
	       !strcmp(entry->d_name + length - 4, ".inc");
}

static void load_seeds(const char *directory)
{
	struct dirent **names;
	int i, n = scandir(directory, &names, is_image, alphasort);

	for (i = 0; i < n && seed_count < SEEDS_MAX; i++) {
		struct seed *seed = &seeds[seed_count++];
		struct inc_segment seg[EDIT_SEGMENTS];
		char path[PATH_MAX];
		const char *why;
		int segments;

		snprintf(seed->name, sizeof(seed->name), "%.*s",
			 (int)strlen(names[i]->d_name) - 4, names[i]->d_name);
		snprintf(path, sizeof(path), "%s/%s.inc", directory, seed->name);
		seed->bytes = read_file(path, &seed->size);
		segments = edit_segments(seed->bytes, seed->size, seg, &why);
		if (segments < 0) {
			fprintf(stderr, "attack: %s: %s\n", path, why);
			exit(2);
		}
		seed->seg = seg[segments - 1];
		snprintf(path, sizeof(path), "%s/%s.raw", directory, seed->name);
		seed->raw = read_file(path, &seed->raw_size);
	}
	if (!seed_count)
		die(directory);
}

/* ---- the image that a worker attacks with ---- */

static void make_image(struct worker *worker, u64 *state)
{
	struct edit_image *image = &worker->image;
	u8 script[SCRIPT_MAX];
	u32 length, i;

	worker->seed = &seeds[random_next(state) % seed_count];
	free(image->bytes);
	image->room = 4 * worker->seed->size;
	image->bytes = malloc(image->room);
	if (!image->bytes ||
	    edit_load(image, worker->seed->bytes, worker->seed->size))
		die("an image");
	length = 4 + (u32)(random_next(state) % (SCRIPT_MAX - 4));
	for (i = 0; i < length; i++)
		script[i] = (u8)random_next(state);
	/* Mostly the newest generation, which exists. */
	if (random_next(state) % 8)
		script[0] |= EDIT_GENERATION;
	/* Mostly right digests: a wrong one hides the rest. */
	if (random_next(state) % 16)
		script[0] &= (u8)~EDIT_OLD_HEAD;
	edit_apply(image, script, length);
	worker->follow = image->flags & EDIT_FOLLOW;
	worker->loaded = random_next(state) % 100 < options.loader_percent;
}

static void write_bytes(const struct worker *worker, u64 offset,
			const u8 *bytes, size_t length)
{
	while (length) {
		ssize_t r = pwrite(worker->file, bytes, length,
				   (off_t)offset);

		if (r <= 0)
			die("writing an image");
		bytes += r;
		offset += (u64)r;
		length -= (size_t)r;
	}
}

/* All of it, or for a loader the heads only: nothing else is present. */
static void write_image(struct worker *worker)
{
	const struct edit_image *image = &worker->image;
	u64 size = image->size & ~511ull, end = image->stored;
	u32 i;

	if (size < INC_BLOCK_SIZE)
		size = INC_BLOCK_SIZE;
	if (ftruncate(worker->file, 0) ||
	    ftruncate(worker->file, (off_t)size))
		die("an image's size");
	if (end > size)
		end = size;
	if (!worker->loaded) {
		write_bytes(worker, 0, image->bytes, end);
	} else {
		for (i = 0; i < image->segments; i++) {
			u64 from = image->seg[i].offset;
			u64 to = image->seg[i].bitmap_offset;

			if (to <= end)
				write_bytes(worker, from, image->bytes + from,
					    to - from);
		}
	}
	if (loop_resized(&worker->loop))
		die("the loop device's size");
}

static int read_edited(void *context, u64 offset, size_t length, void *buffer,
		       struct incr_error *error)
{
	(void)error;
	edit_read(context, offset, length, buffer);
	return 0;
}

static void hex(const u8 *bytes, u32 length, char *text)
{
	if (length)
		incr_hex_format(bytes, length, text);
	else
		strcpy(text, "-");
}

/* The table, with the trusted size, root and salt. */
static void make_table(struct worker *worker, char *text, size_t room)
{
	char root[2 * INC_DIGEST_MAX + 1], salt[2 * INC_SALT_MAX + 1];
	const struct edit_image *image = &worker->image;
	const struct inc_segment *seg = &worker->seed->seg;
	u32 generation = edit_generation(image);
	u32 salt_size = seg->salt_size;
	const struct inc_super *super;

	if (generation == UINT32_MAX)
		generation = image->segments - 1;
	worker->blocks = seg->device_blocks;
	hex(seg->root_digest, seg->digest_size, root);
	hex(seg->salt, salt_size, salt);
	if (worker->follow && generation < image->segments) {
		super = (const struct inc_super *)
			(image->bytes + image->seg[generation].offset);
		worker->blocks = le64_to_cpu(super->device_blocks);
		if (worker->blocks > INC_BLOCKS_MAX)
			worker->blocks = INC_BLOCKS_MAX;
		salt_size = le16_to_cpu(super->salt_size);
		if (salt_size > INC_SALT_MAX)
			salt_size = INC_SALT_MAX;
		hex(super->root_digest, INC_DIGEST_MAX / 2, root);
		hex(super->salt, salt_size, salt);
	}
	snprintf(text, room,
		 "1 /dev/loop%u %u sha256 %s %s 4 read_timeout %u commit_interval 0",
		 worker->loop.number, generation, root, salt,
		 worker->loaded ? 10000 : 0);
}

/* ---- a loader ---- */

static void answer(struct worker *worker, const struct dm_incremental_request *request)
{
	u64 end = request->offset + request->length, at = request->offset;
	static _Thread_local u8 *buffer;
	const u64 most = 1 << 20;
	struct dm_incremental_unavailable none = {
			.offset = request->offset,
			.length = request->length,
		};

	if (!buffer)
		buffer = malloc(most);
	if (!buffer)
		die("memory");
	/* Serve no more than the origin has. */
	while (at < end && at < worker->image.stored) {
		size_t part = end - at < most ? end - at : most;
		ssize_t r;

		edit_read(&worker->image, at, part, buffer);
		r = pwrite(worker->node, buffer, part, (off_t)at);
		if (r <= 0)
			break;
		at += (u64)r;
	}
	if (at < end) {
		none.offset = at;
		none.length = end - at;
		ioctl(worker->node, DM_INCREMENTAL_IOC_UNAVAILABLE, &none);
	}
	counts->filled++;
}

static void *serve(void *context)
{
	struct worker *worker = context;
	struct pollfd fds[] = {
		{ .fd = worker->node, .events = POLLIN },
		{ .fd = worker->stop, .events = POLLIN },
	};
	struct dm_incremental_request requests[16];

	for (;;) {
		ssize_t n, i;

		if (poll(fds, 2, -1) < 0 || fds[1].revents ||
		    fds[0].revents & POLLHUP)
			return NULL;
		n = read(worker->node, requests, sizeof(requests));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return NULL;
		for (i = 0; i < n / (ssize_t)sizeof(*requests); i++)
			answer(worker, &requests[i]);
	}
}

static bool loader_start(struct worker *worker, pthread_t *thread)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/incremental/loop%u",
		 worker->loop.number);
	worker->node = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	worker->stop = eventfd(0, EFD_CLOEXEC);
	if (worker->node < 0 || worker->stop < 0)
		die(path);
	if (pthread_create(thread, NULL, serve, worker))
		die("a thread");
	return true;
}

static void loader_stop(struct worker *worker, pthread_t thread)
{
	u64 one = 1;

	if (write(worker->stop, &one, sizeof(one)) != sizeof(one))
		die("an eventfd");
	pthread_join(thread, NULL);
	close(worker->stop);
	close(worker->node);
}

/* ---- reading ---- */

static void check_blocks(struct worker *worker, u64 block, u64 count)
{
	struct incr_error error;
	u64 i;

	counts->blocks += count;
	for (i = 0; i < count; i++) {
		const u8 *got = worker->buffer + (i << INC_BLOCK_SHIFT);
		u64 offset = (block + i) << INC_BLOCK_SHIFT;

		if (!worker->follow) {
			if (offset >= worker->seed->raw_size ||
			    memcmp(got, worker->seed->raw + offset,
				   INC_BLOCK_SIZE))
				wrong(worker, "wrong bytes", block + i);
			continue;
		}
		/* One of the two may refuse an image that the other reads. */
		if (!worker->reader || worker->compared >= COMPARE_BLOCKS)
			return;
		worker->compared++;
		if (!incr_image_read(worker->reader, block + i, 1,
				     worker->expected, &error) &&
		    memcmp(got, worker->expected, INC_BLOCK_SIZE))
			wrong(worker, "other bytes than libincremental's",
			      block + i);
	}
}

/* Return: whether all could be read. */
static bool read_blocks(struct worker *worker, int fd, u64 block, u64 count,
			u32 *singles)
{
	bool good = true;
	ssize_t r;
	u64 i;

	r = pread(fd, worker->buffer, count << INC_BLOCK_SHIFT,
		  (off_t)(block << INC_BLOCK_SHIFT));
	if (r == (ssize_t)(count << INC_BLOCK_SHIFT)) {
		check_blocks(worker, block, count);
		return true;
	}
	if (r < 0 && errno != EIO && errno != ETIMEDOUT && errno != ENODATA &&
	    errno != ENOMEM && errno != EILSEQ)
		wrong(worker, strerror(errno), block);
	for (i = 0; count > 1 && i < count && *singles; i++, --*singles) {
		r = pread(fd, worker->buffer, INC_BLOCK_SIZE,
			  (off_t)((block + i) << INC_BLOCK_SHIFT));
		if (r == INC_BLOCK_SIZE) {
			check_blocks(worker, block + i, 1);
		} else {
			counts->errors++;
			good = false;
		}
	}
	return good && count > 1 && i == count;
}

/* All of a small device, ends and places between of a large one. */
static bool read_device(struct worker *worker, int fd)
{
	u64 step = READ_BLOCKS, block;
	u32 singles = SINGLE_BLOCKS;
	bool good = true;

	if (worker->blocks > LARGE_BLOCKS)
		step = worker->blocks / 64;
	for (block = 0; block < worker->blocks; block += step) {
		u64 count = worker->blocks - block;

		if (count > READ_BLOCKS)
			count = READ_BLOCKS;
		if (!read_blocks(worker, fd, block, count, &singles))
			good = false;
	}
	return good;
}

static enum outcome read_both_ways(struct worker *worker, int fd)
{
	bool good = read_device(worker, fd);
	int flags = fcntl(fd, F_GETFL);

	/* Buffered, with readahead: not for each image, as it takes longest. */
	fcntl(fd, F_SETFL, flags & ~O_DIRECT);
	if (!(worker->index & 3) && !read_device(worker, fd))
		good = false;
	return good ? WHOLE : ERRORS;
}

/* ---- one image, one worker ---- */

static enum outcome attack(struct worker *worker)
{
	const struct incr_io io = { read_edited, &worker->image };
	enum outcome outcome = REFUSED;
	struct incr_error error;
	pthread_t thread;
	char table[1024];
	int fd, r;

	make_table(worker, table, sizeof(table));
	if (dm_create(worker->name, worker->blocks << 3, "incremental", table,
		      &fd))
		return REFUSED;
	worker->reader = NULL;
	worker->compared = 0;
	if (worker->follow &&
	    incr_image_open(&worker->reader, &io, worker->image.size,
			    edit_generation(&worker->image), &error))
		worker->reader = NULL;
	if (worker->loaded) {
		counts->with_loader++;
		loader_start(worker, &thread);
	}
	outcome = read_both_ways(worker, fd);
	close(fd);
	/* Removed with the node open, as often as not. */
	if (worker->loaded && worker->index & 1)
		loader_stop(worker, thread);
	r = dm_remove(worker->name);
	if (worker->loaded && !(worker->index & 1))
		loader_stop(worker, thread);
	if (r)
		wrong(worker, "cannot be removed", 0);
	incr_image_close(worker->reader);
	return outcome;
}

static void work(struct worker *worker)
{
	u64 i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	worker->buffer = aligned_alloc(INC_BLOCK_SIZE,
				       READ_BLOCKS << INC_BLOCK_SHIFT);
	worker->expected = malloc(INC_BLOCK_SIZE);
	if (!worker->buffer || !worker->expected)
		die("memory");
	for (i = worker->number; i < options.count; i += options.workers) {
		u64 state = options.seed << 32 ^ (options.first + i);

		worker->index = options.first + i;
		make_image(worker, &state);
		write_image(worker);
		counts->outcomes[attack(worker)]++;
	}
	exit(0);
}

/* ---- all of it ---- */

/* KiB of memory that the kernel has for itself: no page cache, no program. */
static long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long used = 0, value;
	char name[64];

	if (!file)
		die("/proc/meminfo");
	while (fscanf(file, "%63[^:]: %ld%*[^\n]\n", name, &value) == 2) {
		if (!strcmp(name, "MemTotal"))
			used += value;
		else if (!strcmp(name, "MemFree") || !strcmp(name, "Cached") ||
			 !strcmp(name, "Buffers") ||
			 !strcmp(name, "AnonPages") ||
			 !strcmp(name, "PageTables") ||
			 !strcmp(name, "SReclaimable"))
			used -= value;
	}
	fclose(file);
	return used;
}

static void start(struct worker *worker, u32 number)
{
	worker->number = number;
	worker->file = memfd_create("image", MFD_CLOEXEC);
	if (worker->file < 0 ||
	    ftruncate(worker->file, INC_BLOCK_SIZE))
		die("a file in memory");
	errno = -loop_attach(&worker->loop, worker->file);
	if (errno)
		die("a loop device");
	snprintf(worker->name, sizeof(worker->name), "attack%u", number);
}

static u64 parse(const char *text)
{
	char *end;
	u64 value = strtoull(text, &end, 10);

	if (end == text || *end)
		usage(2);
	return value;
}

static void parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "loader", required_argument, NULL, 'l' },
		{ "memory", required_argument, NULL, 'm' },
		{ "progress", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seed = parse(optarg);
			break;
		case 'f':
			options.first = parse(optarg);
			break;
		case 'c':
			options.count = parse(optarg);
			break;
		case 'w':
			options.workers = (u32)parse(optarg);
			break;
		case 'l':
			options.loader_percent = (u32)parse(optarg);
			break;
		case 'm':
			options.memory_kib = parse(optarg);
			break;
		case 'p':
			options.progress = parse(optarg);
			break;
		default:
			usage(option == 'h' ? 0 : 2);
		}
	}
	if (optind + 1 != argc || !options.workers ||
	    options.workers > WORKERS_MAX)
		usage(2);
	options.directory = argv[optind];
}

static double since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) +
	       (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

static void show_progress(double seconds)
{
	u64 done = counts->outcomes[REFUSED] + counts->outcomes[ERRORS] +
		   counts->outcomes[WHOLE];

	fprintf(stderr, "attack: %llu of %llu images in %.0f s, %llu things wrong\n",
		(unsigned long long)done, (unsigned long long)options.count,
		seconds, (unsigned long long)counts->wrong);
}

static int report(long before, long peak, double seconds)
{
	bool bounded = peak - before <= (long)options.memory_kib;

	printf("%llu images in %.1f s, %.0f a second: %llu refused, %llu read with errors, %llu read whole\n",
	       (unsigned long long)options.count, seconds,
	       (double)options.count / seconds,
	       (unsigned long long)counts->outcomes[REFUSED],
	       (unsigned long long)counts->outcomes[ERRORS],
	       (unsigned long long)counts->outcomes[WHOLE]);
	printf("%llu had a loader, which answered %llu requests; %llu blocks were right, %llu reads failed, %llu things were wrong\n",
	       (unsigned long long)counts->with_loader,
	       (unsigned long long)counts->filled,
	       (unsigned long long)counts->blocks,
	       (unsigned long long)counts->errors,
	       (unsigned long long)counts->wrong);
	printf("kernel memory: %ld KiB before, at most %ld KiB more with %u devices\n",
	       before, peak - before, options.workers);
	if (!bounded)
		printf("that is more than %llu KiB\n",
		       (unsigned long long)options.memory_kib);
	return bounded && !counts->wrong &&
	       counts->outcomes[REFUSED] + counts->outcomes[ERRORS] +
	       counts->outcomes[WHOLE] == options.count ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct worker workers[WORKERS_MAX];
	const struct timespec pause = { 0, 50000000 };
	struct timespec begun;
	double told = 0, seconds;
	long before, peak = 0, used;
	int status = 0, failed = 0;
	pid_t ended;
	u32 i;

	parse_options(argc, argv);
	load_seeds(options.directory);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		die("memory");
	for (i = 0; i < options.workers; i++)
		start(&workers[i], i);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	before = kernel_memory();
	for (i = 0; i < options.workers; i++) {
		switch (fork()) {
		case -1:
			die("fork");
		case 0:
			work(&workers[i]);
		}
	}
	while ((ended = waitpid(-1, &status, WNOHANG)) != -1) {
		if (ended && status)
			failed = 1;
		used = kernel_memory();
		if (used > peak)
			peak = used;
		seconds = since(&begun);
		if (options.progress && seconds - told >= (double)options.progress) {
			show_progress(seconds);
			told = seconds;
		}
		nanosleep(&pause, NULL);
	}
	seconds = since(&begun);
	for (i = 0; i < options.workers; i++)
		if (loop_detach(&workers[i].loop))
			failed = 1;
	return report(before, peak, seconds) | failed;
}
