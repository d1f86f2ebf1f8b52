// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contents of ext4's files; see tree.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "mkimage.h"

#define STEP_BYTES	(256u << 10)

/* A file that is being written or compared, block by block. */
struct stream {
	struct ext4 *ext4;
	ext2_ino_t number;
	struct ext2_inode inode;
	const char *path;
	struct tree_file file;
	u64 size;
	bool fresh;		/* the inode has no blocks from before */
	blk64_t hole, hole_end;	/* to be punched out */
};

static int failed(const struct stream *stream, errcode_t code)
{
	return ext4_failed(stream->path, "its contents", code);
}

static bool all_zero(const u8 *data, size_t length)
{
	return !data[0] && !memcmp(data, data + 1, length - 1);
}

static int punch(struct stream *stream, blk64_t first, blk64_t last)
{
	errcode_t code = ext2fs_punch(stream->ext4->fs, stream->number,
				      &stream->inode, NULL, first, last);

	return code ? failed(stream, code) : 0;
}

static int punch_hole(struct stream *stream)
{
	int ret = 0;

	if (stream->hole < stream->hole_end && !stream->fresh)
		ret = punch(stream, stream->hole, stream->hole_end - 1);
	stream->hole = stream->hole_end = 0;
	return ret;
}

static int add_hole(struct stream *stream, blk64_t first, blk64_t end)
{
	int ret = 0;

	if (first != stream->hole_end)
		ret = punch_hole(stream);
	if (stream->hole == stream->hole_end)
		stream->hole = first;
	stream->hole_end = end;
	return ret;
}

/* Does block @block of the filesystem hold @data? */
static int same_block(struct stream *stream, blk64_t block, const u8 *data,
		      bool *same)
{
	ext2_filsys fs = stream->ext4->fs;
	u8 old[65536];
	errcode_t code;

	if (fs->blocksize == INC_BLOCK_SIZE)
		return overlay_same(stream->ext4->overlay, block, data, same);
	if (fs->blocksize > sizeof(old))
		return failed(stream, EXT2_ET_BAD_MAGIC);
	code = io_channel_read_blk64(fs->io, block, 1, old);
	*same = !code && !memcmp(old, data, fs->blocksize);
	return code ? failed(stream, code) : 0;
}

static int put_block(struct stream *stream, blk64_t at, const u8 *data)
{
	ext2_filsys fs = stream->ext4->fs;
	bool zero = all_zero(data, fs->blocksize), same = false;
	int flags = 0, ret = 0;
	blk64_t block = 0;
	errcode_t code = 0;

	if (zero && stream->fresh)
		return 0;
	if (!stream->fresh)
		code = ext2fs_bmap2(fs, stream->number, &stream->inode, NULL,
				    0, at, &flags, &block);
	if (zero && !code && block && !(flags & BMAP_RET_UNINIT)) {
		/* Zeros that are stored may stay. */
		ret = same_block(stream, block, data, &same);
		if (ret || same)
			return ret;
	}
	if (zero && !code)
		return block ? add_hole(stream, at, at + 1) : 0;
	if (!code && (!block || flags & BMAP_RET_UNINIT))
		code = ext2fs_bmap2(fs, stream->number, &stream->inode, NULL,
				    block ? BMAP_SET : BMAP_ALLOC, at, NULL,
				    &block);
	if (!code)
		code = io_channel_write_blk64(fs->io, block, 1, data);
	return code ? failed(stream, code) : 0;
}

static int put_all(struct stream *stream)
{
	u32 bs = stream->ext4->fs->blocksize, i;
	u8 *data = malloc(STEP_BYTES);
	u64 at = 0, start;
	int ret = 0;

	if (!data)
		return failed(stream, EXT2_ET_NO_MEMORY);
	while (!ret && at < stream->size) {
		u32 length = STEP_BYTES;

		start = tree_seek_data(&stream->file, at, stream->size);
		start -= start % bs;
		if (start > at) {
			ret = add_hole(stream, at / bs, start / bs);
			at = start;
			continue;
		}
		if (stream->size - at < length)
			length = (u32)(stream->size - at);
		ret = tree_read(&stream->file, at, data, length, stream->path);
		if (length % bs)
			memset(data + length, 0, bs - length % bs);
		for (i = 0; !ret && i < length; i += bs)
			ret = put_block(stream, (at + i) / bs, data + i);
		at += length;
	}
	free(data);
	return ret ? ret : punch_hole(stream);
}

static int stream_open(struct stream *stream, struct ext4 *ext4,
		       ext2_ino_t number, const char *path,
		       const struct stat *st)
{
	errcode_t code;
	int ret;

	memset(stream, 0, sizeof(*stream));
	stream->ext4 = ext4;
	stream->number = number;
	stream->path = path;
	stream->size = (u64)st->st_size;
	ret = tree_open(ext4->source, path, stream->size, &stream->file);
	if (ret)
		return ret;
	code = ext2fs_read_inode(ext4->fs, number, &stream->inode);
	if (!code)
		return 0;
	tree_file_close(&stream->file);
	return failed(stream, code);
}

int ext4_put_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		  const struct stat *st, bool fresh)
{
	u32 bs = ext4->fs->blocksize;
	struct stream stream;
	errcode_t code = 0;
	u64 before;
	int ret = stream_open(&stream, ext4, number, path, st);

	if (ret)
		return ret;
	stream.fresh = fresh;
	before = EXT2_I_SIZE(&stream.inode);
	if (before > stream.size)
		ret = punch(&stream, (stream.size + bs - 1) / bs, ~0ull);
	if (!ret)
		ret = put_all(&stream);
	tree_file_close(&stream.file);
	if (ret || before == stream.size)
		return ret;
	code = ext2fs_read_inode(ext4->fs, number, &stream.inode);
	if (!code)
		code = ext2fs_inode_size_set(ext4->fs, &stream.inode,
					     stream.size);
	if (!code)
		code = ext2fs_write_inode(ext4->fs, number, &stream.inode);
	return code ? failed(&stream, code) : 0;
}

/* Compare one block; a missing one is zeros. */
static int compare_block(struct stream *stream, blk64_t at, const u8 *data,
			 bool *same)
{
	ext2_filsys fs = stream->ext4->fs;
	blk64_t block = 0;
	int flags = 0;
	errcode_t code;

	code = ext2fs_bmap2(fs, stream->number, &stream->inode, NULL, 0, at,
			    &flags, &block);
	if (code)
		return failed(stream, code);
	if (block && !(flags & BMAP_RET_UNINIT))
		return same_block(stream, block, data, same);
	*same = all_zero(data, fs->blocksize);
	return 0;
}

int ext4_same_data(struct ext4 *ext4, ext2_ino_t number, const char *path,
		   const struct stat *st, bool *same)
{
	u32 bs = ext4->fs->blocksize, i;
	struct stream stream;
	u8 *data = malloc(STEP_BYTES);
	u64 at;
	int ret;

	*same = true;
	if (!data)
		return no_memory();
	ret = stream_open(&stream, ext4, number, path, st);
	if (ret) {
		free(data);
		return ret;
	}
	for (at = 0; !ret && *same && at < stream.size; at += STEP_BYTES) {
		u32 length = STEP_BYTES;

		if (stream.size - at < length)
			length = (u32)(stream.size - at);
		ret = tree_read(&stream.file, at, data, length, path);
		if (length % bs)
			memset(data + length, 0, bs - length % bs);
		for (i = 0; !ret && *same && i < length; i += bs)
			ret = compare_block(&stream, (at + i) / bs, data + i,
					    same);
	}
	tree_file_close(&stream.file);
	free(data);
	return ret;
}
