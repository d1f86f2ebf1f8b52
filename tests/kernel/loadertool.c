// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tests need and no stock tool does: loaders of several
 * characters, exact system calls on a store's node with their exact results,
 * reads that say which errno they got and when, and the places of an image's
 * structures, so that tests know what they damage. See usage().
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>

#include <linux/dm-incremental.h>
#include "format.h"

static _Noreturn void usage(void)
{
	fputs("loadertool pattern FILE BLOCKS SEED     blocks of every kind, always the same\n"
	      "loadertool sparse IMAGE LOCAL           a local file with IMAGE's head only\n"
	      "loadertool table IMAGE DEVICE           the table line\n"
	      "loadertool layout IMAGE                 name=value for each structure's place\n"
	      "loadertool map IMAGE                    BLOCK CODEC SHIFT OFFSET LENGTH, a line each\n"
	      "loadertool where IMAGE map BLOCK        file offset of BLOCK's map entry\n"
	      "loadertool where IMAGE LEVEL BLOCK      file offset of its digest at a tree level\n"
	      "loadertool need IMAGE BLOCK...          the chunks it takes to read them\n"
	      "loadertool flip FILE OFFSET [BIT]       one bit of it\n"
	      "loadertool poke FILE                    bytes, as OFFSET:HEX on standard input\n"
	      "loadertool rot FILE START END BITS SEED flip so many bits in there\n"
	      "loadertool scan DEVICE RAW MODE [FIRST COUNT]...\n"
	      "        read block by block (direct, buffered, mmap, or\n"
	      "        mmap+readahead); say which ones fail or differ, in a line\n"
	      "        for each of several FIRST COUNT\n"
	      "loadertool compare DEVICE RAW MODE [SIZE [OFFSET LENGTH]]\n"
	      "        the same in reads of SIZE bytes, without telling blocks apart\n"
	      "loadertool random DEVICE RAW THREADS READS SEED\n"
	      "        threads read random ranges and compare them\n"
	      "loadertool dread DEVICE OFFSET LENGTH MODE\n"
	      "        one read: bytes or the error's name, and the milliseconds it took\n"
	      "loadertool forget FILE...               out of the page cache with them\n"
	      "loadertool status DEVICE WHAT           one field of its status line, or \"events\"\n"
	      "loadertool logcheck DEVICE IMAGE        dm-log-writes' log: present bits follow data\n"
	      "loadertool serve NODE IMAGE [delay=MS] [limit=BYTES] [nohints] [log=FILE]\n"
	      "        answer requests from IMAGE until the device is gone\n"
	      "loadertool hoard NODE                   take requests, print them, never answer\n"
	      "loadertool node NODE [COMMAND [ARGUMENT]... [, COMMAND...]...]\n"
	      "        on one open file; without a COMMAND, they are lines of standard input:\n"
	      "        read SIZE | nonblock | poll MS | write OFFSET LENGTH [FILE [FROM]]\n"
	      "        stream FILE SIZE | seek set|cur|end|data|hole OFFSET | fsync | walk\n"
	      "        unavailable OFFSET LENGTH | discard OFFSET LENGTH [FLAGS] |\n"
	      "        get OFFSET LENGTH FILE | info | ioctl NUMBER\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "loadertool: %s: %s\n", what, strerror(errno));
	exit(1);
}

static u64 number(const char *text)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "loadertool: not a number: '%s'\n", text);
		exit(2);
	}
	return value;
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	return fd;
}

static void *alloc(size_t size)
{
	void *p;

	/* Aligned for O_DIRECT, and never of size 0. */
	if (posix_memalign(&p, 65536, size ? size : 1)) {
		errno = ENOMEM;
		die("memory");
	}
	return p;
}

/* Read all of it, less only at the end of the file. */
static size_t read_at(int fd, void *buffer, size_t length, u64 offset)
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

static void write_at(int fd, const void *buffer, size_t length, u64 offset)
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

