// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Single files and directories of an ext4; see fs/reader.h.
 */
#include <stdlib.h>
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "mkimage.h"

static void reader_close(void *context)
{
	ext4_abandon(context);
	free(context);
}

static int reader_open(struct overlay *overlay, void **result)
{
	struct ext4 *ext4 = calloc(1, sizeof(*ext4));
	int ret = ext4 ? ext4_open(ext4, overlay, 0, false) : no_memory();

	if (ret)
		free(ext4);
	else
		*result = ext4;
	return ret;
}

static u64 reader_root(void *context)
{
	(void)context;
	return EXT2_ROOT_INO;
}

static int read_inode(struct ext4 *ext4, u64 number,
		      struct ext2_inode_large *inode)
{
	errcode_t code = EXT2_ET_BAD_INODE_NUM;

	memset(inode, 0, sizeof(*inode));
	if (number && number <= ext4->fs->super->s_inodes_count)
		code = ext2fs_read_inode_full(ext4->fs, (ext2_ino_t)number,
					      (struct ext2_inode *)inode,
					      sizeof(*inode));
	return code ? ext4_failed(ext4->name, "cannot read an inode", code) : 0;
}

static int reader_node(void *context, u64 number, struct node *node)
{
	struct ext2_inode_large inode;
	u32 extra;
	int ret = read_inode(context, number, &inode);

	if (ret)
		return ret;
	extra = ext4_has_extra_times(&inode) ? inode.i_mtime_extra : 0;
	*node = (struct node){
		.number = number,
		.size = EXT2_I_SIZE(&inode),
		.seconds = (int32_t)inode.i_mtime + ((int64_t)(extra & 3) << 32),
		.nanoseconds = extra >> 2,
		.mode = inode.i_mode,
		.uid = inode_uid(inode),
		.gid = inode_gid(inode),
		.links = inode.i_links_count,
	};
	if (S_ISCHR(inode.i_mode) || S_ISBLK(inode.i_mode))
		node->device = ext4_device_number(&inode);
	return 0;
}

static int reader_list(void *context, const struct node *dir,
		       reader_entry entry, void *entry_context)
{
	struct ext4_directory list;
	struct ext4 *ext4 = context;
	size_t i;
	int ret;

	/* The caller sees to it that a walk ends. */
	ext4_claim_none(ext4);
	ret = ext4_directory_open(&list, ext4, (ext2_ino_t)dir->number,
				  ext4->name);
	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++)
		ret = entry(entry_context, list.entries[i].name,
			    list.entries[i].number);
	ext4_directory_close(&list);
	return ret;
}

/*
 * How many blocks of a file from @block on, up to @most, follow each other on the
 * device, and where: 0 is a hole.
 */
static errcode_t find_run(ext2_filsys fs, ext2_ino_t number,
			  struct ext2_inode *inode, blk64_t block, u64 most,
			  blk64_t *physical, u64 *count)
{
	blk64_t place;
	errcode_t code;
	int flags;

	for (*count = 0; *count < most; ++*count) {
		code = ext2fs_bmap2(fs, number, inode, NULL, 0, block + *count,
				    &flags, &place);
		if (code)
			return code;
		if (flags & BMAP_RET_UNINIT)
			place = 0;
		if (!*count)
			*physical = place;
		else if (place != (*physical ? *physical + *count : 0))
			break;
	}
	return 0;
}

static int read_blocks(struct ext4 *ext4, const struct node *node,
		       struct ext2_inode *inode, u64 offset, u8 *data,
		       size_t length)
{
	u32 size = ext4->fs->blocksize;
	int ret = 0;

	while (!ret && length) {
		u64 at = offset % size, count;
		blk64_t physical = 0;
		errcode_t code = find_run(ext4->fs, (ext2_ino_t)node->number,
					  inode, offset / size,
					  (at + length - 1) / size + 1,
					  &physical, &count);
		size_t part;

		if (code)
			return ext4_failed(ext4->name, "a file's map", code);
		part = count * size - at < length ? count * size - at : length;
		if (physical)
			ret = overlay_read(ext4->overlay, physical * size + at,
					   part, data);
		else
			memset(data, 0, part);
		data += part;
		offset += part;
		length -= part;
	}
	return ret;
}

/* Contents that are in the inode. */
static int read_inline(struct ext4 *ext4, const struct node *node, u64 offset,
		       void *data, size_t length)
{
	unsigned int got = 0;
	ext2_file_t file;
	errcode_t code = ext2fs_file_open(ext4->fs, (ext2_ino_t)node->number, 0,
					  &file);

	if (!code) {
		code = ext2fs_file_llseek(file, offset, EXT2_SEEK_SET, NULL);
		if (!code)
			code = ext2fs_file_read(file, data,
						(unsigned int)length, &got);
		ext2fs_file_close(file);
	}
	if (!code && got < length)
		code = EXT2_ET_SHORT_READ;
	return code ? ext4_failed(ext4->name, "contents in an inode", code) : 0;
}

static int reader_read(void *context, const struct node *node, u64 offset,
		       void *data, size_t length)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	struct ext4 *ext4 = context;
	int ret = read_inode(ext4, node->number, &inode);

	if (ret)
		return ret;
	if (ext2fs_is_fast_symlink(small) &&
	    offset + length <= sizeof(inode.i_block)) {
		memcpy(data, (const u8 *)inode.i_block + offset, length);
		return 0;
	}
	if (inode.i_flags & EXT4_INLINE_DATA_FL)
		return read_inline(ext4, node, offset, data, length);
	return read_blocks(ext4, node, small, offset, data, length);
}

static int reader_xattrs(void *context, const struct node *node,
			 xattr_visit visit, void *visit_context)
{
	struct ext4 *ext4 = context;

	return ext4_xattrs_visit(ext4, (ext2_ino_t)node->number, ext4->name,
				 visit, visit_context);
}

const struct reader ext4_reader = {
	.open = reader_open,
	.close = reader_close,
	.root = reader_root,
	.node = reader_node,
	.list = reader_list,
	.read = reader_read,
	.xattrs = reader_xattrs,
};
