// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drop every privilege; see privileges.h. Called before there are threads.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include "common/parse.h"
#include "loader/privileges.h"

/* In a network's user database a look-up can fail: a number needs none. */
static int find_user(const char *name, uid_t *uid, gid_t *gid,
		     struct incr_error *error)
{
	const struct passwd *user = getpwnam(name);
	uint64_t number;

	if (user) {
		*uid = user->pw_uid;
		*gid = user->pw_gid;
		return 0;
	}
	if (!parse_number(name, 0, UINT32_MAX - 1, &number)) {
		*uid = (uid_t)number;
		*gid = (gid_t)number;
		return 0;
	}
	snprintf(error->text, sizeof(error->text), "there is no user %s", name);
	return -EINVAL;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

/* Only with CAP_SETPCAP, so first; nothing gets a capability by exec then. */
static void drop_bounding_set(void)
{
	unsigned long cap = 0;

	while (!prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
		cap++;
}

int privileges_drop(const char *name, struct incr_error *error)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		err = -errno;
		goto failed;
	}
	if (!name && !geteuid())
		name = "nobody";
	if (name) {
		err = find_user(name, &uid, &gid, error);
		if (err)
			return err;
	}
	if (!geteuid()) {
		drop_bounding_set();
		if (setgroups(0, NULL)) {
			err = -errno;
			goto failed;
		}
	}
	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		err = -errno;
		goto failed;
	}
	err = drop_capabilities();
	if (err)
		goto failed;
	/* If root can be had back, nothing was dropped. */
	if (uid && !setuid(0)) {
		snprintf(error->text, sizeof(error->text),
			 "privileges could be had back after dropping them");
		return -EPERM;
	}
	/* No core with secrets in it; changing the user has reset that. */
	if (!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return 0;
	err = -errno;
failed:
	snprintf(error->text, sizeof(error->text), "cannot drop privileges: %s",
		 strerror(-err));
	return err;
}
