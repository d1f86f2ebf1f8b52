// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening and closing an ext4; see ext4.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "ext4/ext4.h"

/*
 * Features that forbid a change here, or by libext2fs: accounts that would have
 * to be kept, names stored in another form, blocks or inodes that belong to
 * several files.
 */
static const struct {
	const char *name;
	__u32 incompat, ro_compat;
} refused[] = {
	{ "journal_dev", EXT3_FEATURE_INCOMPAT_JOURNAL_DEV, 0 },
	{ "ea_inode", EXT4_FEATURE_INCOMPAT_EA_INODE, 0 },
	{ "inline_data", EXT4_FEATURE_INCOMPAT_INLINE_DATA, 0 },
	{ "encrypt", EXT4_FEATURE_INCOMPAT_ENCRYPT, 0 },
	{ "casefold", EXT4_FEATURE_INCOMPAT_CASEFOLD, 0 },
	{ "bigalloc", 0, EXT4_FEATURE_RO_COMPAT_BIGALLOC },
	{ "quota", 0, EXT4_FEATURE_RO_COMPAT_QUOTA },
	{ "project", 0, EXT4_FEATURE_RO_COMPAT_PROJECT },
	{ "shared_blocks", 0, EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS },
	{ "verity", 0, EXT4_FEATURE_RO_COMPAT_VERITY },
};

/* More groups than 16 TiB with blocks of 1024 bytes have. */
#define GROUPS_MAX	(1u << 22)

static int check_features(struct ext4 *ext4)
{
	const struct ext2_super_block *super = ext4->fs->super;
	size_t i;

	if (super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER ||
	    super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT ||
	    !(super->s_state & EXT2_VALID_FS) ||
	    super->s_state & EXT2_ERROR_FS || super->s_last_orphan) {
		message_error("%s: its ext4 was not unmounted cleanly, or has errors: run e2fsck on the raw image first",
			      ext4->name);
		return -EUCLEAN;
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (!(super->s_feature_incompat & refused[i].incompat) &&
		    !(super->s_feature_ro_compat & refused[i].ro_compat))
			continue;
		message_error("%s: its ext4 has features that cannot be changed here (%s); change a copy, and take the difference with --raw",
			      ext4->name, refused[i].name);
		return -ENOTSUP;
	}
	return 0;
}

static int open_on(struct ext4 *ext4, const char *file, io_manager manager,
		   int64_t now, int flags)
{
	struct ext2_super_block *super;
	errcode_t code;

	add_error_table(&et_ext2_error_table);
	/*
	 * Its MMP block names the machine that mounts it: no other knows our
	 * file.
	 */
	code = ext2fs_open(file, flags | EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP,
			   0, 0, manager, &ext4->fs);
	if (code)
		return ext4_failed(ext4->name, "cannot open its ext4", code);
	super = ext4->fs->super;
	ext4->groups = ext4->fs->group_desc_count;
	/* To libext2fs 0 is the present time. */
	ext4->now = now ? now : super->s_wtime ? super->s_wtime : 1;
	ext4->fs->now = (time_t)ext4->now;
	ext4->fs->priv_data = ext4;
	return 0;
}

static int prepare_changes(struct ext4 *ext4)
{
	errcode_t code = ext2fs_read_bitmaps(ext4->fs);

	if (code)
		return ext4_failed(ext4->name,
				   "cannot read its ext4's bitmaps", code);
	ext4_allocate_blocks(ext4);
	return 0;
}

void ext4_abandon(struct ext4 *ext4)
{
	ext4_claim_free(ext4);
	free(ext4->freed);
	ext2fs_free(ext4->fs);
	remove_error_table(&et_ext2_error_table);
}

/*
 * Refuse a filesystem that ends after the device: it cannot be read, let alone
 * grow. libext2fs allocates memory for as many groups as the superblock claims.
 */
static int check_size(struct ext4 *ext4)
{
	u64 size = overlay_blocks(ext4->overlay) << INC_BLOCK_SHIFT, blocks;
	struct ext2_super_block super = { 0 };
	u32 shift, in_group;
	int ret = size < 2 * SUPERBLOCK_OFFSET ? -EUCLEAN :
		  overlay_read(ext4->overlay, SUPERBLOCK_OFFSET, sizeof(super),
			       &super);

	if (ret && ret != -EUCLEAN)
		return ret;
	shift = EXT2_MIN_BLOCK_LOG_SIZE +
		ext2fs_le32_to_cpu(super.s_log_block_size);
	blocks = ext2fs_le32_to_cpu(super.s_blocks_count);
	in_group = ext2fs_le32_to_cpu(super.s_blocks_per_group);
	if (ext2fs_le32_to_cpu(super.s_feature_incompat) &
	    EXT4_FEATURE_INCOMPAT_64BIT)
		blocks |= (u64)ext2fs_le32_to_cpu(super.s_blocks_count_hi) << 32;
	if (!ret && shift >= EXT2_MIN_BLOCK_LOG_SIZE &&
	    shift <= EXT2_MAX_BLOCK_LOG_SIZE && blocks <= size >> shift &&
	    in_group && blocks / in_group < GROUPS_MAX)
		return 0;
	message_error("%s: its ext4 says that it has %llu blocks of 2^%u bytes in groups of %u, which cannot be on its device of %llu bytes",
		      ext4->name, (unsigned long long)blocks, shift, in_group,
		      (unsigned long long)size);
	return -EUCLEAN;
}

int ext4_open(struct ext4 *ext4, struct overlay *overlay, int64_t now,
	      bool writable)
{
	int ret;

	memset(ext4, 0, sizeof(*ext4));
	ext4->name = overlay_name(overlay);
	ext4->overlay = overlay;
	ret = check_size(ext4);
	if (!ret)
		ret = open_on(ext4, "overlay", ext4_io_manager(overlay), now,
			      writable ? EXT2_FLAG_RW : 0);
	if (ret)
		return ret;
	if (writable)
		ret = check_features(ext4);
	if (!ret && writable)
		ret = prepare_changes(ext4);
	if (ret)
		ext4_abandon(ext4);
	return ret;
}

int ext4_open_file(struct ext4 *ext4, int fd, const char *name, int64_t now,
		   bool writable)
{
	char file[32];
	int ret;

	memset(ext4, 0, sizeof(*ext4));
	ext4->name = name;
	ext4->fd = fd;
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	ret = open_on(ext4, file, unix_io_manager, now,
		      writable ? EXT2_FLAG_RW : 0);
	if (ret || !writable)
		return ret;
	ret = prepare_changes(ext4);
	if (ret)
		ext4_abandon(ext4);
	return ret;
}

int ext4_close(struct ext4 *ext4)
{
	ext2_filsys fs = ext4->fs;
	errcode_t code = 0, close_code;

	/*
	 * Do not write the copies of the superblock: each would cost pages of
	 * map and tree. They serve to find the filesystem when the first one is
	 * lost; the old ones do, as long as the groups are the same.
	 */
	if (fs->group_desc_count != ext4->groups)
		code = ext4_descriptors_reserve(fs);
	else if (ext4->overlay)
		fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
	ext4_claim_free(ext4);
	free(ext4->freed);
	close_code = ext2fs_close_free(&fs);
	if (!code)
		code = close_code;
	remove_error_table(&et_ext2_error_table);
	return code ? ext4_failed(ext4->name, "cannot write its ext4", code) :
		      0;
}
