// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading an ext4 back, to compare it with its source; see fs/check.h.
 */
#include <sys/stat.h>
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "fs/check.h"
#include "fs/filesystem.h"
#include "fs/source.h"

struct checker {
	struct check *check;
	struct ext4 ext4;
};

static int check_inode(void *context, ext2_ino_t number,
		       const struct ext2_inode_large *inode, const char *path)
{
	struct checker *checker = context;
	u32 extra = inode->i_mtime_extra;
	char target[EXT4_TARGET_ROOM];
	unsigned int length;
	struct made made = {
		.path = path,
		.inode = number,
		.mode = inode->i_mode,
		.links = inode->i_links_count,
		.uid = inode_uid(*inode),
		.gid = inode_gid(*inode),
		.size = EXT2_I_SIZE(inode),
		.seconds = (int32_t)inode->i_mtime +
			   ((int64_t)(extra & 3) << 32),
		.nanoseconds = extra >> 2,
		.whole_seconds = !ext4_has_extra_times(inode),
		.device = ext4_device_number(inode),
		.target = target,
	};
	int ret = 0;

	if (S_ISLNK(inode->i_mode))
		ret = ext4_read_link(&checker->ext4, number, inode, path,
				     target, &length);
	/* A short one is followed by zeros. */
	if (!ret && S_ISLNK(inode->i_mode) && length < made.size)
		made.size = length;
	if (!ret)
		ret = ext4_xattr_sum(&checker->ext4, number, path, made.xattrs);
	return ret ? ret : check_made(checker->check, &made);
}

static int check_all(struct checker *checker)
{
	int ret;

	checker->check->epoch = ext4_epoch(checker->check->epoch);
	ret = ext4_visit(&checker->ext4, check_inode, checker);
	ext4_abandon(&checker->ext4);
	return check_end(checker->check, ret);
}

int ext4_check(struct overlay *overlay, struct check *check)
{
	struct checker checker = { .check = check };
	int ret = ext4_open(&checker.ext4, overlay, 0, false);

	return ret ? ret : check_all(&checker);
}

int ext4_check_file(int fd, struct check *check)
{
	struct checker checker = { .check = check };
	int ret = ext4_open_file(&checker.ext4, fd, check->tree->name, 0, false);

	check->own = "lost+found";
	return ret ? ret : check_all(&checker);
}
