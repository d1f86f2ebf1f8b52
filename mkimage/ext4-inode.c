// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of ext4's inodes; see ext4.h.
 */
#include <stdlib.h>
#include <sys/xattr.h>
#include "ext4.h"
#include "message.h"
#include "walk.h"

/* Is the field in the inode, as large as that is? */
#define HAS_FIELD(inode, field)						\
	(offsetof(struct ext2_inode_large, field) + sizeof((inode)->field) <= \
	 EXT2_GOOD_OLD_INODE_SIZE + (size_t)(inode)->i_extra_isize)

static void set_fields(struct ext4 *ext4, struct ext2_inode_large *inode,
		       const struct stat *st)
{
	int64_t seconds = st->st_mtim.tv_sec;
	u32 nanoseconds = (u32)st->st_mtim.tv_nsec;
	bool large = EXT2_INODE_SIZE(ext4->fs->super) >
		     EXT2_GOOD_OLD_INODE_SIZE;
	__u32 extra;

	if (seconds > ext4->now) {
		seconds = ext4->now;
		nanoseconds = 0;
	}
	extra = ext4_time_extra(seconds, nanoseconds);
	inode->i_mode = (__u16)st->st_mode;
	inode->i_uid = (__u16)st->st_uid;
	inode->i_gid = (__u16)st->st_gid;
	ext2fs_set_i_uid_high(*inode, (__u16)(st->st_uid >> 16));
	ext2fs_set_i_gid_high(*inode, (__u16)(st->st_gid >> 16));
	if (inode->i_mtime == (__u32)seconds &&
	    (!large || !HAS_FIELD(inode, i_mtime_extra) ||
	     inode->i_mtime_extra == extra))
		return;
	inode->i_mtime = inode->i_ctime = inode->i_atime = (__u32)seconds;
	if (large && HAS_FIELD(inode, i_atime_extra)) {
		inode->i_mtime_extra = inode->i_ctime_extra = extra;
		inode->i_atime_extra = extra;
	}
}

static int set_inode(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     const struct stat *st)
{
	struct ext2_inode_large old, new;
	errcode_t code;

	memset(&old, 0, sizeof(old));
	code = ext2fs_read_inode_full(ext4->fs, number,
				      (struct ext2_inode *)&old, sizeof(old));
	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	new = old;
	set_fields(ext4, &new, st);
	if (!memcmp(&old, &new, sizeof(old)))
		return 0;
	code = ext2fs_write_inode_full(ext4->fs, number,
				       (struct ext2_inode *)&new, sizeof(new));
	return code ? ext4_failed(path, "cannot write its inode", code) : 0;
}

/* Names of attributes that an inode has and its file has not. */
struct surplus {
	const char *list;
	size_t size;
	char **names;
	size_t count;
	bool failed;
};

static bool list_has(const char *list, size_t size, const char *name)
{
	size_t at;

	for (at = 0; at < size; at += strlen(list + at) + 1)
		if (!strcmp(list + at, name))
			return true;
	return false;
}

static int note_surplus(char *name, char *value, size_t length, void *context)
{
	struct surplus *surplus = context;
	char **more;

	(void)value;
	(void)length;
	if (list_has(surplus->list, surplus->size, name))
		return 0;
	more = realloc(surplus->names, (surplus->count + 1) * sizeof(*more));
	if (more)
		surplus->names = more;
	if (!more || !(more[surplus->count] = strdup(name))) {
		surplus->failed = true;
		return XATTR_ABORT;
	}
	surplus->count++;
	return 0;
}

static errcode_t remove_surplus(struct ext2_xattr_handle *handle,
				const char *list, size_t size, bool *changed)
{
	struct surplus surplus = { .list = list, .size = size };
	errcode_t code;
	size_t i;

	code = ext2fs_xattrs_iterate(handle, note_surplus, &surplus);
	if (surplus.failed)
		code = EXT2_ET_NO_MEMORY;
	for (i = 0; i < surplus.count; i++) {
		if (!code)
			code = ext2fs_xattr_remove(handle, surplus.names[i]);
		*changed = true;
		free(surplus.names[i]);
	}
	free(surplus.names);
	return code;
}

static errcode_t set_xattr(struct ext2_xattr_handle *handle, const char *name,
			   const char *value, size_t length, bool *changed)
{
	void *old = NULL;
	size_t old_length = 0;
	errcode_t code;
	bool same;

	code = ext2fs_xattr_get(handle, name, &old, &old_length);
	if (code && code != EXT2_ET_EA_KEY_NOT_FOUND)
		return code;
	same = !code && old_length == length && !memcmp(old, value, length);
	if (!code)
		ext2fs_free_mem(&old);
	if (same)
		return 0;
	*changed = true;
	return ext2fs_xattr_set(handle, name, value, length);
}

static int set_xattrs(struct ext2_xattr_handle *handle, const char *path,
		      const char *list, size_t size)
{
	char *value = NULL;
	size_t room = 0, at;
	bool changed = false;
	errcode_t code;
	ssize_t length;

	code = remove_surplus(handle, list, size, &changed);
	for (at = 0; !code && at < size; at += strlen(list + at) + 1) {
		length = walk_xattr(path, list + at, &value, &room);
		if (length < 0 && errno == ENODATA)
			continue;
		code = length < 0 ? errno :
		       set_xattr(handle, list + at, value, (size_t)length,
				 &changed);
	}
	if (!code && changed)
		code = ext2fs_xattrs_write(handle);
	free(value);
	return code ? ext4_failed(path, "its extended attributes", code) : 0;
}

static int copy_xattrs(struct ext4 *ext4, ext2_ino_t number, const char *path)
{
	struct ext2_xattr_handle *handle;
	char *list = NULL;
	size_t room = 0;
	ssize_t size = walk_xattr(path, NULL, &list, &room);
	errcode_t code;
	int ret;

	if (size < 0 && errno != ENOTSUP) {
		ret = ext4_failed(path, "its extended attributes", errno);
		free(list);
		return ret;
	}
	code = ext2fs_xattrs_open(ext4->fs, number, &handle);
	if (!code) {
		code = ext2fs_xattrs_read(handle);
		if (code)
			ext2fs_xattrs_close(&handle);
	}
	if (code) {
		free(list);
		return ext4_failed(path, "its extended attributes", code);
	}
	ret = set_xattrs(handle, path, list, size > 0 ? (size_t)size : 0);
	ext2fs_xattrs_close(&handle);
	free(list);
	return ret;
}

int ext4_set_attributes(struct ext4 *ext4, ext2_ino_t number, const char *path,
			const struct stat *st)
{
	int ret = copy_xattrs(ext4, number, path);

	return ret ? ret : set_inode(ext4, number, path, st);
}
