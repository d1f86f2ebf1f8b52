// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Repeat one system call: the first time its first allocation or I/O fails, the
 * second time its second, and so on until it ends without meeting the fault. See
 * usage(). The kernel's side of it is /proc/self/fail-nth
 * (Documentation/fault-injection/fault-injection.rst); the caller chooses the kinds
 * of faults in debugfs beforehand.
 *
 * After each call that failed, the tool looks for traces that it must not have left
 * behind, and the same call without a fault must succeed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>

#include <linux/dm-incremental.h>

#define NAME		"faults"	/* of the mapped device */
#define CALLS_MAX	20000
#define ERRNO_MAX	134
#define PIECE		(64u << 10)	/* bytes of one fill or read */

static _Noreturn void usage(void)
{
	fputs("faulttool OPERATION NODE IMAGE RAW TABLE\n"
	      "  NODE is that of the device on which TABLE (a line for dmsetup) will put\n"
	      "  one named \"faults\", IMAGE the whole image, RAW what the device reads as.\n"
	      "  OPERATION is load, resume, suspend, remove, open, close, fill, fsync, info,\n"
	      "  get, unavailable, take or read; there is no device before, nor after.\n"
	      "Prints how often the call was done, and how often with which outcome.\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	fputs("faulttool: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (last error: %s)\n", strerrorname_np(error));
	exit(1);
}

/* The state of the operations. */
static struct {
	const char	*node_path;
	const char	*table;
	int		control;	/* /dev/mapper/control */
	int		fail_nth;	/* /proc/self/fail-nth */
	int		image;
	int		raw;
	int		node;		/* open while a device is */
	int		device;
	uint64_t	image_size;
	uint64_t	at;		/* bytes of the image filled so far */
	unsigned int	calls;
	_Alignas(4096) char buffer[PIECE];
	_Alignas(4096) char expected[PIECE];
	_Alignas(16) char ioctl[16384];
} t;

/* ---- the device ---- */

static struct dm_ioctl *dm_prepare(uint32_t flags)
{
	struct dm_ioctl *io = (struct dm_ioctl *)t.ioctl;

	memset(io, 0, sizeof(*io));
	io->version[0] = 4;
	io->data_size = sizeof(t.ioctl);
	io->data_start = sizeof(*io);
	io->flags = flags;
	strcpy(io->name, NAME);
	return io;
}

static int dm(unsigned long command, uint32_t flags)
{
	return ioctl(t.control, command, dm_prepare(flags));
}

static void prepare_load(void)
{
	struct dm_ioctl *io = dm_prepare(DM_READONLY_FLAG);
	struct dm_target_spec *spec = (void *)(t.ioctl + io->data_start);
	int at = 0;

	memset(spec, 0, sizeof(*spec));
	if (sscanf(t.table, "%" SCNu64 " %" SCNu64 " %15s %n",
		   (uint64_t *)&spec->sector_start, (uint64_t *)&spec->length,
		   spec->target_type, &at) < 3 || !at)
		die("not a table: %s", t.table);
	if (strlen(t.table + at) > 8192)
		die("the table is too long");
	strcpy((char *)(spec + 1), t.table + at);
	io->target_count = 1;
}

static int load(void)
{
	return ioctl(t.control, DM_TABLE_LOAD, t.ioctl);
}

static int resume(void)
{
	return dm(DM_DEV_SUSPEND, 0);
}

/*
 * sysfs tells whether the device is there. devtmpfs needs memory to make its node
 * and to remove it, and device_add() and device_del() go on without: the node may be
 * missing, or stay with no device behind it.
 */
static bool node_exists(void)
{
	int fd = open(t.node_path, O_RDWR | O_NONBLOCK);
	char path[PATH_MAX];

	if (fd >= 0)
		close(fd);
	else if (errno == ENXIO)
		unlink(t.node_path);
	snprintf(path, sizeof(path), "/sys/class/incremental/incremental!%s",
		 strrchr(t.node_path, '/') + 1);
	return !access(path, F_OK);
}

/* No other program has it open, but a close may be under way. */
static void remove_device(void)
{
	struct timespec pause = { 0, 10000000 };
	int i;

	for (i = 0; dm(DM_DEV_REMOVE, 0); i++) {
		if (errno != EBUSY || i == 500)
			die("the device cannot be removed");
		nanosleep(&pause, NULL);
	}
	if (node_exists())
		die("%s is still there after a removal", t.node_path);
}

static void activate(void)
{
	char path[32];

	if (dm(DM_DEV_CREATE, 0))
		die("the device cannot be created");
	prepare_load();
	if (load())
		die("the table cannot be loaded");
	if (resume())
		die("the table cannot be activated");
	snprintf(path, sizeof(path), "/dev/dm-%u",
		 minor(((struct dm_ioctl *)t.ioctl)->dev));
	t.node = open(t.node_path, O_RDWR | O_NONBLOCK);
	if (t.node < 0)
		die("cannot open %s", t.node_path);
	t.device = open(path, O_RDONLY | O_DIRECT);
	if (t.device < 0)
		die("cannot open %s", path);
}

static void deactivate(void)
{
	close(t.node);
	close(t.device);
	remove_device();
}

/* ---- bytes ---- */

/* The next piece of the image that is absent into the buffer. */
static size_t next_piece(void)
{
	off_t at = lseek(t.node, (off_t)t.at, SEEK_HOLE);
	ssize_t r;

	/* Once all is there, any piece will do. */
	t.at = at < 0 || (uint64_t)at >= t.image_size ? 0 : (uint64_t)at;
	r = pread(t.image, t.buffer, PIECE, (off_t)t.at);
	if (r <= 0)
		die("cannot read the image");
	return (size_t)r;
}

static int fill(size_t length)
{
	ssize_t r = pwrite(t.node, t.buffer, length, (off_t)t.at);

	if (r >= 0 && (size_t)r != length)
		die("a fill of %zu bytes took %zd", length, r);
	return r < 0 ? -1 : 0;
}

static void fill_next(void)
{
	size_t length = next_piece();

	if (fill(length))
		die("a fill fails at %" PRIu64, t.at);
	t.at += length;
}

/* ---- the operations: steps before, with, and after a fault ---- */

static int call_load(void)
{
	return load();
}

static void before_first_load(void)
{
	if (dm(DM_DEV_CREATE, 0))
		die("the device cannot be created");
}

static void after_load(bool failed)
{
	if (failed == node_exists())
		die("the load has %s, and %s %s there", failed ? "failed" :
		    "succeeded", t.node_path, failed ? "is" : "is not");
	if (!failed && dm(DM_TABLE_CLEAR, 0))
		die("the table cannot be cleared");
	if (node_exists())
		die("%s is still there", t.node_path);
}

static void before_resume(void)
{
	prepare_load();
	if (load())
		die("the table cannot be loaded");
}

static void after_resume(bool failed)
{
	if (!failed)
		return;
	/* A table that could not be activated is gone. */
	before_resume();
	if (resume())
		die("a resume fails without a fault");
}

static int call_suspend(void)
{
	return dm(DM_DEV_SUSPEND, DM_SUSPEND_FLAG);
}

static void after_suspend(bool failed)
{
	if (failed && call_suspend())
		die("a suspend fails without a fault");
	if (resume())
		die("a resume after a suspend fails");
}

static void before_remove(void)
{
	activate();
	fill_next();
	close(t.node);
	close(t.device);
}

static int call_remove(void)
{
	return dm(DM_DEV_REMOVE, 0);
}

static void after_remove(bool failed)
{
	if (failed)
		remove_device();
	else if (node_exists())
		die("%s is still there", t.node_path);
}

static int other = -1;

static int call_open(void)
{
	other = open(t.node_path, O_RDWR);
	return other < 0 ? -1 : 0;
}

static void before_close(void)
{
	if (call_open())
		die("cannot open %s", t.node_path);
}

static int call_close(void)
{
	return close(other);
}

static void after_open(bool failed)
{
	if (!failed)
		close(other);
}

static size_t piece;

static void before_fill(void)
{
	piece = next_piece();
}

static int call_fill(void)
{
	return fill(piece);
}

static void after_fill(bool failed)
{
	if (failed && fill(piece))
		die("a fill fails without a fault at %" PRIu64, t.at);
	t.at += piece;
}

static int call_fsync(void)
{
	return fsync(t.node);
}

static void after_fsync(bool failed)
{
	if (failed && fsync(t.node))
		die("an fsync fails without a fault");
}

static int call_info(void)
{
	static struct dm_incremental_info info;

	return ioctl(t.node, DM_INCREMENTAL_IOC_INFO, &info);
}

static int call_get(void)
{
	struct dm_incremental_read read = {
		.length = 4096, .buffer = (uintptr_t)t.buffer,
	};

	return ioctl(t.node, DM_INCREMENTAL_IOC_READ, &read);
}

static int call_unavailable(void)
{
	struct dm_incremental_unavailable range = { .length = t.image_size };

	return ioctl(t.node, DM_INCREMENTAL_IOC_UNAVAILABLE, &range);
}

/* No range is wanted: EAGAIN. */
static int call_take(void)
{
	static struct dm_incremental_request request;
	ssize_t r = read(t.node, &request, sizeof(request));

	return r < 0 && errno != EAGAIN ? -1 : 0;
}

static void fill_all(void)
{
	activate();
	do
		fill_next();
	while (t.at < t.image_size);
}

static void before_read(void)
{
	static uint64_t raw_size;
	uint64_t pieces;
	struct stat st;

	if (!raw_size) {
		fstat(t.raw, &st);
		raw_size = (uint64_t)st.st_size;
	}
	/* Each piece two times: once with cold metadata, once with warm. */
	pieces = raw_size / PIECE;
	t.at = t.calls / 2 % pieces * PIECE;
	if (pread(t.raw, t.expected, PIECE, (off_t)t.at) != PIECE)
		die("cannot read the raw image");
}

static int call_read(void)
{
	memset(t.buffer, 0x5a, PIECE);
	return pread(t.device, t.buffer, PIECE, (off_t)t.at) < 0 ? -1 : 0;
}

static void after_read(bool failed)
{
	if (failed && call_read())
		die("a read fails without a fault at %" PRIu64, t.at);
	if (memcmp(t.buffer, t.expected, PIECE))
		die("a read gets false data at %" PRIu64, t.at);
}

/**
 * struct operation - a call that is tried
 * @name: on the command line
 * @start: once, before all
 * @before: before each call
 * @call: -1 with errno, or 0
 * @after: after each call
 * @end: once, after all
 */
static const struct operation {
	const char	*name;
	void		(*start)(void);
	void		(*before)(void);
	int		(*call)(void);
	void		(*after)(bool failed);
	void		(*end)(void);
} operations[] = {
	{ "load", before_first_load, prepare_load, call_load, after_load,
	  remove_device },
	{ "resume", activate, before_resume, resume, after_resume,
	  deactivate },
	{ "suspend", activate, fill_next, call_suspend, after_suspend,
	  deactivate },
	{ "remove", NULL, before_remove, call_remove, after_remove, NULL },
	{ "open", activate, NULL, call_open, after_open, deactivate },
	{ "close", activate, before_close, call_close, NULL, deactivate },
	{ "fill", activate, before_fill, call_fill, after_fill, deactivate },
	{ "fsync", activate, fill_next, call_fsync, after_fsync, deactivate },
	{ "info", activate, NULL, call_info, NULL, deactivate },
	{ "get", activate, NULL, call_get, NULL, deactivate },
	{ "unavailable", activate, NULL, call_unavailable, NULL, deactivate },
	{ "take", activate, NULL, call_take, NULL, deactivate },
	{ "read", fill_all, before_read, call_read, after_read, deactivate },
};

/* ---- faults ---- */

static void arm(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(t.fail_nth, text, (size_t)length, 0) != length)
		die("cannot arm the fault");
}

