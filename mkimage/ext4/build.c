// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tree of files becomes an ext4 without a journal.
 *
 * mke2fs makes it empty; the code that adds a directory's contents to an image
 * fills it. mke2fs -d does not serve: it drops fractions of seconds, copies
 * times of last access and of inode changes, in which two copies of a tree
 * differ, lets link counts overflow, and takes time by the square of a
 * directory's names.
 */
#include <stdio.h>
#include <unistd.h>
#include "common/message.h"
#include "ext4/filesystem.h"
#include "ext4/tree.h"
#include "fs/derive.h"
#include "fs/program.h"
#include "fs/source.h"
#include "fs/walk.h"
#include "mkimage.h"
#include "spool.h"

#define INODE_SIZE	256
#define BLOCKS_A_GROUP	32768

/* The same features everywhere, whatever /etc/mke2fs.conf says. */
#define FEATURES	"none,dir_index,dir_nlink,ext_attr,extent," \
			"extra_isize,filetype,flex_bg,huge_file,large_file," \
			"metadata_csum,sparse_super"

/*
 * Inodes 1 to 11 are the filesystem's own, the root among them. Some are spare,
 * for layers: without them one more file takes one more block group. An unused
 * table is zeros, which cost next to nothing.
 */
static u64 inodes_to_make(const struct walk *walk)
{
	return walk->inodes + 10 + walk->inodes / 4 + 1000;
}

/*
 * Blocks for the filesystem. The numbers for directories and extents are
 * estimates, on the high side; if one is too low, the filesystem grows.
 */
static u64 size_in_blocks(const struct walk *walk)
{
	u64 content = walk->used_blocks + walk->directory_blocks +
		      walk->link_blocks + walk->xattr_blocks +
		      walk->extent_blocks;
	u64 blocks = content + 64 + (content >> 7);
	u64 groups = blocks / BLOCKS_A_GROUP + 1;
	u64 tables = inodes_to_make(walk) * INODE_SIZE / INC_BLOCK_SIZE +
		     2 * groups;
	u64 backups = 0, power;

	/* Superblock and descriptors: in groups 0, 1 and powers of 3, 5, 7. */
	for (power = 1; power < groups; power *= 3)
		backups += 3;
	backups = (backups + 2) * (1 + groups * 32 / INC_BLOCK_SIZE + 1);
	return blocks + tables + 2 * groups + backups;
}

static int make(const struct walk *walk, int fd)
{
	char file[32], size[32], inodes[32], epoch[64], extended[128];
	char uuid_text[INCR_UUID_TEXT_SIZE], seed_text[INCR_UUID_TEXT_SIZE];
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-T", "default", "-b", "4096", "-I", "256",
		"-m", "0", "-N", inodes, "-O", FEATURES, "-U", uuid_text,
		"-E", extended, "--", file, size, NULL
	};
	const char *const environment[] = {
		epoch, "MKE2FS_CONFIG=/dev/null", NULL
	};
	u8 uuid[16], seed[16];

	if (ftruncate(fd, 0)) {
		int code = errno;

		message_error(SPOOL_NAME ": %s", strerror(code));
		return -code;
	}
	derive_uuid(walk->id, "filesystem", uuid);
	derive_uuid(walk->id, "hash seed", seed);
	incr_uuid_format(uuid, uuid_text);
	incr_uuid_format(seed, seed_text);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	snprintf(size, sizeof(size), "%llu",
		 (unsigned long long)size_in_blocks(walk));
	snprintf(inodes, sizeof(inodes), "%llu",
		 (unsigned long long)inodes_to_make(walk));
	snprintf(extended, sizeof(extended),
		 "hash_seed=%s,lazy_itable_init=0,nodiscard", seed_text);
	snprintf(epoch, sizeof(epoch), "E2FSPROGS_FAKE_TIME=%lld",
		 (long long)ext4_epoch(walk->epoch));
	return program_run(argv, environment, "e2fsprogs", fd, NULL);
}

int ext4_build(const struct tree *tree, const struct walk *walk, int fd,
	       const struct build_options *options)
{
	struct ext4_change change;
	struct stat st;
	int ret = make(walk, fd);

	(void)options;
	if (!ret)
		ret = ext4_open_file(&change.ext4, fd, tree->name,
				     ext4_epoch(walk->epoch), true);
	if (ret)
		return ret;
	ret = ext4_change_start(&change, tree, "making an ext4",
				walk->file_blocks << INC_BLOCK_SHIFT);
	if (!ret && tree_stat(tree, tree->name, &st))
		ret = ext4_failed(tree->name, "cannot read it", errno);
	if (!ret)
		ret = ext4_add_contents(&change, EXT2_ROOT_INO, tree->name);
	if (!ret)
		ret = ext4_set_attributes(&change.ext4, EXT2_ROOT_INO,
					  tree->name, &st, true);
	change.ext4.fs->super->s_kbytes_written = 0;
	ext2fs_mark_super_dirty(change.ext4.fs);
	return ext4_change_end(&change, ret);
}
