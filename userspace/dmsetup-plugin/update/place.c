// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Going to where a mount is; see place.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>
#include "dmsetup-plugin/update/place.h"

const char *fd_path(int fd, char path[FD_PATH_MAX])
{
	snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return path;
}

static bool is_mount(int fd, const struct mount *mount)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		      &st) &&
	       st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == mount->id;
}

/* glibc has no openat2(). */
int place_open(int directory, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

/* The directory that @path is in; NULL: no memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") :
			       strndup(path, (size_t)(slash - path));
}

int place_find(struct place *place, const struct mount *mount,
	       struct incr_error *error)
{
	char *directory = directory_of(mount->point);

	*place = (struct place){
		.of = mount,
		.directory = -1,
		.name = strrchr(mount->point, '/') + 1,
		.mount = -1,
	};
	if (!directory)
		return incr_fail(error, -ENOMEM, "out of memory");
	if (*place->name)
		place->directory = place_open(AT_FDCWD, directory);
	else
		place->name = ".";
	free(directory);
	/* In that directory a mount point cannot be renamed. */
	if (place->directory >= 0)
		place->mount = place_open(place->directory, place->name);
	else if (!strcmp(mount->point, "/"))
		place->mount = place_open(AT_FDCWD, "/");
	if (place->mount >= 0 && is_mount(place->mount, mount))
		return 0;
	if (place->mount < 0 && errno != ENOENT && errno != ELOOP &&
	    errno != ENOTDIR)
		return incr_fail(error, -errno, "cannot look at %s: %s",
				 mount->point, strerror(errno));
	return incr_fail(error, -EBUSY,
			 "%s does not lead to the mount any more: something is mounted over it (unmount it first), or a directory on the way was renamed",
			 mount->point);
}

void place_leave(struct place *place)
{
	if (place->directory >= 0)
		close(place->directory);
	if (place->mount >= 0)
		close(place->mount);
	place->directory = place->mount = -1;
}
