// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the files of an ext4 are: see files_place in fs/filesystem.h.
 */
#include <stdlib.h>
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "mkimage.h"

/**
 * struct placer - a walk
 * @seen: inodes, which may have several names
 * @path: of the inode that is being placed; @claims: its blocks are to be claimed
 * @at, @block, @count: blocks of the device that follow each other there
 */
struct placer {
	struct ext4 ext4;
	ext2fs_inode_bitmap seen;
	files_place place;
	void *context;
	const char *path;
	bool claims;
	u64 at, block, count;
	int ret;
};

static u64 to_device(const struct placer *placer, u64 block)
{
	return block * placer->ext4.fs->blocksize >> INC_BLOCK_SHIFT;
}

/* So many blocks of the device begin in one of the filesystem, or hold it. */
static u64 device_count(const struct placer *placer)
{
	u32 size = placer->ext4.fs->blocksize;

	return size > INC_BLOCK_SIZE ? size >> INC_BLOCK_SHIFT : 1;
}

static int tell(struct placer *placer)
{
	u64 count = placer->count;

	placer->count = 0;
	return count ? placer->place(placer->context, placer->path, placer->at,
				     placer->block, count) : 0;
}

/* A block of the contents, or of the map, which counts as the inode's. */
static int place_block(ext2_filsys fs, blk64_t *number, e2_blkcnt_t index,
		       blk64_t above, int offset, void *context)
{
	struct placer *placer = context;
	u64 block = to_device(placer, *number), count = device_count(placer);
	u64 at = index < 0 ? FILES_INODE : to_device(placer, (u64)index);
	errcode_t code = placer->claims ? ext4_claim(&placer->ext4, *number) : 0;

	(void)fs;
	(void)above;
	(void)offset;
	if (code) {
		placer->ret = code == EXT4_TOLD ? -EINVAL :
			      ext4_failed(placer->ext4.name, "a file's map",
					  code);
		return BLOCK_ABORT;
	}
	/* Several small blocks may be in one of the device. */
	if (placer->count && at != FILES_INODE && placer->at != FILES_INODE &&
	    at == placer->at + placer->count - 1 &&
	    block == placer->block + placer->count - 1)
		return 0;
	if (placer->count && at != FILES_INODE && placer->at != FILES_INODE &&
	    at == placer->at + placer->count &&
	    block == placer->block + placer->count) {
		placer->count += count;
		return 0;
	}
	placer->ret = tell(placer);
	placer->at = at;
	placer->block = block;
	placer->count = count;
	return placer->ret ? BLOCK_ABORT : 0;
}

/* The block of the inode table that it is in. */
static int place_inode(struct placer *placer, ext2_ino_t number)
{
	ext2_filsys fs = placer->ext4.fs;
	u32 group = ext2fs_group_of_ino(fs, number);
	u64 offset = ext2fs_inode_table_loc(fs, group) * fs->blocksize +
		     (u64)((number - 1) % fs->super->s_inodes_per_group) *
		     EXT2_INODE_SIZE(fs->super);

	return placer->place(placer->context, placer->path, FILES_INODE,
			     offset >> INC_BLOCK_SHIFT, 1);
}

static int place_path(void *context, ext2_ino_t number,
		      const struct ext2_inode_large *inode, const char *path)
{
	struct placer *placer = context;
	errcode_t code = 0;

	if (ext2fs_test_inode_bitmap2(placer->seen, number))
		return 0;
	ext2fs_mark_inode_bitmap2(placer->seen, number);
	placer->path = path;
	/* Those of directories are claimed as these are read. */
	placer->claims = !S_ISDIR(inode->i_mode);
	placer->count = 0;
	placer->ret = place_inode(placer, number);
	if (!placer->ret &&
	    ext2fs_inode_has_valid_blocks2(placer->ext4.fs,
					   (struct ext2_inode *)inode))
		code = ext2fs_block_iterate3(placer->ext4.fs, number,
					     BLOCK_FLAG_READ_ONLY, NULL,
					     place_block, placer);
	if (!placer->ret && code)
		return ext4_failed(path, "its contents", code);
	return placer->ret ? placer->ret : tell(placer);
}

/* Superblock and group descriptors, which are read to mount it. */
static int place_super(struct placer *placer)
{
	ext2_filsys fs = placer->ext4.fs;
	u64 end = fs->super->s_first_data_block + 1 + fs->desc_blocks;

	return placer->place(placer->context, NULL, FILES_INODE, 0,
			     to_device(placer, end - 1) + 1);
}

int ext4_places(struct overlay *overlay, files_place place, void *context)
{
	struct placer placer = { .place = place, .context = context };
	int ret = ext4_open(&placer.ext4, overlay, 0, false);

	if (ret)
		return ret;
	if (ext2fs_allocate_inode_bitmap(placer.ext4.fs, "seen", &placer.seen))
		ret = no_memory();
	if (!ret)
		ret = place_super(&placer);
	if (!ret)
		ret = ext4_visit(&placer.ext4, place_path, &placer);
	if (placer.seen)
		ext2fs_free_inode_bitmap(placer.seen);
	ext4_abandon(&placer.ext4);
	return ret;
}