static u64 milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static void sleep_ms(u64 ms)
{
	struct timespec time = { (time_t)(ms / 1000),
				 (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

static u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* ---- raw images ---- */

/*
 * Of 16 blocks 7 compress well, 5 hardly or not at all, 2 are zero and 2 repeat
 * an earlier one. Runs of zeros, a whole cluster of them too, come by chance.
 */
static void pattern_block(u8 *block, u64 index, u64 seed)
{
	u64 state = seed * 1000003 + index;
	u64 kind = random_next(&state) & 15;
	u32 i;

	if (kind < 2 || (index / 64) % 16 == 5) {
		memset(block, 0, INC_BLOCK_SIZE);
	} else if (kind < 9) {
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)("The quick brown fox jumps over it.\n"
					[(i + kind) % 35] ^
					(i % 61 ? 0 : random_next(&state) & 31));
	} else if (kind < 11) {
		state = seed + kind;
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)random_next(&state);
	} else {
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)random_next(&state);
	}
}

static int cmd_pattern(int argc, char **argv)
{
	u8 block[INC_BLOCK_SIZE];
	u64 i, blocks, seed;
	FILE *file;

	if (argc != 3)
		usage();
	blocks = number(argv[1]);
	seed = number(argv[2]);
	file = fopen(argv[0], "w");
	if (!file)
		die(argv[0]);
	for (i = 0; i < blocks; i++) {
		pattern_block(block, i, seed);
		if (!fwrite(block, sizeof(block), 1, file))
			die(argv[0]);
	}
	if (fclose(file))
		die(argv[0]);
	return 0;
}

/* ---- images ---- */

struct image {
	int fd;
	u64 size;
	struct inc_segment seg;		/* the base: tests have one segment */
	struct inc_run *map_dir;
	struct inc_run *tree_dir;
};

static void open_image(struct image *image, const char *path)
{
	struct inc_super *super = alloc(sizeof(*super));
	struct inc_segment *seg = &image->seg;
	const char *why;
	struct stat st;
	u8 *head;

	image->fd = open_or_die(path, O_RDONLY);
	if (fstat(image->fd, &st))
		die(path);
	image->size = (u64)st.st_size;
	if (read_at(image->fd, super, sizeof(*super), 0) != sizeof(*super)) {
		fprintf(stderr, "loadertool: %s is too short\n", path);
		exit(1);
	}
	if (inc_segment_parse(super, 0, image->size, seg, &why)) {
		fprintf(stderr, "loadertool: %s: %s\n", path, why);
		exit(1);
	}
	free(super);
	/* The directories stay where they are, in the head, for good. */
	head = alloc(seg->head_size);
	read_at(image->fd, head, seg->head_size, 0);
	image->map_dir = (void *)(head + seg->map_dir_offset);
	image->tree_dir = (void *)(head + seg->tree_dir_offset);
	if (inc_dir_check(image->map_dir, seg->map_runs, seg->map_pages,
			  seg->end, &why) ||
	    (seg->tree_runs &&
	     inc_dir_check(image->tree_dir, seg->tree_runs, seg->tree.pages,
			   seg->end, &why))) {
		fprintf(stderr, "loadertool: %s: %s\n", path, why);
		exit(1);
	}
}

static int cmd_sparse(int argc, char **argv)
{
	struct image image;
	u8 *head;
	int fd;

	if (argc != 2)
		usage();
	open_image(&image, argv[0]);
	head = alloc(image.seg.head_size);
	read_at(image.fd, head, image.seg.head_size, 0);
	fd = open_or_die(argv[1], O_RDWR | O_CREAT | O_TRUNC);
	write_at(fd, head, image.seg.head_size, 0);
	if (ftruncate(fd, (off_t)image.size) || close(fd))
		die(argv[1]);
	return 0;
}

static void print_hex(const u8 *bytes, u32 length)
{
	while (length--)
		printf("%02x", *bytes++);
}

static int cmd_table(int argc, char **argv)
{
	struct image image;
	const struct inc_segment *seg = &image.seg;

	if (argc != 2)
		usage();
	open_image(&image, argv[0]);
	printf("0 %" PRIu64 " incremental 1 %s %u %s ", seg->device_blocks * 8,
	       argv[1], seg->generation, seg->hash_name);
	print_hex(seg->root_digest, seg->digest_size);
	putchar(' ');
	if (!seg->salt_size)
		putchar('-');
	print_hex(seg->salt, seg->salt_size);
	putchar('\n');
	return 0;
}

