// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory becomes an ext4 without a journal.
 *
 * mke2fs copies the directory in. It leaves out fractions of seconds and the
 * root's own attributes, and takes over times of last access and of inode
 * changes, which two copies of one tree do not share; so the inodes are gone
 * over afterwards.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "ext4.h"
#include "message.h"
#include "mkimage.h"
#include "program.h"
#include "source.h"
#include "walk.h"

#define INODE_SIZE	256
#define BLOCKS_A_GROUP	32768
#define TRIES		3

/* What mke2fs says when the filesystem is too small for the directory. */
static const char *const no_space[] = {
	"Could not allocate", "Not enough space", NULL
};

/* Not what /etc/mke2fs.conf says here, but the same everywhere. */
#define FEATURES	"none,dir_index,dir_nlink,ext_attr,extent," \
			"extra_isize,filetype,flex_bg,huge_file,large_file," \
			"metadata_csum,sparse_super"

/*
 * Inodes 1 to 11 are the filesystem's own, the root among them. Some are to
 * spare, for layers: without them a file more takes a block group more. As long
 * as they are not used their table is zeros, which cost next to nothing.
 */
static u64 inodes_to_make(const struct walk *walk)
{
	return walk->inodes + 10 + walk->inodes / 4 + 1000;
}

/*
 * Blocks for the filesystem. Directories and extents are an estimate, a little
 * too high rather; each try is more generous.
 */
static u64 size_in_blocks(const struct walk *walk, u32 try)
{
	u64 files = try ? walk->file_blocks : walk->used_blocks;
	u64 content = files + walk->folder_blocks + walk->link_blocks +
		      walk->xattr_blocks + walk->extent_blocks;
	u64 blocks = content + 64 + (content >> (7 - 2 * try));
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

static int make(const char *path, const struct walk *walk, const char *file,
		int fd, u32 try)
{
	char size[32], inodes[32], epoch[64], extended[128];
	char uuid_text[UUID_TEXT_SIZE], seed_text[UUID_TEXT_SIZE];
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-T", "default", "-b", "4096", "-I", "256",
		"-m", "0", "-N", inodes, "-O", FEATURES, "-U", uuid_text,
		"-E", extended, "-d", path, "--", file, size, NULL
	};
	const char *const environment[] = {
		epoch, "MKE2FS_CONFIG=/dev/null", NULL
	};
	u8 uuid[16], seed[16];

	if (ftruncate(fd, 0)) {
		int code = errno;

		message_error("temporary file: %s", strerror(code));
		return -code;
	}
	source_derive_uuid(walk->id, "filesystem", uuid);
	source_derive_uuid(walk->id, "hash seed", seed);
	uuid_format(uuid, uuid_text);
	uuid_format(seed, seed_text);
	snprintf(size, sizeof(size), "%llu",
		 (unsigned long long)size_in_blocks(walk, try));
	snprintf(inodes, sizeof(inodes), "%llu",
		 (unsigned long long)inodes_to_make(walk));
	snprintf(extended, sizeof(extended),
		 "hash_seed=%s,lazy_itable_init=0,nodiscard", seed_text);
	snprintf(epoch, sizeof(epoch), "E2FSPROGS_FAKE_TIME=%lld",
		 (long long)walk->epoch);
	return program_run(argv, environment, "e2fsprogs", fd,
			   try + 1 < TRIES ? no_space : NULL);
}

static int failed(const char *path, errcode_t code)
{
	message_error("%s: setting its attributes in ext4: %s", path,
		      error_message(code));
	return -EIO;
}

static void set_times(struct ext2_inode_large *inode, const struct walk *walk,
		      const struct stat *st)
{
	int64_t seconds = st->st_mtim.tv_sec;
	u32 nanoseconds = (u32)st->st_mtim.tv_nsec;
	__u32 extra;

	if (seconds > walk->epoch) {
		seconds = walk->epoch;
		nanoseconds = 0;
	}
	extra = ext4_time_extra(seconds, nanoseconds);
	inode->i_mtime = inode->i_ctime = inode->i_atime = (__u32)seconds;
	inode->i_mtime_extra = inode->i_ctime_extra = extra;
	inode->i_atime_extra = extra;
	inode->i_crtime = (__u32)walk->epoch;
	inode->i_crtime_extra = ext4_time_extra(walk->epoch, 0);
}

