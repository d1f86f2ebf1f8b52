// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Confine the loader to the files that it may open, by Landlock; see sandbox.h,
 * and calls.c for system calls.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/landlock.h>
#include "common/message.h"
#include "loader/calls.h"
#include "loader/sandbox.h"

/* Rights that an old linux/landlock.h may lack. */
#define FS_REFER	(1ull << 13)	/* since version 2 */
#define FS_TRUNCATE	(1ull << 14)	/* 3 */
#define FS_IOCTL_DEV	(1ull << 15)	/* 5 */
#define NET_BIND_TCP	(1ull << 0)	/* 4 */
#define SCOPE_ABSTRACT	(1ull << 0)	/* 6 */
#define SCOPE_SIGNAL	(1ull << 1)	/* 6 */

/* As struct landlock_ruleset_attr of version 6. */
struct ruleset {
	__u64 fs;
	__u64 net;
	__u64 scoped;
};

/* 13 rights of version 1: all but looking up names and metadata. */
#define FS_VERSION_1	((1ull << 13) - 1)
#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | \
			 LANDLOCK_ACCESS_FS_READ_DIR)

/*
 * Paths that may be read to resolve a server's name and to check its certificate.
 * Whole directories, since the files in them are replaced by renaming when a
 * network comes or goes or certificates are updated. NSS modules are loaded when
 * they are first needed, which takes no right to execute.
 */
static const char *const readable[] = {
	"/etc",			/* resolv.conf, hosts, nsswitch.conf, ssl, ... */
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
	"/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	"/usr/share/pki", "/usr/share/zoneinfo",
	"/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf",
	"/run/connman", "/run/nscd", "/var/lib/ca-certificates",
};

static int allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = FS_READ };
	struct stat st;
	int err = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	/* Not every system has all of them. */
	if (rule.parent_fd < 0)
		return 0;
	if (!fstat(rule.parent_fd, &st) && S_ISDIR(st.st_mode) &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0))
		err = -errno;
	close(rule.parent_fd);
	return err;
}

/* All rights that version @version knows are refused unless a rule grants them. */
static int create_ruleset(long version)
{
	struct ruleset attr = { .fs = FS_VERSION_1 };
	size_t size = sizeof(attr.fs);

	if (version >= 2)
		attr.fs |= FS_REFER;
	if (version >= 3)
		attr.fs |= FS_TRUNCATE;
	if (version >= 4) {
		attr.net = NET_BIND_TCP;
		size = offsetof(struct ruleset, scoped);
	}
	if (version >= 5)
		attr.fs |= FS_IOCTL_DEV;
	if (version >= 6) {
		attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		size = sizeof(attr);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

int sandbox_paths(struct incr_error *error)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset, err = 0;
	size_t i;

	if (version < 1) {
		snprintf(error->text, sizeof(error->text),
			 "the kernel has no Landlock, or it is not enabled");
		return -EOPNOTSUPP;
	}
	ruleset = create_ruleset(version);
	if (ruleset < 0)
		err = -errno;
	for (i = 0; !err && i < sizeof(readable) / sizeof(readable[0]); i++)
		err = allow_reading(ruleset, readable[i]);
	if (!err && syscall(SYS_landlock_restrict_self, ruleset, 0))
		err = -errno;
	if (ruleset >= 0)
		close(ruleset);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "Landlock cannot be used: %s", strerror(-err));
	return err;
}

int sandbox_enter(enum sandbox_mode mode, struct incr_error *error)
{
	static int (*const parts[])(struct incr_error *error) = {
		sandbox_paths, sandbox_calls,
	};
	size_t i;

	if (mode == SANDBOX_OFF)
		return 0;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct incr_error why;
		int err = parts[i](&why);

		if (!err)
			continue;
		if (err != -EOPNOTSUPP || mode == SANDBOX_REQUIRED) {
			snprintf(error->text, sizeof(error->text),
				 "cannot confine the loader: %.400s", why.text);
			return err;
		}
		message_warning("the loader is less confined than it could be: %s",
				why.text);
	}
	return 0;
}