static int cmd_layout(int argc, char **argv)
{
	struct image image;
	const struct inc_segment *seg = &image.seg;

	if (argc != 1)
		usage();
	open_image(&image, argv[0]);
	printf("image_size=%" PRIu64 "\nblocks=%" PRIu64 "\nlevels=%u\n"
	       "chunk_size=%u\ncluster_size=%u\nhead_size=%u\n",
	       image.size, seg->device_blocks, seg->tree.levels,
	       1u << seg->chunk_shift, INC_BLOCK_SIZE << seg->cluster_shift,
	       seg->head_size);
	printf("bitmap_offset=%" PRIu64 "\nbitmap_size=%" PRIu64 "\n"
	       "owners_offset=%" PRIu64 "\nguard_offset=%" PRIu64 "\n"
	       "meta_offset=%" PRIu64 "\n"
	       "meta_size=%" PRIu64 "\ndata_offset=%" PRIu64 "\n"
	       "data_size=%" PRIu64 "\n", seg->bitmap_offset, seg->bitmap_size,
	       seg->owners_offset, seg->guard_offset, seg->meta_offset,
	       seg->meta_size, seg->data_offset, seg->data_size);
	printf("dictionary_offset=%" PRIu64 "\ndictionary_size=%u\n",
	       seg->dictionary_offset, seg->dictionary_size);
	printf("map_dir_offset=%u\nmap_runs=%u\ntree_dir_offset=%u\n"
	       "tree_runs=%u\n", seg->map_dir_offset, seg->map_runs,
	       seg->tree_dir_offset, seg->tree_runs);
	printf("root=");
	print_hex(seg->root_digest, seg->digest_size);
	printf("\nsalt=");
	print_hex(seg->salt, seg->salt_size);
	putchar('\n');
	return 0;
}

static u64 map_entry_offset(const struct image *image, u64 block)
{
	return (inc_dir_lookup(image->map_dir, image->seg.map_runs,
			       inc_map_page(block)) << INC_PAGE_SHIFT) +
	       inc_map_index(block) * sizeof(__le64);
}

static int cmd_map(int argc, char **argv)
{
	__le64 entries[INC_ENTRIES_PER_PAGE];
	struct inc_extent extent;
	struct image image;
	u64 block;

	if (argc != 1)
		usage();
	open_image(&image, argv[0]);
	for (block = 0; block < image.seg.device_blocks; block++) {
		u32 index = inc_map_index(block);

		if (!index)
			read_at(image.fd, entries, sizeof(entries),
				map_entry_offset(&image, block));
		if (inc_entry_decode(le64_to_cpu(entries[index]),
				     image.seg.cluster_shift, image.seg.end,
				     &extent)) {
			printf("%" PRIu64 " bad\n", block);
			continue;
		}
		printf("%" PRIu64 " %u %u %" PRIu64 " %u\n", block,
		       extent.codec, extent.cluster_shift, extent.offset,
		       extent.length);
	}
	return 0;
}

static int cmd_where(int argc, char **argv)
{
	struct image image;
	u64 block, page;
	u32 offset;

	if (argc != 3)
		usage();
	open_image(&image, argv[0]);
	block = number(argv[2]);
	if (!strcmp(argv[1], "map")) {
		printf("%" PRIu64 "\n", map_entry_offset(&image, block));
		return 0;
	}
	page = inc_tree_page(&image.seg.tree, (u32)number(argv[1]), block,
			     &offset);
	page = inc_dir_lookup(image.tree_dir, image.seg.tree_runs, page);
	printf("%" PRIu64 "\n", (page << INC_PAGE_SHIFT) + offset);
	return 0;
}

static void print_chunks(const struct image *image, u64 offset, u64 length)
{
	u32 shift = image->seg.chunk_shift;
	u64 chunk;

	for (chunk = offset >> shift; chunk <= (offset + length - 1) >> shift;
	     chunk++)
		printf("%" PRIu64 "\n", chunk);
}

