// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For the tests of live updates: files whose bytes follow from their names, readers
 * that check them, and a debugger that kills a program before its n-th step. See
 * usage().
 */
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include "kernel/tools/tool.h"

#define FILE_BYTES	(5 * 4096 + 123)
#define OLD_FILES	8
#define NAME_ROOM	4200
#define BLOCK		4096
#define MAX_FILES	8

_Noreturn void usage(void)
{
	fputs("livetool file PATH...        a file; its bytes follow from its name\n"
	      "livetool version PATH N      a file that repeats N to its end\n"
	      "livetool read DIR [ROUNDS]   until SIGTERM: version, old0 to old7 and new1 to\n"
	      "                             new<version> are opened and read, and must be right\n"
	      "livetool block PATH FILE...  until SIGTERM: PATH is opened and its first block\n"
	      "                             read, over and over; it must be one of the FILEs.\n"
	      "                             Prints how often it was each of them\n"
	      "livetool hold PATH           open, mapped; SIGTERM: it must be what it was\n"
	      "livetool killat N all|rename|name COMMAND...\n"
	      "                             SIGKILL before its N-th system call that is a step\n"
	      "                             of an update, or that renames a device, or that\n"
	      "                             changes a node, too: then 137; else its own status\n"
	      "livetool before create|umount HOOK COMMAND...\n"
	      "                             run HOOK, a line of shell, before its first system\n"
	      "                             call that makes a device or unmounts\n",
	      stderr);
	exit(2);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The contents of the file of this name. */
static void fill(const char *name, uint8_t *bytes)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t i;

	for (; *name; name++)
		x = (x ^ (uint8_t)*name) * 0x100000001b3;
	for (i = 0; i < FILE_BYTES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 32);
	}
}

/* The contents of a file that repeats a number. */
static void fill_number(unsigned int number, uint8_t *bytes)
{
	char line[9];
	size_t i;

	snprintf(line, sizeof(line), "%7u\n", number % 10000000);
	for (i = 0; i < FILE_BYTES; i++)
		bytes[i] = (uint8_t)line[i % 8];
}

static void write_file(const char *path, const uint8_t *bytes)
{
	int fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);

	write_at(fd, bytes, FILE_BYTES, 0);
	if (close(fd))
		die(path);
}

/* Open it, and read all of it from the device rather than from memory. */
static void read_file(const char *path, uint8_t *bytes)
{
	int fd = open_or_die(path, O_RDONLY);
	struct stat st;

	if (fstat(fd, &st) || st.st_size != FILE_BYTES) {
		fprintf(stderr, "livetool: %s has %lld bytes\n", path,
			(long long)st.st_size);
		exit(1);
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (read_at(fd, bytes, FILE_BYTES, 0) != FILE_BYTES) {
		fprintf(stderr, "livetool: %s ends too early\n", path);
		exit(1);
	}
	close(fd);
}

static void check(const char *path, const uint8_t *bytes, const uint8_t *right)
{
	if (!memcmp(bytes, right, FILE_BYTES))
		return;
	fprintf(stderr, "livetool: %s has wrong bytes\n", path);
	exit(1);
}

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void catch_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
}

static unsigned long opened;

static void read_named(const char *directory, const char *prefix,
		       unsigned int number)
{
	static uint8_t bytes[FILE_BYTES], right[FILE_BYTES];
	char path[NAME_ROOM];

	snprintf(path, sizeof(path), "%.4000s/%s%u", directory, prefix, number);
	read_file(path, bytes);
	fill(base_name(path), right);
	check(path, bytes, right);
	opened++;
}

/* The number of generations only goes up while this runs. */
static unsigned int read_version(const char *directory, unsigned int least)
{
	static uint8_t bytes[FILE_BYTES], right[FILE_BYTES];
	char path[NAME_ROOM];
	unsigned int number;

	snprintf(path, sizeof(path), "%.4000s/version", directory);
	read_file(path, bytes);
	if (sscanf((const char *)bytes, "%7u", &number) != 1 ||
	    number < least) {
		fprintf(stderr, "livetool: %s: not %u or more\n", path, least);
		exit(1);
	}
	fill_number(number, right);
	check(path, bytes, right);
	opened++;
	return number;
}

static int read_directory(const char *directory, unsigned long rounds)
{
	unsigned int version = 0, i;

	catch_signal();
	for (; rounds && !ended; rounds--) {
		version = read_version(directory, version);
		for (i = 0; i < OLD_FILES; i++)
			read_named(directory, "old", i);
		for (i = version > 2 ? version - 2 : 1; i <= version; i++)
			read_named(directory, "new", i);
		/* Let the updating program run, too. */
		usleep(20000);
	}
	for (i = 1; i <= version; i++)
		read_named(directory, "new", i);
	printf("%u %lu\n", version, opened);
	return 0;
}

/* Read a block, of the device itself rather than of what is in memory of it. */
static void read_block(const char *path, int flags, uint8_t *block)
{
	int fd = open_or_die(path, O_RDONLY | flags);

	if (read_at(fd, block, BLOCK, 0) != BLOCK)
		die(path);
	close(fd);
}

static int read_blocks(const char *path, char **files)
{
	unsigned long count[MAX_FILES] = { 0 };
	uint8_t *block = alloc((MAX_FILES + 1) * BLOCK), *right = block + BLOCK;
	unsigned int n, i;

	for (n = 0; n < MAX_FILES && files[n]; n++)
		read_block(files[n], 0, right + n * BLOCK);
	catch_signal();
	while (!ended) {
		read_block(path, O_DIRECT, block);
		for (i = 0; i < n; i++)
			if (!memcmp(block, right + i * BLOCK, BLOCK))
				break;
		if (i == n) {
			fprintf(stderr, "livetool: %s has wrong bytes\n", path);
			return 1;
		}
		count[i]++;
	}
	for (i = 0; i < n; i++)
		printf("%lu\n", count[i]);
	return 0;
}

