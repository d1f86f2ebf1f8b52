// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Comparing a filesystem with the files that are to be in it; see check.h.
 */
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/check.h"
#include "fs/xattr-sum.h"
#include "mkimage.h"

/* A file with several names in the source, and its inode in the filesystem. */
struct linked {
	dev_t dev;
	ino_t ino;
	u64 inode;
	u32 links;
	u32 names;		/* that were met */
	char path[];		/* the first */
};

static int compare_linked(const void *left, const void *right)
{
	const struct linked *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int differs(const char *path, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	message_error("%s: not as it should be in the filesystem that was made: %s; it has changed meanwhile, or this is a fault of this program (see --no-check)",
		      path, text);
	return -EUCLEAN;
}

static int check_time(const struct check *check, const struct made *made,
		      const char *path, const struct stat *st)
{
	int64_t seconds = st->st_mtim.tv_sec;
	u32 nanoseconds = (u32)st->st_mtim.tv_nsec;

	if (seconds > check->epoch) {
		seconds = check->epoch;
		nanoseconds = 0;
	}
	if (made->whole_seconds)
		nanoseconds = 0;
	if (made->seconds == seconds && made->nanoseconds == nanoseconds)
		return 0;
	return differs(path, "its time is %lld.%09u instead of %lld.%09u",
		       (long long)made->seconds, made->nanoseconds,
		       (long long)seconds, nanoseconds);
}

static int check_target(const struct check *check, const struct made *made,
			const char *path)
{
	char target[PATH_MAX + 1];
	ssize_t length = tree_link(check->tree, path, target, sizeof(target));

	if (length >= 0 && made->size == (u64)length &&
	    !memcmp(made->target, target, (size_t)length))
		return 0;
	return differs(path, "it is a link to another path");
}

/* Names of one file must be names of one inode, and of no other. */
static int check_links(struct check *check, const struct made *made,
		       const char *path, const struct stat *st)
{
	struct linked *key, **found;

	if (st->st_nlink == 1)
		return made->links == 1 ? 0 :
		       differs(path, "it has %u names", made->links);
	key = malloc(sizeof(*key) + strlen(path) + 1);
	if (!key)
		return no_memory();
	strcpy(key->path, path);
	key->names = 1;
	key->links = made->links;
	key->dev = st->st_dev;
	key->ino = st->st_ino;
	key->inode = made->inode;
	found = tsearch(key, &check->linked, compare_linked);
	if (!found) {
		free(key);
		return no_memory();
	}
	if (*found == key)
		return 0;
	free(key);
	(*found)->names++;
	return (*found)->inode == made->inode ? 0 :
	       differs(path, "it is another file than under its other names");
}

static int check_attributes(struct check *check, const struct made *made,
			    const char *path, const struct stat *st)
{
	u8 xattrs[INC_SHA256_SIZE];
	int ret;

	if (made->mode != st->st_mode)
		return differs(path, "its mode is %o instead of %o",
			       made->mode, st->st_mode);
	if (made->uid != st->st_uid || made->gid != st->st_gid)
		return differs(path, "its owner is %u:%u instead of %u:%u",
			       made->uid, made->gid, st->st_uid, st->st_gid);
	if (S_ISREG(st->st_mode) && made->size != (u64)st->st_size)
		return differs(path, "it has %llu bytes instead of %llu",
			       (unsigned long long)made->size,
			       (unsigned long long)st->st_size);
	if ((S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) &&
	    made->device != st->st_rdev)
		return differs(path, "it is another device");
	ret = check_time(check, made, path, st);
	if (!ret && S_ISLNK(st->st_mode))
		ret = check_target(check, made, path);
	if (!ret && !S_ISDIR(st->st_mode))
		ret = check_links(check, made, path, st);
	if (!ret)
		ret = xattr_sum_of_file(check->tree, path, xattrs);
	if (!ret && memcmp(made->xattrs, xattrs, sizeof(xattrs)))
		ret = differs(path, "its extended attributes are others");
	return ret;
}

int check_made(struct check *check, const struct made *made)
{
	struct stat st;
	char *path;
	int ret = 0;

	if (asprintf(&path, *made->path ? "%s/%s" : "%s%s", check->tree->name,
		     made->path) < 0)
		return no_memory();
	if (!tree_stat(check->tree, path, &st)) {
		check->found++;
		if (*made->path || !check->extended)
			ret = check_attributes(check, made, path, &st);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		ret = -errno;
		message_error("%s: cannot read it: %s", path, strerror(-ret));
	} else if (!check->extended &&
		   !(check->own && !strcmp(made->path, check->own))) {
		ret = differs(path, "there is nothing of that name in the directory");
	}
	free(path);
	return ret;
}

static void count_names(const void *node, VISIT visit, void *context)
{
	const struct linked *linked = *(const struct linked *const *)node;
	int *ret = context;

	if ((visit == postorder || visit == leaf) && !*ret &&
	    linked->names != linked->links)
		*ret = differs(linked->path, "it has %u names instead of %u",
			       linked->links, linked->names);
}

int check_end(struct check *check, int ret)
{
	if (!ret)
		twalk_r(check->linked, count_names, &ret);
	if (!ret && check->found != check->paths)
		ret = differs(check->tree->name, "%llu of its %llu names are there",
			      (unsigned long long)check->found,
			      (unsigned long long)check->paths);
	tdestroy(check->linked, free);
	check->linked = NULL;
	return ret;
}