/* Was it met? */
static bool disarm(void)
{
	char text[16] = "";

	if (pread(t.fail_nth, text, sizeof(text) - 1, 0) < 1)
		die("cannot see whether the fault was met");
	arm(0);
	return atoi(text) == 0;
}

static void try_all(const struct operation *op)
{
	static unsigned int outcomes[ERRNO_MAX];
	bool met = true, failed;
	int i, error;

	if (op->start)
		op->start();
	for (t.calls = 0; met; t.calls++) {
		if (t.calls == CALLS_MAX)
			die("%s: the fault is met even in the %uth place",
			    op->name, t.calls);
		if (op->before)
			op->before();
		arm(t.calls + 1);
		failed = op->call();
		error = failed ? errno : 0;
		met = disarm();
		if (failed && !met)
			die("%s fails without a fault", op->name);
		if (error < 0 || error >= ERRNO_MAX)
			die("%s: error %d", op->name, error);
		outcomes[error]++;
		if (op->after)
			op->after(failed);
	}
	if (op->end)
		op->end();

	printf("%s: %u faults:", op->name, t.calls - 1);
	for (i = 0; i < ERRNO_MAX; i++)
		if (outcomes[i])
			printf(" %u %s", outcomes[i] - (i == 0),
			       i ? strerrorname_np(i) : "harmless");
	putchar('\n');
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die("cannot open %s", path);
	return fd;
}

int main(int argc, char **argv)
{
	const struct operation *op = operations;
	size_t count = sizeof(operations) / sizeof(*operations);
	struct stat st;

	if (argc != 6)
		usage();
	while (count && strcmp(op->name, argv[1])) {
		op++;
		count--;
	}
	if (!count)
		usage();
	t.fail_nth = open_or_die("/proc/self/fail-nth", O_RDWR);
	/* Page faults of this program must not meet the fault. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("cannot lock memory");
	t.node_path = argv[2];
	t.image = open_or_die(argv[3], O_RDONLY);
	t.raw = open_or_die(argv[4], O_RDONLY);
	t.table = argv[5];
	t.control = open_or_die("/dev/mapper/control", O_RDWR);
	if (fstat(t.image, &st))
		die("cannot look at the image");
	t.image_size = (uint64_t)st.st_size;
	try_all(op);
	return 0;
}
