// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inodes of ext4, their attributes and links; see tree.h.
 */
#include <stdlib.h>
#include <sys/xattr.h>
#include "common/message.h"
#include "ext4/tree.h"

/* The range of times depends on the inode: see ext4_time_extra(). */
static int check_time(const char *path, int64_t seconds, bool large)
{
	if (seconds >= INT32_MIN &&
	    seconds <= (large ? EXT4_TIME_MAX : INT32_MAX))
		return 0;
	message_error("%s: its time of modification, %lld seconds after 1970, is none that this ext4 can hold: its years are 1901 to %s",
		      path, (long long)seconds, large ? "2446" : "2038");
	return -EOVERFLOW;
}

static int set_fields(struct ext4 *ext4, struct ext2_inode_large *inode,
		      const char *path, const struct stat *st, bool fresh)
{
	int64_t seconds = st->st_mtim.tv_sec;
	u32 nanoseconds = (u32)st->st_mtim.tv_nsec;
	bool large = ext4_has_extra_times(inode);
	__u32 extra;
	int ret;

	if (seconds > ext4->now) {
		seconds = ext4->now;
		nanoseconds = 0;
	}
	ret = check_time(path, seconds, large);
	if (ret)
		return ret;
	extra = ext4_time_extra(seconds, nanoseconds);
	inode->i_mode = (__u16)st->st_mode;
	inode->i_uid = (__u16)st->st_uid;
	inode->i_gid = (__u16)st->st_gid;
	ext2fs_set_i_uid_high(*inode, (__u16)(st->st_uid >> 16));
	ext2fs_set_i_gid_high(*inode, (__u16)(st->st_gid >> 16));
	if (fresh && large) {
		inode->i_crtime = (__u32)ext4->now;
		inode->i_crtime_extra = ext4_time_extra(ext4->now, 0);
	}
	if (!fresh && inode->i_mtime == (__u32)seconds &&
	    (!large || inode->i_mtime_extra == extra))
		return 0;
	inode->i_mtime = inode->i_ctime = inode->i_atime = (__u32)seconds;
	if (large) {
		inode->i_mtime_extra = inode->i_ctime_extra = extra;
		inode->i_atime_extra = extra;
	}
	return 0;
}

