// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many readers of a mounted tree at a time, in every way that a file can be read.
 * Their bytes are compared with the tree that the filesystem was made of.
 */
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include "kernel/tools/loadertool/loadertool.h"

#define PIECE		(16u << 10)
#define FILES_MAX	4096
#define TOLD_MAX	5

struct file {
	char *path;		/* below the tree */
	const u8 *data;
	u64 size;
};

static struct file files[FILES_MAX];
static size_t file_count;
static size_t root_length;
static const char *tree;
static u64 seed;
static u64 failures;		/* atomic */
static u64 unsupported;		/* atomic */

struct open_file {
	const struct file *file;
	int fd;
	u64 *random;
	u8 *buffer;		/* PIECE bytes, aligned for O_DIRECT */
};

struct mode {
	const char *name;
	int flags;		/* for open() */
	void (*read)(struct open_file *open);
};

static void fail(const struct open_file *open, const char *what, u64 offset)
{
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < TOLD_MAX)
		printf("%s %s at %" PRIu64 "\n", open->file->path, what,
		       offset);
}

static void compare(const struct open_file *open, const u8 *got, u64 offset,
		    u64 length)
{
	if (memcmp(got, open->file->data + offset, length))
		fail(open, "differs", offset);
}

static u64 length_at(const struct open_file *open, u64 offset, u64 length)
{
	u64 left = open->file->size - offset;

	return left < length ? left : length;
}

/* One piece, or as much of it as there is; false if it fails. */
static bool read_piece(struct open_file *open, u64 offset, u64 length)
{
	u64 done = 0;

	length = length_at(open, offset, length);
	while (done < length) {
		ssize_t r = pread(open->fd, open->buffer + done, PIECE - done,
				  (off_t)(offset + done));

		if (r <= 0) {
			fail(open, r ? strerrorname_np(errno) : "is short",
			     offset + done);
			return false;
		}
		done += (u64)r;
	}
	compare(open, open->buffer, offset, length);
	return true;
}

static void read_in_order(struct open_file *open)
{
	u64 offset;

	for (offset = 0; offset < open->file->size; offset += PIECE)
		if (!read_piece(open, offset, PIECE))
			return;
}

/* A quarter of the file in single blocks, anywhere. */
static void read_randomly(struct open_file *open)
{
	u64 blocks = (open->file->size + 4095) / 4096, i;

	posix_fadvise(open->fd, 0, 0, POSIX_FADV_NORMAL);
	for (i = 0; i < blocks / 4 + 1 && blocks; i++) {
		u64 offset = random_next(open->random) % blocks * 4096;

		if (!read_piece(open, offset, 4096))
			return;
	}
}

static void read_wanted(struct open_file *open)
{
	posix_fadvise(open->fd, 0, 0, POSIX_FADV_WILLNEED);
	read_randomly(open);
}

static void read_ahead(struct open_file *open)
{
	readahead(open->fd, 0, open->file->size);
	read_in_order(open);
}

/* A piece that cannot be read at once is read with waiting. */
static void read_nowait(struct open_file *open)
{
	u64 offset, length;

	for (offset = 0; offset < open->file->size; offset += PIECE) {
		struct iovec vec = { open->buffer, PIECE };
		ssize_t r = preadv2(open->fd, &vec, 1, (off_t)offset,
				    RWF_NOWAIT);

		length = length_at(open, offset, PIECE);
		if (r < 0 && errno != EAGAIN && errno != EOPNOTSUPP) {
			fail(open, strerrorname_np(errno), offset);
			return;
		}
		if (r == (ssize_t)length)
			compare(open, open->buffer, offset, length);
		else if (!read_piece(open, offset, PIECE))
			return;
	}
}