static int hold(const char *path)
{
	static uint8_t before[FILE_BYTES], after[FILE_BYTES];
	int fd = open_or_die(path, O_RDONLY);
	sigset_t set, old;
	void *map;

	map = mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	memcpy(before, map, FILE_BYTES);
	catch_signal();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	puts("held");
	fflush(stdout);
	while (!ended)
		sigsuspend(&old);
	madvise(map, FILE_BYTES, MADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (pread(fd, after, FILE_BYTES, 0) != FILE_BYTES)
		die(path);
	check(path, after, before);
	check(path, map, before);
	return 0;
}

/* Is it a step of an update? Of several writes it is the last that counts. */
static bool changes(const struct user_regs_struct *regs)
{
	unsigned int command = (unsigned int)regs->rsi;

	switch (regs->orig_rax) {
	case SYS_fsync:
	case SYS_mknodat:
	case SYS_mknod:
	case SYS_mount:
	case SYS_umount2:
	case SYS_move_mount:
	case SYS_clone:
	case SYS_wait4:
		return true;
	case SYS_ioctl:
		return command == DM_DEV_CREATE || command == DM_TABLE_LOAD ||
		       command == DM_DEV_SUSPEND || command == DM_DEV_RENAME ||
		       command == DM_DEV_REMOVE || command == LOOP_SET_CAPACITY;
	}
	return false;
}

static bool renames(const struct user_regs_struct *regs)
{
	return regs->orig_rax == SYS_ioctl &&
	       (unsigned int)regs->rsi == DM_DEV_RENAME;
}

/* As names_pass() does without udev; a link goes before each rename. */
static bool passes_name(const struct user_regs_struct *regs)
{
	switch (regs->orig_rax) {
	case SYS_rename:
	case SYS_unlink:
		return true;
	}
	return renames(regs);
}

static bool creates(const struct user_regs_struct *regs)
{
	return regs->orig_rax == SYS_ioctl &&
	       (unsigned int)regs->rsi == DM_DEV_CREATE;
}

static bool unmounts(const struct user_regs_struct *regs)
{
	return regs->orig_rax == SYS_umount2;
}

static pid_t start_traced(char **command)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL,
		   PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
		die("ptrace");
	return child;
}

/*
 * Let @child run until it is about to make a call that is @wanted: -1, @regs has
 * the call; or to its end: the exit status.
 */
static int run_until(pid_t child,
		     bool (*wanted)(const struct user_regs_struct *regs),
		     struct user_regs_struct *regs)
{
	static bool inside;
	int status, deliver = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, child, NULL, (long)deliver) ||
		    waitpid(child, &status, 0) != child)
			die("ptrace");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		deliver = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			if (WSTOPSIG(status) != SIGTRAP &&
			    WSTOPSIG(status) != SIGSTOP)
				deliver = WSTOPSIG(status);
			continue;
		}
		inside = !inside;
		if (inside && !ptrace(PTRACE_GETREGS, child, NULL, regs) &&
		    wanted(regs))
			return -1;
	}
}

static int kill_at(unsigned long n, const char *kind, char **command)
{
	bool (*step)(const struct user_regs_struct *regs) =
		!strcmp(kind, "all") ? changes :
		!strcmp(kind, "name") ? passes_name : renames;
	pid_t child = start_traced(command);
	struct user_regs_struct regs;
	int status;

	while (n--) {
		status = run_until(child, step, &regs);
		if (status >= 0)
			return status;
	}
	printf("killed before system call %llu, %#llx\n", regs.orig_rax,
	       regs.orig_rax == SYS_ioctl ? regs.rsi : 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return 137;
}

static bool nothing(const struct user_regs_struct *regs)
{
	(void)regs;
	return false;
}

static int run_before(bool create, const char *hook, char **command)
{
	pid_t child = start_traced(command);
	struct user_regs_struct regs;
	int status = run_until(child, create ? creates : unmounts, &regs);

	if (status >= 0) {
		fprintf(stderr, "livetool: the call did not come\n");
		return status ? status : 1;
	}
	if (system(hook) < 0)
		die(hook);
	return run_until(child, nothing, &regs);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[FILE_BYTES];
	const char *what = argc > 2 ? argv[1] : "";
	int i;

	if (!strcmp(what, "file")) {
		for (i = 2; i < argc; i++) {
			fill(base_name(argv[i]), bytes);
			write_file(argv[i], bytes);
		}
		return 0;
	}
	if (!strcmp(what, "version") && argc == 4) {
		fill_number((unsigned int)number(argv[3]), bytes);
		write_file(argv[2], bytes);
		return 0;
	}
	if (!strcmp(what, "read") && argc <= 4)
		return read_directory(argv[2], argc > 3 ? number(argv[3]) :
						       ULONG_MAX);
	if (!strcmp(what, "block") && argc > 3)
		return read_blocks(argv[2], argv + 3);
	if (!strcmp(what, "hold") && argc == 3)
		return hold(argv[2]);
	if (!strcmp(what, "killat") && argc > 4)
		return kill_at(number(argv[2]), argv[3], argv + 4);
	if (!strcmp(what, "before") && argc > 4)
		return run_before(!strcmp(argv[2], "create"), argv[3],
				  argv + 4);
	usage();
}
