// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All paths of an ext4, each with a digest of its attributes and contents: see
 * files_visit in fs/filesystem.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "fs/files.h"
#include "mkimage.h"

struct lister {
	struct ext4 ext4;
	struct files files;
	u64 index, block, count;	/* blocks of a file that follow each other */
	int ret;
};

static int add_blocks(struct lister *lister)
{
	ext2_filsys fs = lister->ext4.fs;
	u8 data[EXT2_MAX_BLOCK_SIZE], digest[INC_SHA256_SIZE];
	int ret = 0;

	if (fs->blocksize == INC_BLOCK_SIZE && lister->count)
		ret = files_add_blocks(&lister->files, lister->index,
				       lister->block, lister->count);
	for (; fs->blocksize != INC_BLOCK_SIZE && !ret && lister->count;
	     lister->count--) {
		if (io_channel_read_blk64(fs->io, lister->block++, 1, data))
			return -EIO;
		incr_hash_digest(lister->files.hash, data, fs->blocksize,
				 digest);
		ret = files_add_block(&lister->files, lister->index++, digest);
	}
	lister->count = 0;
	return ret;
}

/* Claim blocks of the map, too: a hostile image may use one many times. */
static int add_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t at,
		     blk64_t above, int offset, void *context)
{
	struct lister *lister = context;
	errcode_t code = ext4_claim(&lister->ext4, *block);

	(void)fs;
	(void)above;
	(void)offset;
	if (code)
		lister->ret = code == EXT4_TOLD ? -EINVAL :
			      ext4_failed(lister->ext4.name, "a file's map",
					  code);
	if (lister->ret || at < 0)
		return lister->ret ? BLOCK_ABORT : 0;
	if (lister->count == FILES_DIGESTS ||
	    lister->block + lister->count != *block ||
	    lister->index + lister->count != (u64)at)
		lister->ret = add_blocks(lister);
	if (!lister->count) {
		lister->index = (u64)at;
		lister->block = *block;
	}
	lister->count++;
	return lister->ret ? BLOCK_ABORT : 0;
}

static int add_file(struct lister *lister, ext2_ino_t number,
		    struct ext2_inode *inode, const char *path)
{
	errcode_t code = 0;

	lister->ret = 0;
	lister->count = 0;
	if (ext2fs_inode_has_valid_blocks2(lister->ext4.fs, inode))
		code = ext2fs_block_iterate3(lister->ext4.fs, number,
					     BLOCK_FLAG_READ_ONLY, NULL,
					     add_block, lister);
	if (!lister->ret && code)
		return ext4_failed(path, "its contents", code);
	return lister->ret ? lister->ret : add_blocks(lister);
}

static int add_link(struct lister *lister, ext2_ino_t number,
		    const struct ext2_inode_large *inode, const char *path)
{
	char target[EXT4_TARGET_ROOM];
	unsigned int length;
	int ret = ext4_read_link(&lister->ext4, number, inode, path, target,
				 &length);

	return ret ? ret : files_add(&lister->files, target, length);
}

static int add_xattrs(struct lister *lister, ext2_ino_t number,
		      const char *path)
{
	u8 sum[INC_SHA256_SIZE];
	int ret = ext4_xattr_sum(&lister->ext4, number, path, sum);

	return ret ? ret : files_add(&lister->files, sum, sizeof(sum));
}

static int list_inode(void *context, ext2_ino_t number,
		      const struct ext2_inode_large *inode, const char *path)
{
	struct lister *lister = context;
	bool dir = S_ISDIR(inode->i_mode);
	/* A directory's entries are listed as paths of their own. */
	__le64 numbers[8] = {
		cpu_to_le64(inode->i_mode),
		cpu_to_le64(inode_uid(*inode)),
		cpu_to_le64(inode_gid(*inode)),
		cpu_to_le64(inode->i_mtime),
		cpu_to_le64(inode->i_mtime_extra),
		cpu_to_le64(dir ? 0 : inode->i_links_count),
		cpu_to_le64(dir ? 0 : EXT2_I_SIZE(inode)),
		cpu_to_le64(S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode) ?
			    (u64)inode->i_block[0] << 32 | inode->i_block[1] :
			    0),
	};
	bool again = !dir && inode->i_links_count > 1;
	const u8 *known = again ? files_known(&lister->files, number) : NULL;
	u8 id[INC_SHA256_SIZE];
	int ret;

	if (known)
		return files_tell(&lister->files, path, known);
	ret = files_start(&lister->files);
	if (!ret)
		ret = files_add(&lister->files, numbers, sizeof(numbers));
	if (!ret)
		ret = add_xattrs(lister, number, path);
	if (!ret && S_ISREG(inode->i_mode))
		ret = add_file(lister, number, (struct ext2_inode *)inode,
			       path);
	if (!ret && S_ISLNK(inode->i_mode))
		ret = add_link(lister, number, inode, path);
	if (!ret)
		ret = files_finish(&lister->files, id);
	if (!ret && again)
		ret = files_know(&lister->files, number, id);
	return ret ? ret : files_tell(&lister->files, path, id);
}

int ext4_files(struct overlay *overlay, files_visit visit, void *context)
{
	static const u8 zeros[EXT2_MAX_BLOCK_SIZE];
	struct lister *lister = calloc(1, sizeof(*lister));
	int ret = lister ? ext4_open(&lister->ext4, overlay, 0, false) :
			   no_memory();

	if (ret) {
		free(lister);
		return ret;
	}
	ret = files_open(&lister->files, overlay, visit, context);
	/* Of a block of the filesystem. */
	if (!ret)
		incr_hash_digest(lister->files.hash, zeros,
				 lister->ext4.fs->blocksize,
				 lister->files.zeros);
	if (!ret)
		ret = ext4_visit(&lister->ext4, list_inode, lister);
	files_close(&lister->files);
	ext4_abandon(&lister->ext4);
	free(lister);
	return ret;
}
