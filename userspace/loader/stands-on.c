// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files on block devices, through whatever is between; see stands-on.h.
 *
 * A file is on a mount, a mount on a block device or, of overlayfs, on directories
 * elsewhere; a block device on others, and a loop device on a file.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "common/blockdev.h"
#include "common/mountinfo.h"
#include "loader/stands-on.h"

/* Of files on devices on files on ... */
#define DEPTH_MAX	(2 * BLOCKDEV_DEPTH_MAX)

static bool path_stands_on(const char *path, dev_t backing, int depth);

static bool dev_stands_on(dev_t dev, dev_t backing, int depth);

/**
 * struct search - for the device that holds the image
 * @depth: how far to go on, of devices and files
 */
struct search {
	dev_t backing;
	int depth;
};

static bool is_beneath(void *context, const char *file, dev_t dev)
{
	const struct search *search = context;

	return file ? path_stands_on(file, search->backing, search->depth) :
		      dev_stands_on(dev, search->backing, search->depth);
}

static bool dev_stands_on(dev_t dev, dev_t backing, int depth)
{
	struct search search = { .backing = backing, .depth = depth - 1 };

	return dev == backing ||
	       (depth && blockdev_beneath(dev, is_beneath, &search));
}

/* The text before the first unescaped @end; *text is set behind that. */
static char *take_part(char **text, char end)
{
	char *from = *text, *to = from, *part = from;

	while (*from && *from != end) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from++;
	}
	*text = *from ? from + 1 : from;
	*to = '\0';
	return part;
}

/* The directories of an overlay: "rw,lowerdir=/a:/b,upperdir=/c,workdir=/d". */
static bool layers_stand_on(char *options, dev_t backing, int depth)
{
	bool found = false;

	while (*options && !found) {
		/* Commas in it are escaped, and stay so for now. */
		char *end = options, *directories;

		while (*end && *end != ',')
			end += end[0] == '\\' && end[1] ? 2 : 1;
		directories = memchr(options, '=', (size_t)(end - options));
		if (*end)
			*end++ = '\0';
		if (directories && (!strncmp(options, "lowerdir", 8) ||
				!strncmp(options, "datadir", 7) ||
				!strncmp(options, "upperdir", 8))) {
			directories++;
			while (*directories && !found)
				found = path_stands_on(take_part(&directories, ':'),
						       backing, depth);
		}
		options = end;
	}
	return found;
}

static bool mount_stands_on(unsigned long long id, dev_t backing, int depth)
{
	const struct mount *mount;
	struct mounts mounts;
	bool found = false;
	struct stat st;

	if (!mounts_read(&mounts, NULL) &&
	    (mount = mount_with_id(&mounts, (unsigned int)id))) {
		if (!strcmp(mount->type, "overlay"))
			found = layers_stand_on(mountinfo_unescape(mount->super),
						backing, depth);
		else if (!stat(mount->source, &st) && S_ISBLK(st.st_mode))
			found = dev_stands_on(st.st_rdev, backing, depth);
	}
	mounts_free(&mounts);
	return found;
}

static bool path_stands_on(const char *path, dev_t backing, int depth)
{
	struct statx st;

	if (!depth || statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_MNT_ID, &st))
		return false;
	if (S_ISBLK(st.stx_mode))
		return dev_stands_on(makedev(st.stx_rdev_major,
					     st.stx_rdev_minor),
				     backing, depth - 1);
	/* Without a device of its own: an overlay, btrfs, or over a network. */
	if (!st.stx_dev_major)
		return st.stx_mask & STATX_MNT_ID &&
		       mount_stands_on(st.stx_mnt_id, backing, depth - 1);
	return dev_stands_on(makedev(st.stx_dev_major, st.stx_dev_minor),
			     backing, depth - 1);
}

bool stands_on(const char *path, dev_t backing)
{
	return path_stands_on(path, backing, DEPTH_MAX);
}