static void read_mapped(struct open_file *open, bool randomly)
{
	u64 blocks = (open->file->size + 4095) / 4096, i, offset = 0;
	u64 count = randomly ? blocks / 4 + 1 : blocks;
	volatile u64 at = 0;
	sigjmp_buf env;
	u8 *map;

	if (!blocks)
		return;
	map = mmap(NULL, open->file->size, PROT_READ, MAP_SHARED, open->fd, 0);
	if (map == MAP_FAILED)
		die(open->file->path);
	if (sigsetjmp(env, 1)) {
		bus_error = NULL;
		fail(open, "SIGBUS", at);
	} else {
		bus_error = &env;
		for (i = 0; i < count; i++) {
			offset = (randomly ? random_next(open->random) % blocks :
				  i) * 4096;
			at = offset;
			compare(open, map + offset, offset,
				length_at(open, offset, 4096));
		}
		bus_error = NULL;
	}
	munmap(map, open->file->size);
}

static void map_in_order(struct open_file *open)
{
	read_mapped(open, false);
}

static void map_randomly(struct open_file *open)
{
	read_mapped(open, true);
}

static const struct mode modes[] = {
	{ "buffered", 0, read_in_order },
	{ "random", 0, read_randomly },
	{ "mmap", 0, map_in_order },
	{ "mmap-random", 0, map_randomly },
	{ "willneed", 0, read_wanted },
	{ "readahead", 0, read_ahead },
	{ "nowait", 0, read_nowait },
	{ "direct", O_DIRECT, read_in_order },
};

#define MODES	(sizeof(modes) / sizeof(modes[0]))

struct reader {
	pthread_t thread;
	const struct mode *mode;
	u64 random;
};

static void read_file(struct reader *reader, const struct file *file, u8 *buffer)
{
	struct open_file open_file = { .file = file, .random = &reader->random,
				       .buffer = buffer };
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", tree, file->path);
	open_file.fd = open(path, O_RDONLY | reader->mode->flags);
	if (open_file.fd < 0 && reader->mode->flags && errno == EINVAL) {
		/* Not every filesystem has O_DIRECT. */
		__atomic_fetch_add(&unsupported, 1, __ATOMIC_RELAXED);
		return;
	}
	if (open_file.fd < 0) {
		fail(&open_file, strerrorname_np(errno), 0);
		return;
	}
	reader->mode->read(&open_file);
	close(open_file.fd);
}

/* All readers go through the files in the same order: they meet. */
static void *read_all(void *argument)
{
	struct reader *reader = argument;
	size_t i, start = seed % (file_count + 1);
	void *buffer;

	if (posix_memalign(&buffer, 4096, PIECE))
		die("memory");
	for (i = 0; i < file_count; i++)
		read_file(reader, &files[(start + i) % file_count], buffer);
	free(buffer);
	return NULL;
}

static int add_file(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	struct file *file = &files[file_count];
	int fd;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	if (file_count == FILES_MAX)
		die("too many files");
	fd = open_or_die(path, O_RDONLY);
	file->path = strdup(path + root_length + 1);
	file->size = (u64)st->st_size;
	if (file->size) {
		u8 *data = alloc(file->size);

		if (read_at(fd, data, file->size, 0) != file->size)
			die(path);
		file->data = data;
	}
	close(fd);
	file_count++;
	return 0;
}

int cmd_tree(int argc, char **argv)
{
	struct reader *readers;
	size_t i, m;
	u64 threads;

	if (argc != 5)
		usage();
	tree = argv[0];
	root_length = strlen(argv[1]);
	threads = number(argv[3]);
	seed = number(argv[4]);
	for (m = 0; m < MODES && strcmp(modes[m].name, argv[2]); m++)
		;
	if (m == MODES && strcmp(argv[2], "mixed"))
		usage();
	if (nftw(argv[1], add_file, 16, FTW_PHYS) || !file_count)
		die(argv[1]);
	catch_sigbus();
	readers = alloc(threads * sizeof(*readers));
	for (i = 0; i < threads; i++) {
		readers[i].mode = &modes[m < MODES ? m : i % MODES];
		readers[i].random = seed + i * 7919;
		if (pthread_create(&readers[i].thread, NULL, read_all,
				   &readers[i]))
			die("thread");
	}
	for (i = 0; i < threads; i++)
		pthread_join(readers[i].thread, NULL);
	printf("%" PRIu64 " failed reads of %zu files by %" PRIu64 " readers%s\n",
	       failures, file_count, threads,
	       unsupported ? "; O_DIRECT is not supported" : "");
	return failures != 0;
}
