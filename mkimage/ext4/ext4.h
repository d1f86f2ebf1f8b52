/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ext4 on an overlay, by way of libext2fs.
 */
#ifndef MKIMAGE_EXT4_H
#define MKIMAGE_EXT4_H

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "fs/overlay.h"
#include "fs/tree.h"

/* Kinds of rows of free blocks, see grow.c. */
#define EXT4_ROWS	3

/* An error that the user has been told of, among libext2fs's. */
#define EXT4_TOLD	((errcode_t)INT32_MAX)

/**
 * struct ext4 - a filesystem that is being read or changed
 * @overlay: the device; NULL: the file @fd
 * @name: for messages, not copied
 * @source: the files that it is changed by; NULL: none
 * @now: time of the change
 * @next: where the next new block goes, if before @end; free up to there
 * @groups: block groups at the start
 * @searched: where the search for rows of each kind goes on
 * @freed: starts of rows that were freed, @freed_count of them, on the heap
 * @run: first block of those that are being freed, up to @run_end
 * @claimed, @claimed_directories: see ext4_claim(); NULL: none
 * @xattrs_met: bytes of extended attributes that were read
 */
struct ext4 {
	ext2_filsys fs;
	struct overlay *overlay;
	int fd;
	const char *name;
	const struct tree *source;
	int64_t now;
	blk64_t next, end;
	dgrp_t groups;
	blk64_t searched[EXT4_ROWS];
	blk64_t *freed;
	size_t freed_count, freed_room;
	blk64_t run, run_end;
	ext2fs_block_bitmap claimed;
	ext2fs_inode_bitmap claimed_directories;
	u64 xattrs_met;
};

/**
 * ext4_open - open the filesystem on an overlay; in open.c
 * @now: time of the change; 0 for when it was last written
 *
 * Return: 0, or a negative errno after an error message. ext4_close() writes
 * all changes, and returns the same; ext4_abandon() writes nothing.
 */
int ext4_open(struct ext4 *ext4, struct overlay *overlay, int64_t now,
	      bool writable);
int ext4_close(struct ext4 *ext4);
void ext4_abandon(struct ext4 *ext4);

/* The same for one in a file that mke2fs has made; @fd is not closed. */
int ext4_open_file(struct ext4 *ext4, int fd, const char *name, int64_t now,
		   bool writable);

/*
 * io.c: the manager by which libext2fs opens @overlay, under any name, until the
 * next call.
 */
io_manager ext4_io_manager(struct overlay *overlay);

/*
 * Make the device at least @blocks blocks of 4096 bytes large. Return: 0, or a
 * negative errno after an error message.
 */
int ext4_resize_device(struct ext4 *ext4, u64 blocks);

/*
 * Claim a block of a directory, of a file or of their maps, or the inode of a
 * directory; it is an error if it is claimed already. So a walk ends, whatever
 * the image says: its length is bounded by the size of the device. A freed
 * block may be claimed again. ext4_claim_none() starts a walk;
 * ext4_claim_free() ends the last.
 */
errcode_t ext4_claim(struct ext4 *ext4, blk64_t block);
errcode_t ext4_claim_directory(struct ext4 *ext4, ext2_ino_t number);
void ext4_claim_none(struct ext4 *ext4);
void ext4_claim_free(struct ext4 *ext4);

/* "PATH: DOING: ERROR" to the user, if not EXT4_TOLD. Return: -EIO. */
int ext4_failed(const char *path, const char *doing, errcode_t code);

/*
 * grow.c: new blocks come from here; the filesystem grows when it has no
 * row of them left, or no inode.
 */
void ext4_allocate_blocks(struct ext4 *ext4);
errcode_t ext4_new_inode(struct ext4 *ext4, ext2_ino_t dir, int mode,
			 ext2_ino_t *number);

/*
 * descriptors.c: can there be room for the descriptors of @groups groups? Make
 * it. Once the groups exist, note in the resize inode the blocks that are
 * reserved for more.
 */
bool ext4_descriptors_fit(ext2_filsys fs, u64 groups);
errcode_t ext4_descriptors_grow(ext2_filsys fs, u64 groups);
errcode_t ext4_descriptors_reserve(ext2_filsys fs);

/* The limit to times, never 0: to libext2fs 0 is the present time. */
static inline int64_t ext4_epoch(int64_t epoch)
{
	return epoch ? epoch : 1;
}

/* Times as ext4 keeps them: from 1901-12-13 to 2446-05-10. */
#define EXT4_TIME_MAX	((1ll << 34) + INT32_MIN - 1)

/* Bits 32 and 33 of the seconds, and nanoseconds. */
static inline __u32 ext4_time_extra(int64_t seconds, u32 nanoseconds)
{
	return (__u32)((seconds - (int32_t)seconds) >> 32 & 3) |
	       nanoseconds << 2;
}

/*
 * Does the inode have these bits? If not, and in inodes of 128 bytes, which
 * were read into zeros, times are whole seconds from 1901 to 2038.
 */
static inline bool ext4_has_extra_times(const struct ext2_inode_large *inode)
{
	return EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->i_extra_isize >=
	       offsetof(struct ext2_inode_large, i_crtime_extra) +
	       sizeof(inode->i_crtime_extra);
}

/* Of a device node; as the kernel's old_decode_dev() and new_decode_dev(). */
static inline dev_t ext4_device_number(const struct ext2_inode_large *inode)
{
	u32 old = inode->i_block[0], new = inode->i_block[1];

	return old ? makedev(old >> 8 & 0xff, old & 0xff) :
		     makedev(new >> 8 & 0xfff,
			     (new & 0xff) | (new >> 12 & 0xfff00));
}

#endif /* MKIMAGE_EXT4_H */
