// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Going along all paths of an ext4, and reading what inodes say; see
 * tree.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "fs/xattr-sum.h"
#include "mkimage.h"

struct visitor {
	struct ext4 *ext4;
	ext4_visit_path visit;
	void *context;
	u32 depth;
};

static int visit_inode(struct visitor *visitor, ext2_ino_t number,
		       const char *path)
{
	struct ext2_inode_large inode = { 0 };
	struct ext4_directory list;
	errcode_t code;
	size_t i;
	int ret;

	code = ext2fs_read_inode_full(visitor->ext4->fs, number,
				      (struct ext2_inode *)&inode,
				      sizeof(inode));
	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	ret = visitor->visit(visitor->context, number, &inode, path);
	if (ret || !S_ISDIR(inode.i_mode))
		return ret;
	ret = ext4_deeper(&visitor->depth, path);
	if (!ret)
		ret = ext4_directory_open(&list, visitor->ext4, number, path);
	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++) {
		char *below = ext4_join(path, list.entries[i].name);

		ret = below ? visit_inode(visitor, list.entries[i].number,
					  below) : -ENOMEM;
		free(below);
	}
	ext4_directory_close(&list);
	visitor->depth--;
	return ret;
}

int ext4_visit(struct ext4 *ext4, ext4_visit_path visit, void *context)
{
	struct visitor visitor = {
		.ext4 = ext4,
		.visit = visit,
		.context = context,
	};

	return visit_inode(&visitor, EXT2_ROOT_INO, "");
}

/* The most bytes of attributes that are read: this, plus so many devices. */
#define XATTRS_MAX	(1ull << 30)
#define XATTRS_FACTOR	16u

struct xattrs {
	struct ext2_xattr_handle *handle;
	xattr_visit visit;
	void *context;
	u64 bytes;
	errcode_t code;
	int ret;
};

/* Count bytes of attributes: inodes may share their blocks and inodes. */
static int meet_xattrs(struct ext4 *ext4, const char *path, u64 bytes)
{
	ext4->xattrs_met += bytes;
	if (ext4->xattrs_met <= XATTRS_MAX + XATTRS_FACTOR *
	    ext2fs_blocks_count(ext4->fs->super) * ext4->fs->blocksize)
		return 0;
	message_error("%s: extended attributes up to it have %llu bytes, over %u times as many as the device",
		      path, (unsigned long long)ext4->xattrs_met,
		      XATTRS_FACTOR);
	return -EFBIG;
}

/*
 * libext2fs has a POSIX ACL in the kernel's form only for a caller that names
 * it.
 */
static int visit_xattr(char *name, char *value, size_t length, void *context)
{
	struct xattrs *xattrs = context;
	void *posix = NULL;

	if (!strncmp(name, "system.", 7)) {
		xattrs->code = ext2fs_xattr_get(xattrs->handle, name, &posix,
						&length);
		if (xattrs->code)
			return XATTR_ABORT;
		value = posix;
	}
	xattrs->bytes += length;
	xattrs->ret = xattrs->visit(xattrs->context, name, value, length);
	ext2fs_free_mem(&posix);
	return xattrs->ret ? XATTR_ABORT : 0;
}

int ext4_xattrs_visit(struct ext4 *ext4, ext2_ino_t number, const char *path,
		      xattr_visit visit, void *context)
{
	struct xattrs xattrs = { .visit = visit, .context = context };
	errcode_t code;

	if (!ext2fs_has_feature_xattr(ext4->fs->super))
		return 0;
	code = ext2fs_xattrs_open(ext4->fs, number, &xattrs.handle);
	if (!code) {
		code = ext2fs_xattrs_read(xattrs.handle);
		if (!code)
			code = ext2fs_xattrs_iterate(xattrs.handle, visit_xattr, &xattrs);
		ext2fs_xattrs_close(&xattrs.handle);
	}
	if (!code)
		code = xattrs.code;
	if (code)
		return ext4_failed(path, "its extended attributes", code);
	return xattrs.ret ? xattrs.ret : meet_xattrs(ext4, path, xattrs.bytes);
}

static int add_to_sum(void *sum, const char *name, const void *value, size_t length)
{
	return xattr_sum_add(sum, name, value, length) ? 0 : no_memory();
}

int ext4_xattr_sum(struct ext4 *ext4, ext2_ino_t number, const char *path,
		   u8 *digest)
{
	memset(digest, 0, INC_SHA256_SIZE);
	return ext4_xattrs_visit(ext4, number, path, add_to_sum, digest);
}

int ext4_read_link(struct ext4 *ext4, ext2_ino_t number,
		   const struct ext2_inode_large *inode, const char *path,
		   char *target, unsigned int *length)
{
	ext2_file_t file;
	errcode_t code;

	if (ext2fs_is_fast_symlink((struct ext2_inode *)inode)) {
		*length = sizeof(inode->i_block);
		memcpy(target, inode->i_block, *length);
		return 0;
	}
	*length = 0;
	code = ext2fs_file_open(ext4->fs, number, 0, &file);
	if (!code) {
		code = ext2fs_file_read(file, target, EXT4_TARGET_ROOM, length);
		ext2fs_file_close(file);
	}
	return code ? ext4_failed(path, "cannot read the link", code) : 0;
}