static int set_inode(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     const struct stat *st, bool fresh)
{
	struct ext2_inode_large old, new;
	errcode_t code;
	int ret;

	memset(&old, 0, sizeof(old));
	code = ext2fs_read_inode_full(ext4->fs, number,
				      (struct ext2_inode *)&old, sizeof(old));
	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	new = old;
	ret = set_fields(ext4, &new, path, st, fresh);
	if (ret || !memcmp(&old, &new, sizeof(old)))
		return ret;
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

static int set_xattrs(struct ext4 *ext4, struct ext2_xattr_handle *handle,
		      const char *path, const char *list, size_t size)
{
	char *value = NULL;
	size_t room = 0, at;
	bool changed = false;
	errcode_t code;
	ssize_t length;

	code = remove_surplus(handle, list, size, &changed);
	for (at = 0; !code && at < size; at += strlen(list + at) + 1) {
		length = tree_xattr(ext4->source, path, list + at, &value,
				    &room);
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
	ssize_t size = tree_xattr(ext4->source, path, NULL, &list, &room);
	errcode_t code;
	int ret;

	if (size < 0 && errno != ENOTSUP) {
		ret = ext4_failed(path, "its extended attributes", errno);
		free(list);
		return ret;
	}
	if (!ext2fs_has_feature_xattr(ext4->fs->super)) {
		if (size > 0)
			message_error("%s: it has extended attributes, and this ext4 holds none: it lacks the feature ext_attr",
				      path);
		free(list);
		return size > 0 ? -ENOTSUP : 0;
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
	ret = set_xattrs(ext4, handle, path, list,
			 size > 0 ? (size_t)size : 0);
	ext2fs_xattrs_close(&handle);
	free(list);
	return ret;
}

int ext4_set_attributes(struct ext4 *ext4, ext2_ino_t number, const char *path,
			const struct stat *st, bool fresh)
{
	int ret = copy_xattrs(ext4, number, path);

	return ret ? ret : set_inode(ext4, number, path, st, fresh);
}

static int too_many_links(const char *path, bool dir)
{
	if (dir)
		message_error("%s: the directory that it is to be in has %u others, and this ext4 can hold no more: it lacks the feature dir_nlink",
			      path, EXT2_LINK_MAX - 2);
	else
		message_error("%s: its file has %u names, and ext4 can hold no more",
			      path, EXT2_LINK_MAX);
	return -EMLINK;
}

int ext4_count_links(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     int add, u32 *links)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(ext4->fs, number, &inode);
	bool dir = !code && LINUX_S_ISDIR(inode.i_mode);

	if (!code && !inode.i_links_count && add < 0)
		code = EXT2_ET_INODE_CORRUPTED;
	if (code)
		return ext4_failed(path, "its count of links", code);
	*links = inode.i_links_count;
	/* 1 stands for more than could be counted, and stays. */
	if (dir && inode.i_links_count == 1)
		return 0;
	if (add > 0 && inode.i_links_count >= EXT2_LINK_MAX) {
		if (!dir || !ext2fs_has_feature_dir_nlink(ext4->fs->super))
			return too_many_links(path, dir);
		inode.i_links_count = 1;
	} else {
		inode.i_links_count = (__u16)(inode.i_links_count + add);
	}
	*links = inode.i_links_count;
	code = ext2fs_write_inode(ext4->fs, number, &inode);
	return code ? ext4_failed(path, "its count of links", code) : 0;
}

/* Zeros compress, and cannot be mistaken for anything. */
static errcode_t clear_inode(ext2_filsys fs, ext2_ino_t number)
{
	size_t size = EXT2_INODE_SIZE(fs->super);
	void *zeros = calloc(1, size);
	errcode_t code = EXT2_ET_NO_MEMORY;

	if (zeros)
		code = ext2fs_write_inode_full(fs, number, zeros, (int)size);
	free(zeros);
	return code;
}

struct old_blocks {
	struct overlay *overlay;
	bool failed;
};

static int note_old_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t count,
			  blk64_t reference, int offset, void *context)
{
	struct old_blocks *old = context;

	(void)fs;
	(void)count;
	(void)reference;
	(void)offset;
	old->failed = overlay_note_old(old->overlay, *block, 1);
	return old->failed ? BLOCK_ABORT : 0;
}

/* See overlay_note_old(). */
static errcode_t note_old(struct ext4 *ext4, ext2_ino_t number)
{
	struct old_blocks old = { .overlay = ext4->overlay };
	errcode_t code = ext2fs_block_iterate3(ext4->fs, number,
			BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, NULL,
			note_old_block, &old);

	return old.failed ? EXT4_TOLD : code;
}

int ext4_free_inode(struct ext4 *ext4, ext2_ino_t number, const char *path)
{
	ext2_filsys fs = ext4->fs;
	struct ext2_inode_large inode;
	errcode_t code;
	bool dir;

	memset(&inode, 0, sizeof(inode));
	code = ext2fs_read_inode_full(fs, number, (struct ext2_inode *)&inode,
				      sizeof(inode));
	dir = LINUX_S_ISDIR(inode.i_mode);
	if (!code && ext4->overlay && LINUX_S_ISREG(inode.i_mode) &&
	    ext2fs_inode_has_valid_blocks2(fs, (struct ext2_inode *)&inode))
		code = note_old(ext4, number);
	if (!code)
		code = ext2fs_free_ext_attr(fs, number, &inode);
	if (!code && ext2fs_inode_has_valid_blocks2(fs,
						(struct ext2_inode *)&inode))
		code = ext2fs_punch(fs, number, (struct ext2_inode *)&inode,
				    NULL, 0, ~0ull);
	if (!code)
		code = clear_inode(fs, number);
	if (code)
		return ext4_failed(path, "cannot free its inode", code);
	ext2fs_inode_alloc_stats2(fs, number, -1, dir);
	if (ext4->claimed_directories)
		ext2fs_unmark_inode_bitmap2(ext4->claimed_directories, number);
	return 0;
}
