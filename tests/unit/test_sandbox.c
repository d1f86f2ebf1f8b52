// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loader's sandbox (userspace/loader/sandbox.c and calls.c): processes enter
 * it and try the calls that it must refuse, and those that must work.
 *
 * Root is confined like any user, so the test runs as either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "common/message.c"
#include "loader/calls.c"
#include "loader/sandbox.c"

/* In the child: 0, or the errno that an attempt ended with. */
typedef int (*attempt)(const void *argument);

/* Confine a child: by one part alone, or by all of them. */
static int enter_all(struct incr_error *error)
{
	return sandbox_enter(SANDBOX_AUTO, error);
}

static int in_child(int (*enter)(struct incr_error *error), attempt attempt,
		    const void *argument)
{
	struct incr_error error;
	pid_t child;
	int status;

	fflush(stdout);
	fflush(stderr);
	child = fork();
	assert_return_code(child, errno);
	if (!child) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || enter(&error))
			_exit(255);
		_exit(attempt(argument));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* With NEED_LANDLOCK in the environment, a kernel without Landlock fails the test. */
static void need_landlock(void)
{
	if (have_landlock())
		return;
	assert_null(getenv("NEED_LANDLOCK"));
	skip();
}

static int try_read(const void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static int try_write(const void *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? errno : 0;
}

static int try_unlink(const void *path)
{
	return unlink(path) ? errno : 0;
}

static int try_exec(const void *path)
{
	execl(path, path, NULL);
	return errno;
}

static int try_fork(const void *unused)
{
	pid_t child = fork();

	(void)unused;
	if (!child)
		_exit(0);
	return child < 0 ? errno : 0;
}

static int try_call(const void *number)
{
	return syscall(*(const long *)number, 0, 0, 0, 0, 0, 0) < 0 ? errno : 0;
}

static int try_kill(const void *pid)
{
	return kill(*(const pid_t *)pid, 0) ? errno : 0;
}

static void *nothing(void *unused)
{
	return unused;
}

/* Do as the reader of an origin does: use a name, a thread, a socket, memory. */
static int try_work(const void *unused)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	struct stat st;
	pthread_t thread;
	int fds[2];

	(void)unused;
	if (pthread_create(&thread, NULL, nothing, NULL) ||
	    pthread_join(thread, NULL))
		return 1;
	if (getaddrinfo("localhost", "80", &hints, &found))
		return 2;
	freeaddrinfo(found);
	if (try_read("/etc/hosts") || stat("/etc/ssl", &st))
		return 3;
	if (pipe2(fds, O_CLOEXEC) || write(fds[1], "x", 1) != 1)
		return 4;
	free(malloc(100u << 20));
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 ||
	    socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
		return 5;
	return 0;
}

static void test_work(void **state)
{
	(void)state;
	assert_int_equal(in_child(enter_all, try_work, NULL), 0);
	assert_int_equal(in_child(sandbox_calls, try_work, NULL), 0);
}

static char outside[] = "/tmp/sandbox.XXXXXX";

static int make_outside(void **state)
{
	int fd = mkstemp(outside);

	(void)state;
	if (fd < 0)
		return -1;
	/* Without the sandbox every user could read and write it. */
	fchmod(fd, 0666);
	close(fd);
	return 0;
}

static int remove_outside(void **state)
{
	(void)state;
	return unlink(outside);
}

static void test_files(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(in_child(sandbox_paths, try_read, outside), EACCES);
	assert_int_equal(in_child(sandbox_paths, try_read, "/proc/self/maps"),
			 EACCES);
	assert_int_equal(in_child(sandbox_paths, try_read, "/dev/zero"),
			 EACCES);
	assert_int_equal(in_child(sandbox_paths, try_write, outside), EACCES);
	assert_int_equal(in_child(sandbox_paths, try_unlink, outside), EACCES);
	assert_int_equal(in_child(sandbox_paths, try_write, "/etc/new"),
			 EACCES);
	assert_int_equal(in_child(sandbox_paths, try_exec, "/bin/true"),
			 EACCES);
	assert_int_equal(in_child(sandbox_paths, try_read, "/etc/hosts"), 0);
	assert_int_equal(in_child(enter_all, try_read, outside), EACCES);
}

/* Without Landlock, too. */
static void test_calls(void **state)
{
	(void)state;
	assert_int_equal(in_child(sandbox_calls, try_read, outside), 0);
	assert_int_equal(in_child(sandbox_calls, try_write, outside), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_unlink, outside), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_exec, "/bin/true"),
			 ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_fork, NULL), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_kill,
				  &(pid_t){ getpid() }), ENOSYS);
}