static int cmd_need(int argc, char **argv)
{
	struct inc_extent extent;
	struct image image;
	u32 level, digest;
	__le64 entry;
	int i;

	if (argc < 2)
		usage();
	open_image(&image, argv[0]);
	for (i = 1; i < argc; i++) {
		u64 block = number(argv[i]), page;
		u64 offset = map_entry_offset(&image, block);

		print_chunks(&image, offset, sizeof(entry));
		for (level = 0; level < image.seg.tree.levels; level++) {
			page = inc_tree_page(&image.seg.tree, level, block,
					     &digest);
			page = inc_dir_lookup(image.tree_dir,
					      image.seg.tree_runs, page);
			print_chunks(&image, page << INC_PAGE_SHIFT,
				     INC_PAGE_SIZE);
		}
		read_at(image.fd, &entry, sizeof(entry), offset);
		if (inc_entry_decode(le64_to_cpu(entry), image.seg.cluster_shift,
				     image.seg.end, &extent)) {
			fprintf(stderr, "loadertool: bad map entry\n");
			return 1;
		}
		if (extent.codec != INC_CODEC_ZERO)
			print_chunks(&image, extent.offset, extent.length);
		if (extent.codec == INC_CODEC_LZ4_DICT)
			print_chunks(&image, image.seg.dictionary_offset,
				     image.seg.dictionary_size);
	}
	return 0;
}

static int cmd_flip(int argc, char **argv)
{
	u64 offset;
	u8 byte;
	int fd;

	if (argc < 2 || argc > 3)
		usage();
	offset = number(argv[1]);
	fd = open_or_die(argv[0], O_RDWR);
	if (read_at(fd, &byte, 1, offset) != 1) {
		errno = EFBIG;
		die(argv[0]);
	}
	byte ^= (u8)(1u << (argc == 3 ? number(argv[2]) & 7 : 0));
	write_at(fd, &byte, 1, offset);
	return 0;
}

/* Separated by commas or white space, a page each at most. */
static int cmd_poke(int argc, char **argv)
{
	char hex[2 * INC_PAGE_SIZE + 1];
	u64 offset;
	int fd, r;

	if (argc != 1)
		usage();
	fd = open_or_die(argv[0], O_RDWR);
	while ((r = scanf(" %" SCNu64 ":%8192[0-9a-f]", &offset, hex)) == 2) {
		u8 bytes[INC_PAGE_SIZE];
		size_t i;

		for (i = 0; i < strlen(hex) / 2; i++)
			sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
		write_at(fd, bytes, i, offset);
		scanf(",");
	}
	if (r != EOF) {
		fprintf(stderr, "loadertool: not OFFSET:HEX\n");
		return 1;
	}
	return 0;
}

static int cmd_rot(int argc, char **argv)
{
	u64 start, length, count, state;
	int fd;

	if (argc != 5)
		usage();
	fd = open_or_die(argv[0], O_RDWR);
	start = number(argv[1]);
	length = number(argv[2]) - start;
	count = number(argv[3]);
	state = number(argv[4]);
	while (count--) {
		u64 offset = start + random_next(&state) % length;
		u8 byte;

		read_at(fd, &byte, 1, offset);
		byte ^= (u8)(1u << (state & 7));
		write_at(fd, &byte, 1, offset);
	}
	return 0;
}

/* ---- reading a device ---- */

enum mode { DIRECT, BUFFERED, MMAP };

struct device {
	int fd;
	enum mode mode;
	u64 size;
	const u8 *map;
};

static __thread sigjmp_buf *volatile bus_error;

static void on_sigbus(int signal)
{
	(void)signal;
	if (bus_error)
		siglongjmp(*bus_error, 1);
	_exit(3);
}

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
		signal(SIGBUS, on_sigbus);
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
 * Remembers a run of blocks of one verdict, so that it is told in one line; or,
 * if each window has a line, in one of the words between ";".
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

/* Tells "EIO 8-15" and "differs 3-3"; nothing if all is well. */
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

