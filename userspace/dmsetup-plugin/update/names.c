// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of devices that change places; see names.h.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/update/names.h"

#define PATH_ROOM	(DM_NAME_MAX + 32)

static void node_of(const char *name, const char *suffix, char *path)
{
	snprintf(path, PATH_ROOM, "%.16s/%s%s", dm_dir(), name, suffix);
}

static void say_why(const char *path)
{
	message_debug("cannot make %s: %s", path, strerror(errno));
}

/*
 * Let the node @to be that of device @from, too, in place of another if there is one.
 * As it is the same node under another name, it has the same owner and mode.
 */
static void share_node(const char *from, const char *to)
{
	char path[PATH_ROOM], temporary[PATH_ROOM], place[PATH_ROOM];

	node_of(from, "", path);
	node_of(to, ".tmp", temporary);
	node_of(to, "", place);
	unlink(temporary);
	if (!link(path, temporary) && !rename(temporary, place))
		return;
	say_why(place);
	unlink(temporary);
}

static void remove_node(const char *name)
{
	char path[PATH_ROOM];

	node_of(name, "", path);
	unlink(path);
}

static int rename_devices(const char *name, const char *aside, const char *next,
			  struct incr_error *error)
{
	struct incr_error ignored;
	int err = 0;

	if (aside)
		err = dm_rename(name, aside, error);
	if (err)
		return err;
	err = dm_rename(next, name, error);
	if (err && aside)
		dm_rename(aside, name, &ignored);
	return err;
}

int names_pass(const char *name, const char *aside, const char *next,
	       struct incr_error *error)
{
	int err;

	if (dm_udev_get_sync_support())
		return rename_devices(name, aside, next, error);
	if (aside)
		share_node(name, aside);
	share_node(next, name);
	err = rename_devices(name, aside, next, error);
	if (!err) {
		remove_node(next);
	} else if (aside) {
		share_node(aside, name);
		remove_node(aside);
	}
	return err;
}

void names_put_right(const char *name, u32 major, u32 minor)
{
	char temporary[PATH_ROOM], place[PATH_ROOM];
	dev_t device = makedev(major, minor);
	struct stat st;

	node_of(name, "", place);
	if (lstat(place, &st)) {
		dm_make_nodes(name);
		return;
	}
	if (S_ISBLK(st.st_mode) && st.st_rdev == device)
		return;
	node_of(name, ".tmp", temporary);
	unlink(temporary);
	/* As those that libdevmapper makes, whatever the umask is. */
	if (!mknod(temporary, S_IFBLK | 0600, device) &&
	    !chown(temporary, st.st_uid, st.st_gid) &&
	    !chmod(temporary, st.st_mode & 0666) && !rename(temporary, place))
		return;
	say_why(place);
	unlink(temporary);
}