static void test_dangerous_calls(void **state)
{
	static const char *const names[] = {
		"execve", "execveat", "fork", "vfork", "clone3", "ptrace",
		"process_vm_readv", "process_vm_writev", "mount", "umount2",
		"pivot_root", "move_mount", "open_tree", "fsopen", "chroot",
		"unshare", "setns", "bpf", "perf_event_open", "init_module",
		"finit_module", "delete_module", "kexec_load", "add_key",
		"request_key", "keyctl", "userfaultfd", "io_uring_setup",
		"io_uring_enter", "io_uring_register", "openat2", "creat",
		"open_by_handle_at", "rename", "renameat", "renameat2", "link",
		"linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "mknod",
		"mknodat", "rmdir", "unlink", "unlinkat", "chmod", "fchmod",
		"fchmodat", "chown", "fchown", "truncate", "setxattr",
		"listen", "accept", "accept4", "kill", "tkill", "pidfd_open",
		"pidfd_getfd", "pidfd_send_signal", "setuid", "setresuid",
		"setgid", "setresgid", "setgroups", "capset", "personality",
		"reboot", "swapon", "settimeofday", "clock_settime",
		"memfd_create", "shmget", "msgget", "semget", "mq_open",
		"name_to_handle_at", "quotactl", "acct", "iopl", "ioperm",
		"modify_ldt", "seccomp", "syslog", "vmsplice", "memfd_secret",
		"pkey_mprotect",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		long number = seccomp_syscall_resolve_name(names[i]);
		int err;

		if (number < 0)		/* this machine has no such call */
			continue;
		err = in_child(sandbox_calls, try_call, &number);
		if (err != ENOSYS)
			print_error("%s: %s\n", names[i], strerror(err));
		assert_int_equal(err, ENOSYS);
	}
}

static int try_socket(const void *family)
{
	int fd = socket(*(const int *)family, SOCK_RAW, NETLINK_AUDIT);

	return fd < 0 ? errno : 0;
}

static int try_memory(const void *protection)
{
	void *p = mmap(NULL, 4096, *(const int *)protection,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int try_protect(const void *unused)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	return mprotect(p, 4096, PROT_READ | PROT_EXEC) ? errno : 0;
}

static int try_ioctl(const void *request)
{
	return ioctl(0, *(const unsigned long *)request, 0) ? errno : 0;
}

static int try_prctl(const void *option)
{
	return prctl(*(const int *)option, 1, 0, 0, 0) ? errno : 0;
}

static int try_limit(const void *unused)
{
	struct rlimit limit = { 1, 1 };

	(void)unused;
	return setrlimit(RLIMIT_CORE, &limit) ? errno : 0;
}

static void test_arguments(void **state)
{
	(void)state;
	assert_int_equal(in_child(sandbox_calls, try_socket,
				  &(int){ AF_PACKET }), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_socket,
				  &(int){ AF_NETLINK }), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_memory,
				  &(int){ PROT_READ | PROT_EXEC }), 0);
	assert_int_equal(in_child(sandbox_calls, try_memory,
				  &(int){ PROT_WRITE | PROT_EXEC }), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_protect, NULL), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_ioctl,
				  &(unsigned long){ TIOCSTI }), ENOSYS);
	/* The kernel ignores the upper half of a request number. */
	assert_int_equal(in_child(sandbox_calls, try_ioctl,
				  &(unsigned long){ TIOCSTI | 1ull << 32 }),
			 ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_prctl,
				  &(int){ PR_SET_DUMPABLE }), ENOSYS);
	assert_int_equal(in_child(sandbox_calls, try_limit, NULL), ENOSYS);
}

static int try_bind(const void *unused)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
}

/* Calls that later versions of Landlock can refuse. */
static void test_landlock_versions(void **state)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);

	(void)state;
	need_landlock();
	assert_int_equal(in_child(sandbox_paths, try_bind, NULL),
			 version >= 4 ? EACCES : 0);
	assert_int_equal(in_child(sandbox_paths, try_kill,
				  &(pid_t){ getpid() }),
			 version >= 6 ? EPERM : 0);
}

static int try_abort(const void *unused)
{
	(void)unused;
	signal(SIGABRT, _exit);
	abort();
}

static void test_abort(void **state)
{
	(void)state;
	assert_int_equal(in_child(sandbox_calls, try_abort, NULL), SIGABRT);
}

static void test_off(void **state)
{
	struct incr_error error;

	(void)state;
	assert_int_equal(sandbox_enter(SANDBOX_OFF, &error), 0);
	assert_int_equal(try_read(outside), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_dangerous_calls),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_landlock_versions),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, make_outside, remove_outside);
}