static int cmd_scan(int argc, char **argv)
{
	struct device device;
	bool bad = false;
	int raw, i;

	if (argc < 3 || !(argc & 1))
		usage();
	open_device(&device, argv[0], argv[2]);
	raw = open_or_die(argv[1], O_RDONLY);
	/* What readahead brings would hide what single blocks do. */
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

static int cmd_compare(int argc, char **argv)
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

struct reader {
	pthread_t thread;
	struct device *direct;
	struct device *buffered;
	int raw;
	u64 reads;
	u64 seed;
	u64 failed;
};

static void *read_randomly(void *argument)
{
	u8 *buffer = alloc(64 * INC_BLOCK_SIZE);
	u8 *expect = alloc(64 * INC_BLOCK_SIZE);
	struct reader *reader = argument;
	u64 blocks = reader->direct->size / INC_BLOCK_SIZE;
	u64 i;

	for (i = 0; i < reader->reads; i++) {
		u64 value = random_next(&reader->seed);
		u64 block = value % blocks;
		/* Mostly single blocks, now and then up to 64. */
		u64 count = value >> 61 ? 1 : 1 + (value >> 40) % 64;
		struct device *device = value >> 60 & 1 ? reader->direct :
							  reader->buffered;
		int r;

		if (count > blocks - block)
			count = blocks - block;
		read_at(reader->raw, expect, count * INC_BLOCK_SIZE,
			block * INC_BLOCK_SIZE);
		r = read_device(device, buffer, count * INC_BLOCK_SIZE,
				block * INC_BLOCK_SIZE);
		if (r || memcmp(buffer, expect, count * INC_BLOCK_SIZE)) {
			printf("%s %s %" PRIu64 "+%" PRIu64 "\n",
			       device == reader->direct ? "direct" : "buffered",
			       r ? strerrorname_np(r) : "differs", block, count);
			reader->failed++;
		}
	}
	free(buffer);
	free(expect);
	return NULL;
}

static int cmd_random(int argc, char **argv)
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

static int cmd_dread(int argc, char **argv)
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

/* Dropping all caches would drop those of the machine's root, too. */
static int cmd_forget(int argc, char **argv)
{
	int fd;

	for (; argc; argc--, argv++) {
		fd = open_or_die(*argv, O_RDONLY);
		if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die(*argv);
		close(fd);
	}
	return 0;
}

/* ---- status: what dmsetup could tell, many times as fast in a VM ---- */

static int cmd_status(int argc, char **argv)
{
	static const char * const names[] = {
		"present", "total", "waiting", "wanted", "filled", "failures",
		"healed", "timeouts", "unavailable", "loaders", "state",
		"trust",
	};
	union {
		struct dm_ioctl header;
		char bytes[4096];
	} buffer = { .header = {
		.version = { 4, 0, 0 },
		.data_size = sizeof(buffer),
		.data_start = sizeof(buffer.header),
	} };
	char *word, *save;
	size_t i;
	int fd;

	if (argc != 2)
		usage();
	fd = open_or_die("/dev/mapper/control", O_RDWR);
	strncat(buffer.header.name, argv[0], sizeof(buffer.header.name) - 1);
	if (ioctl(fd, DM_TABLE_STATUS, &buffer) || !buffer.header.target_count) {
		puts("-1");
		return 1;
	}
	if (!strcmp(argv[1], "events")) {
		printf("%u\n", buffer.header.event_nr);
		return 0;
	}
	word = buffer.bytes + buffer.header.data_start +
	       sizeof(struct dm_target_spec);
	for (i = 0, word = strtok_r(word, " /", &save); word;
	     i++, word = strtok_r(NULL, " /", &save)) {
		if (i < sizeof(names) / sizeof(names[0]) &&
		    !strcmp(argv[1], names[i])) {
			puts(word);
			return 0;
		}
	}
	usage();
}

/* ---- the log of dm-log-writes ---- */

#define LOG_MAGIC	0x6a736677736872ull
#define LOG_FLUSH	1
#define LOG_DISCARD	4
#define LOG_MARK	8

struct log_super {
	__le64 magic;
	__le64 version;
	__le64 entries;
	__le32 sector_size;
};

struct log_entry {
	__le64 sector;
	__le64 sectors;
	__le64 flags;
	__le64 data_length;	/* of a mark's name */
};

enum chunk_state { NEVER, WRITTEN, FLUSHED };

struct log_check {
	const struct image *image;
	u8 *chunks;		/* enum chunk_state */
	u8 *bits;		/* the bitmap as it was last written */
	bool unflushed;		/* it was written since the last flush */
	bool bad;
};

static void check_bitmap(struct log_check *check, u64 offset, u64 length,
			 const u8 *data)
{
	const struct inc_segment *seg = &check->image->seg;
	u64 first = (offset - seg->bitmap_offset) * 8, i;

	for (i = 0; i < length * 8; i++) {
		u64 chunk = first + i;

		if (chunk >= seg->size >> seg->chunk_shift)
			break;
		check->bits[chunk] = data[i / 8] >> (i % 8) & 1;
		if (!check->bits[chunk] ||
		    chunk < seg->meta_offset >> seg->chunk_shift)
			continue;
		if (check->chunks[chunk] == FLUSHED)
			continue;
		printf("chunk %" PRIu64 " was %s when its bit was written\n",
		       chunk, check->chunks[chunk] ? "not flushed" :
						     "not written");
		check->bad = true;
	}
	check->unflushed = true;
}

static void check_write(struct log_check *check, u64 offset, u64 length,
			const u8 *data)
{
	const struct inc_segment *seg = &check->image->seg;
	u64 chunk;

	if (offset >= seg->bitmap_offset && offset < seg->meta_offset) {
		check_bitmap(check, offset, length, data);
		return;
	}
	if (offset < seg->bitmap_offset) {
		printf("a write into the head, at %" PRIu64 "\n", offset);
		check->bad = true;
	}
	for (chunk = offset >> seg->chunk_shift;
	     chunk < (offset + length) >> seg->chunk_shift; chunk++)
		if (check->chunks[chunk] == NEVER)
			check->chunks[chunk] = WRITTEN;
}

static void check_flush(struct log_check *check)
{
	u64 i, count = check->image->size >> check->image->seg.chunk_shift;

	for (i = 0; i < count; i++)
		if (check->chunks[i])
			check->chunks[i] = FLUSHED;
	check->unflushed = false;
}

static void tell_mark(const struct log_check *check, const char *name,
		      u64 length)
{
	u64 i, present = 0;
	u64 count = check->image->size >> check->image->seg.chunk_shift;

	if (!strncmp(name, "dm-log-writes-end", length))
		return;
	for (i = 0; i < count; i++)
		present += check->bits[i];
	printf("%.*s: %" PRIu64 " present%s\n", (int)length, name, present,
	       check->unflushed ? ", not flushed" : "");
}

static int cmd_logcheck(int argc, char **argv)
{
	struct log_check check = { 0 };
	struct log_super super;
	struct image image;
	u64 i, at, sector_size;
	int fd;

	if (argc != 2)
		usage();
	open_image(&image, argv[1]);
	check.image = &image;
	check.chunks = calloc(image.size >> image.seg.chunk_shift, 1);
	check.bits = calloc(image.size >> image.seg.chunk_shift, 1);
	fd = open_or_die(argv[0], O_RDONLY);
	read_at(fd, &super, sizeof(super), 0);
	if (le64_to_cpu(super.magic) != LOG_MAGIC) {
		puts("not a log of dm-log-writes");
		return 1;
	}
	sector_size = le32_to_cpu(super.sector_size);
	at = sector_size;
	for (i = 0; i < le64_to_cpu(super.entries); i++) {
		struct log_entry entry;
		u64 length, flags;
		u8 *data;

		/* A mark's name is in the sector of its entry. */
		data = alloc(sector_size);
		read_at(fd, data, sector_size, at);
		memcpy(&entry, data, sizeof(entry));
		flags = le64_to_cpu(entry.flags);
		if (flags & LOG_MARK)
			tell_mark(&check, (char *)data + sizeof(entry),
				  le64_to_cpu(entry.data_length));
		free(data);
		at += sector_size;
		/* In the log, sectors are those of its own size. */
		length = le64_to_cpu(entry.sectors) * sector_size;
		if (flags & LOG_FLUSH)
			check_flush(&check);
		if (flags & (LOG_MARK | LOG_DISCARD) || !length)
			continue;
		data = alloc(length);
		read_at(fd, data, length, at);
		check_write(&check, le64_to_cpu(entry.sector) * sector_size,
			    length, data);
		free(data);
		at += length;
	}
	return check.bad;
}

/* ---- loaders ---- */

static void print_request(FILE *out, const struct inc_request *request)
{
	fprintf(out, "%" PRIu64 " %" PRIu64 " id=%" PRIu64 "%s%s%s%s%s\n",
		(u64)request->offset, (u64)request->length, (u64)request->id,
		request->flags & INC_REQUEST_HINT ? " hint" : "",
		request->flags & INC_REQUEST_REFETCH ? " refetch" : "",
		request->flags & INC_REQUEST_AGAIN ? " again" : "",
		request->flags & INC_REQUEST_GROWN ? " grown" : "",
		request->reserved ? " RESERVED IS NOT 0" : "");
	fflush(out);
}

struct server {
	int node;
	int image;
	u64 delay;
	u64 limit;
	bool no_hints;
	FILE *log;
};

/* Answer one request, in pieces of 256 KiB. */
static void answer(struct server *server, const struct inc_request *request)
{
	static u8 *buffer;
	u64 done = 0;

	if (!buffer)
		buffer = alloc(256 << 10);
	if (server->log)
		print_request(server->log, request);
	if (request->flags & INC_REQUEST_HINT && server->no_hints)
		return;
	if (server->delay)
		sleep_ms(server->delay);
	while (done < request->length) {
		u64 length = request->length - done;
		ssize_t r;

		if (length > 256 << 10)
			length = 256 << 10;
		if (length > server->limit)
			exit(0);
		read_at(server->image, buffer, length, request->offset + done);
		r = pwrite(server->node, buffer, length,
			   (off_t)(request->offset + done));
		if (r < 0) {
			/* The request comes again: try again then. */
			if (server->log) {
				fprintf(server->log, "%s %" PRIu64 "\n",
					strerrorname_np(errno),
					(u64)request->offset + done);
				fflush(server->log);
			}
			if (errno == ENODEV)
				exit(0);
			return;
		}
		server->limit -= (u64)r;
		done += (u64)r;
	}
}

static int cmd_serve(int argc, char **argv)
{
	struct inc_request requests[64];
	struct server server = { .limit = UINT64_MAX };
	ssize_t r, i;
	int n;

	if (argc < 2)
		usage();
	for (n = 2; n < argc; n++) {
		if (!strncmp(argv[n], "delay=", 6))
			server.delay = number(argv[n] + 6);
		else if (!strncmp(argv[n], "limit=", 6))
			server.limit = number(argv[n] + 6);
		else if (!strcmp(argv[n], "nohints"))
			server.no_hints = true;
		else if (!strncmp(argv[n], "log=", 4))
			server.log = fopen(argv[n] + 4, "a");
		else
			usage();
	}
	server.image = open_or_die(argv[1], O_RDONLY);
	server.node = open_or_die(argv[0], O_RDWR);
	for (;;) {
		r = read(server.node, requests, sizeof(requests));
		if (r < 0 && errno == ENODEV)
			return 0;
		if (r < 0)
			die(argv[0]);
		for (i = 0; i < r / (ssize_t)sizeof(*requests); i++)
			answer(&server, &requests[i]);
	}
}

static int cmd_hoard(int argc, char **argv)
{
	struct inc_request requests[64];
	ssize_t r, i;
	int node;

	if (argc != 1)
		usage();
	node = open_or_die(argv[0], O_RDWR);
	for (;;) {
		r = read(node, requests, sizeof(requests));
		if (r < 0 && errno == ENODEV)
			return 0;
		if (r < 0)
			die(argv[0]);
		for (i = 0; i < r / (ssize_t)sizeof(*requests); i++)
			print_request(stdout, &requests[i]);
	}
}

/* ---- exact calls on a node ---- */

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

static int cmd_node(int argc, char **argv)
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

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{ "pattern", cmd_pattern }, { "sparse", cmd_sparse },
		{ "table", cmd_table }, { "layout", cmd_layout },
		{ "map", cmd_map }, { "where", cmd_where },
		{ "need", cmd_need }, { "flip", cmd_flip },
		{ "poke", cmd_poke }, { "rot", cmd_rot }, { "scan", cmd_scan },
		{ "compare", cmd_compare }, { "random", cmd_random },
		{ "dread", cmd_dread }, { "forget", cmd_forget },
		{ "status", cmd_status }, { "logcheck", cmd_logcheck }, { "serve", cmd_serve },
		{ "hoard", cmd_hoard }, { "node", cmd_node },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	usage();
}