static errcode_t fix_inode(ext2_filsys fs, ext2_ino_t number,
			   const struct walk *walk, const struct stat *st)
{
	struct ext2_inode_large inode;
	errcode_t ret;

	ret = ext2fs_read_inode_full(fs, number, (struct ext2_inode *)&inode,
				     sizeof(inode));
	if (ret)
		return ret;
	set_times(&inode, walk, st);
	inode.i_mode = (__u16)st->st_mode;
	inode.i_uid = (__u16)st->st_uid;
	inode.i_gid = (__u16)st->st_gid;
	ext2fs_set_i_uid_high(inode, (__u16)(st->st_uid >> 16));
	ext2fs_set_i_gid_high(inode, (__u16)(st->st_gid >> 16));
	return ext2fs_write_inode_full(fs, number, (struct ext2_inode *)&inode,
				       sizeof(inode));
}

/* A directory of the filesystem that is still to be gone over. */
struct folder {
	struct folder *next;
	ext2_ino_t number;
	char path[];		/* at the source */
};

struct fixer {
	ext2_filsys fs;
	const struct walk *walk;
	struct folder *folders;
	const struct folder *folder;	/* at work */
	int ret;
};

static int add_folder(struct fixer *fixer, ext2_ino_t number, const char *path)
{
	struct folder *folder = malloc(sizeof(*folder) + strlen(path) + 1);

	if (!folder)
		return no_memory();
	folder->number = number;
	strcpy(folder->path, path);
	folder->next = fixer->folders;
	fixer->folders = folder;
	return 0;
}

static int fix_path(struct fixer *fixer, ext2_ino_t number, const char *path)
{
	struct stat st = { 0 };
	errcode_t code;

	if (lstat(path, &st)) {
		/* The filesystem's own lost+found; else the source changed. */
		if (errno != ENOENT ||
		    fixer->folder->number != EXT2_ROOT_INO)
			return failed(path, errno);
		st.st_mode = S_IFDIR | 0700;
		st.st_mtim.tv_sec = fixer->walk->epoch;
		code = fix_inode(fixer->fs, number, fixer->walk, &st);
		return code ? failed(path, code) : 0;
	}
	code = fix_inode(fixer->fs, number, fixer->walk, &st);
	if (code)
		return failed(path, code);
	return S_ISDIR(st.st_mode) ? add_folder(fixer, number, path) : 0;
}

static int fix_entry(ext2_ino_t number, int entry, struct ext2_dir_entry *name,
		     int offset, int block_size, char *buffer, void *context)
{
	struct fixer *fixer = context;
	char *path;

	(void)number;
	(void)offset;
	(void)block_size;
	(void)buffer;
	if (entry != DIRENT_OTHER_FILE)
		return 0;
	if (asprintf(&path, "%s/%.*s", fixer->folder->path,
		     ext2fs_dirent_name_len(name), name->name) < 0) {
		message_error("out of memory");
		fixer->ret = -ENOMEM;
		return DIRENT_ABORT;
	}
	fixer->ret = fix_path(fixer, name->inode, path);
	free(path);
	return fixer->ret ? DIRENT_ABORT : 0;
}

/* Goes along the filesystem: looking names up in large folders is slow. */
static int fix_all(struct fixer *fixer, const char *path)
{
	struct folder root = { .number = EXT2_ROOT_INO };
	errcode_t code;

	fixer->folder = &root;
	fixer->ret = fix_path(fixer, EXT2_ROOT_INO, path);
	while (!fixer->ret && fixer->folders) {
		struct folder *folder = fixer->folders;

		fixer->folders = folder->next;
		fixer->folder = folder;
		code = ext2fs_dir_iterate2(fixer->fs, folder->number, 0, NULL,
					   fix_entry, fixer);
		if (!fixer->ret && code)
			fixer->ret = failed(folder->path, code);
		free(folder);
	}
	while (fixer->folders) {
		struct folder *folder = fixer->folders;

		fixer->folders = folder->next;
		free(folder);
	}
	return fixer->ret;
}

static int fix(const char *path, const struct walk *walk, const char *file)
{
	struct fixer fixer = { .walk = walk };
	errcode_t code;
	int ret;

	add_error_table(&et_ext2_error_table);
	code = ext2fs_open(file, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0,
			   unix_io_manager, &fixer.fs);
	if (code)
		return failed(path, code);
	fixer.fs->now = (time_t)walk->epoch;
	ret = fix_all(&fixer, path);
	fixer.fs->super->s_kbytes_written = 0;
	ext2fs_mark_super_dirty(fixer.fs);
	code = ext2fs_close_free(&fixer.fs);
	remove_error_table(&et_ext2_error_table);
	if (!ret && code)
		ret = failed(path, code);
	return ret;
}

int ext4_build(const char *path, const struct walk *walk, int fd)
{
	char file[32];
	int ret = -ENOSPC;
	u32 try;

	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	for (try = 0; try < TRIES && ret == -ENOSPC; try++)
		ret = make(path, walk, file, fd, try);
	return ret ? ret : fix(path, walk, file);
}
