// SPDX-License-Identifier: GPL-2.0-only
/*
 * All paths of an ext4, each with a digest of what is there: see files_visit in
 * extend.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "ext4-tree.h"
#include "files.h"
#include "message.h"
#include "mkimage.h"

struct lister {
	struct ext4 ext4;
	struct files files;
	int ret;
	u32 depth;
};

/* The digest of a block: of the tree if it has one, else of what is read. */
static int block_digest(struct lister *lister, blk64_t block, u8 *digest)
{
	ext2_filsys fs = lister->ext4.fs;
	u8 data[65536];

	if (fs->blocksize == INC_BLOCK_SIZE)
		return files_digests(&lister->files, block, 1, digest);
	if (fs->blocksize > sizeof(data) ||
	    io_channel_read_blk64(fs->io, block, 1, data))
		return -EIO;
	inc_hash_digest(lister->files.hash, data, fs->blocksize, digest);
	return 0;
}

/* Blocks of zeros count as holes. */
static int add_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t at,
		     blk64_t above, int offset, void *context)
{
	struct lister *lister = context;
	__le64 number = cpu_to_le64((u64)at);
	u8 digest[INC_SHA256_SIZE];

	(void)fs;
	(void)above;
	(void)offset;
	lister->ret = block_digest(lister, *block, digest);
	if (!lister->ret &&
	    memcmp(digest, lister->files.zeros, sizeof(digest))) {
		lister->ret = files_add(&lister->files, &number,
					sizeof(number));
		if (!lister->ret)
			lister->ret = files_add(&lister->files, digest,
						sizeof(digest));
	}
	return lister->ret ? BLOCK_ABORT : 0;
}

static int add_file(struct lister *lister, ext2_ino_t number,
		    struct ext2_inode *inode, const char *path)
{
	errcode_t code = 0;

	lister->ret = 0;
	if (ext2fs_inode_has_valid_blocks2(lister->ext4.fs, inode))
		code = ext2fs_block_iterate3(lister->ext4.fs, number,
				BLOCK_FLAG_DATA_ONLY | BLOCK_FLAG_READ_ONLY,
				NULL, add_block, lister);
	if (!lister->ret && code)
		return ext4_failed(path, "its contents", code);
	return lister->ret;
}

static int add_link(struct lister *lister, ext2_ino_t number,
		    struct ext2_inode *inode, const char *path)
{
	char target[65536];
	unsigned int got = 0;
	ext2_file_t file;
	errcode_t code;

	if (ext2fs_is_fast_symlink(inode))
		return files_add(&lister->files, inode->i_block,
				 sizeof(inode->i_block));
	code = ext2fs_file_open(lister->ext4.fs, number, 0, &file);
	if (!code) {
		code = ext2fs_file_read(file, target, sizeof(target), &got);
		ext2fs_file_close(file);
	}
	return code ? ext4_failed(path, "cannot read the link", code) :
		      files_add(&lister->files, target, got);
}

/* Each attribute has a digest; their sum does not depend on the order. */
struct xattr_sum {
	u8 sum[INC_SHA256_SIZE];
	bool failed;
};

static int add_xattr(char *name, char *value, size_t length, void *context)
{
	struct xattr_sum *sum = context;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	u8 one[INC_SHA256_SIZE];
	size_t i;

	if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(digest, name, strlen(name) + 1) &&
	    EVP_DigestUpdate(digest, value, length) &&
	    EVP_DigestFinal_ex(digest, one, NULL))
		for (i = 0; i < sizeof(one); i++)
			sum->sum[i] ^= one[i];
	else
		sum->failed = true;
	EVP_MD_CTX_free(digest);
	return 0;
}

static int add_xattrs(struct lister *lister, ext2_ino_t number,
		      const char *path)
{
	struct xattr_sum sum = { .failed = false };
	struct ext2_xattr_handle *handle;
	errcode_t code;

	if (!ext2fs_has_feature_xattr(lister->ext4.fs->super))
		return 0;
	code = ext2fs_xattrs_open(lister->ext4.fs, number, &handle);
	if (!code) {
		code = ext2fs_xattrs_read(handle);
		if (!code)
			code = ext2fs_xattrs_iterate(handle, add_xattr, &sum);
		ext2fs_xattrs_close(&handle);
	}
	if (sum.failed)
		code = EXT2_ET_NO_MEMORY;
	return code ? ext4_failed(path, "its extended attributes", code) :
		      files_add(&lister->files, sum.sum, sizeof(sum.sum));
}

static int add_inode(struct lister *lister, ext2_ino_t number,
		     const char *path, mode_t *mode)
{
	struct ext2_inode_large inode = { 0 };
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	__le64 numbers[8];
	bool folder;
	errcode_t code;
	int ret;

	code = ext2fs_read_inode_full(lister->ext4.fs, number, small,
				      sizeof(inode));
	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	*mode = inode.i_mode;
	folder = S_ISDIR(*mode);
	numbers[0] = cpu_to_le64(inode.i_mode);
	numbers[1] = cpu_to_le64(inode_uid(inode));
	numbers[2] = cpu_to_le64(inode_gid(inode));
	numbers[3] = cpu_to_le64(inode.i_mtime);
	numbers[4] = cpu_to_le64(inode.i_mtime_extra);
	/* What a directory holds is told by the paths. */
	numbers[5] = cpu_to_le64(folder ? 0 : inode.i_links_count);
	numbers[6] = cpu_to_le64(folder ? 0 : EXT2_I_SIZE(&inode));
	numbers[7] = cpu_to_le64(S_ISCHR(*mode) || S_ISBLK(*mode) ?
				 (u64)inode.i_block[0] << 32 |
				 inode.i_block[1] : 0);
	ret = files_add(&lister->files, numbers, sizeof(numbers));
	if (!ret)
		ret = add_xattrs(lister, number, path);
	if (!ret && S_ISREG(*mode))
		ret = add_file(lister, number, small, path);
	if (!ret && S_ISLNK(*mode))
		ret = add_link(lister, number, small, path);
	return ret;
}

static int list_inode(struct lister *lister, ext2_ino_t number,
		      const char *path)
{
	struct ext4_folder list;
	mode_t mode = 0;
	size_t i;
	int ret = files_start(&lister->files);

	if (!ret)
		ret = add_inode(lister, number, path, &mode);
	if (!ret)
		ret = files_tell(&lister->files, path);
	if (ret || !S_ISDIR(mode))
		return ret;
	ret = ext4_deeper(&lister->depth, path);
	if (!ret)
		ret = ext4_folder_open(&list, &lister->ext4, number, path);
	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++) {
		char *below = ext4_join(path, list.entries[i].name);

		ret = below ? list_inode(lister, list.entries[i].number,
					 below) : -ENOMEM;
		free(below);
	}
	ext4_folder_close(&list);
	lister->depth--;
	return ret;
}

int ext4_files(struct overlay *overlay, files_visit visit, void *context)
{
	static const u8 zeros[INC_BLOCK_SIZE];
	struct lister lister = { .depth = 0 };
	int ret = ext4_open(&lister.ext4, overlay, 0, false);
	u32 bs;

	if (ret)
		return ret;
	ret = files_open(&lister.files, overlay, visit, context);
	bs = lister.ext4.fs->blocksize;
	/* Of a block of the filesystem. */
	if (!ret && bs < sizeof(zeros))
		inc_hash_digest(lister.files.hash, zeros, bs,
				lister.files.zeros);
	if (!ret)
		ret = list_inode(&lister, EXT2_ROOT_INO, "");
	files_close(&lister.files);
	ext4_abandon(&lister.ext4);
	return ret;
}
