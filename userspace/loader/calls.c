// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Confine the loader to a list of system calls, by libseccomp.
 *
 * The list names the calls that are allowed: those that the loader, libcurl,
 * OpenSSL and name resolution with its NSS modules need. Each at most computes,
 * maps memory, starts threads, reads files, or talks through sockets. All others
 * fail with ENOSYS, as on a kernel that lacks them, so that a C library with
 * newer calls falls back to those it used before.
 *
 * Where a call can do more than is needed, its arguments are looked at: no
 * processes but threads, no opening for writing, no memory both writable and
 * executable, no sockets but for names, servers and local services.
 */
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/dm-incremental.h>
#include <linux/netlink.h>
#include "loader/calls.h"

/* Names that this machine or libseccomp does not know are passed over. */
static const char *const allowed[] = {
	/* open files and sockets */
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64",
	"pwritev", "lseek", "_llseek", "close", "close_range", "fstat",
	"fstat64", "fcntl", "fcntl64", "dup", "dup2", "dup3", "fsync",
	"fdatasync", "ftruncate", "ftruncate64", "getdents64", "fstatfs",
	"fstatfs64", "fadvise64", "fadvise64_64",
	/* names of files */
	"stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64",
	"statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"statfs", "statfs64", "getcwd", "chdir", "umask",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6",
	"pselect6_time64", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "eventfd2", "signalfd4", "pipe",
	"pipe2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
	"nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
	"restart_syscall", "pause",
	/* sockets; no listening */
	"connect", "bind", "sendto", "sendmsg", "sendmmsg", "recvfrom",
	"recvmsg", "recvmmsg", "recvmmsg_time64", "send", "recv", "shutdown",
	"getsockname", "getpeername", "getsockopt", "setsockopt",
	/* memory */
	"brk", "munmap", "mremap", "madvise", "membarrier", "mlock",
	"munlock",
	/* threads and signals */
	"futex", "futex_time64", "futex_waitv", "set_robust_list",
	"get_robust_list", "rseq", "set_tid_address", "arch_prctl",
	"sched_yield", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_get_priority_max",
	"sched_get_priority_min", "exit", "exit_group", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
	"rt_sigtimedwait", "rt_sigtimedwait_time64", "sigreturn",
	"sigaltstack",
	/* users, times, limits */
	"getpid", "gettid", "getppid", "getuid", "getuid32", "geteuid",
	"geteuid32", "getgid", "getgid32", "getegid", "getegid32",
	"getresuid", "getresuid32", "getresgid", "getresgid32", "getgroups",
	"getgroups32", "clock_gettime", "clock_gettime64", "clock_getres",
	"clock_getres_time64", "gettimeofday", "time", "times", "getrandom",
	"uname", "sysinfo", "getrusage", "getrlimit", "ugetrlimit", "getcpu",
};

/**
 * struct checked - a call that is allowed if an argument is as told
 * @mask: of argument number @argument; all of it: UINT64_MAX
 * @value: required value of the masked argument
 *
 * Of several lines for one call, one must fit.
 */
struct checked {
	const char *name;
	unsigned int argument;
	__u64 mask;
	__u64 value;
};

#define WRITING	(O_ACCMODE | O_CREAT | O_TRUNC)
#define ONLY	UINT64_MAX
#define LOW	0xffffffffull	/* an int: the upper half is not looked at */

static const struct checked checked[] = {
	/* Threads, not processes. clone3() hides its flags, and is refused. */
	{ "clone", 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM },
	{ "open", 1, WRITING, O_RDONLY },
	{ "openat", 2, WRITING, O_RDONLY },
	{ "mmap", 2, PROT_WRITE | PROT_EXEC, 0 },
	{ "mmap", 2, PROT_WRITE | PROT_EXEC, PROT_WRITE },
	{ "mmap", 2, PROT_WRITE | PROT_EXEC, PROT_EXEC },
	{ "mmap2", 2, PROT_WRITE | PROT_EXEC, 0 },
	{ "mmap2", 2, PROT_WRITE | PROT_EXEC, PROT_WRITE },
	{ "mmap2", 2, PROT_WRITE | PROT_EXEC, PROT_EXEC },
	{ "mprotect", 2, PROT_EXEC, 0 },
	{ "socketpair", 0, LOW, AF_UNIX },
	{ "socket", 0, LOW, AF_UNIX },
	{ "socket", 0, LOW, AF_INET },
	{ "socket", 0, LOW, AF_INET6 },
	{ "prctl", 0, LOW, PR_SET_NAME },
	{ "prctl", 0, LOW, PR_GET_NAME },
	/* Limits can be read. */
	{ "prlimit64", 2, ONLY, 0 },
	/* The device; I/O of libcurl and of the resolver. */
	{ "ioctl", 1, LOW, DM_INCREMENTAL_IOC_READ },
	{ "ioctl", 1, LOW, DM_INCREMENTAL_IOC_INFO },
	{ "ioctl", 1, LOW, DM_INCREMENTAL_IOC_MISSING },
	{ "ioctl", 1, LOW, DM_INCREMENTAL_IOC_UNAVAILABLE },
	{ "ioctl", 1, LOW, FIONREAD },
	{ "ioctl", 1, LOW, FIONBIO },
	{ "ioctl", 1, LOW, TCGETS },
	{ "ioctl", 1, LOW, TIOCGWINSZ },
};

static int allow(scmp_filter_ctx filter, const struct checked *call)
{
	int number = seccomp_syscall_resolve_name(call->name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (!call->mask)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
				SCMP_CMP(call->argument, SCMP_CMP_MASKED_EQ,
					 call->mask, call->value));
}

/* Signals to ourselves, as abort() sends; which addresses there are; a thread's own priority. */
static int allow_special(scmp_filter_ctx filter)
{
	int err;

	err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			       SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				       SCMP_SYS(socket), 2,
				       SCMP_CMP(0, SCMP_CMP_MASKED_EQ, LOW,
						AF_NETLINK),
				       SCMP_CMP(2, SCMP_CMP_MASKED_EQ, LOW,
						NETLINK_ROUTE));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				       SCMP_SYS(setpriority), 2,
				       SCMP_CMP(0, SCMP_CMP_MASKED_EQ, LOW,
						PRIO_PROCESS),
				       SCMP_CMP(1, SCMP_CMP_MASKED_EQ, LOW, 0));
	return err;
}

int sandbox_calls(struct incr_error *error)
{
	scmp_filter_ctx filter = NULL;
	size_t i;
	int err;

	/* Fails where the kernel has no filters. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) {
		snprintf(error->text, sizeof(error->text),
			 "the kernel has no seccomp filters");
		return -EOPNOTSUPP;
	}
	filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!filter) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	err = allow_special(filter);
	for (i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = allow(filter, &(struct checked){ .name = allowed[i] });
	for (i = 0; !err && i < sizeof(checked) / sizeof(checked[0]); i++)
		err = allow(filter, &checked[i]);
	/* A tree, not a list: every read of an origin passes it. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "seccomp cannot be used: %s", strerror(-err));
	return err;
}
