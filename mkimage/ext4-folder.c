// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories and links of ext4; see ext4-tree.h.
 */
#include <stdlib.h>
#include "ext4-tree.h"
#include "message.h"

struct reading {
	struct ext4_folder *list;
	size_t room;
	bool failed;
};

static int add_entry(ext2_ino_t number, int kind, struct ext2_dir_entry *entry,
		     int offset, int block_size, char *buffer, void *context)
{
	struct reading *reading = context;
	struct ext4_folder *list = reading->list;
	char *name;

	(void)number;
	(void)offset;
	(void)block_size;
	(void)buffer;
	if (kind != DIRENT_OTHER_FILE)
		return 0;
	if (list->count == reading->room) {
		size_t room = reading->room ? 2 * reading->room : 16;
		void *more = realloc(list->entries,
				     room * sizeof(*list->entries));

		if (more) {
			list->entries = more;
			reading->room = room;
		}
		reading->failed = !more;
	}
	name = reading->failed ? NULL :
	       strndup(entry->name, (size_t)ext2fs_dirent_name_len(entry));
	if (!name) {
		reading->failed = true;
		return DIRENT_ABORT;
	}
	list->entries[list->count].name = name;
	list->entries[list->count++].number = entry->inode;
	return 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct ext4_entry *a = left, *b = right;

	return strcmp(a->name, b->name);
}

int ext4_folder_read(struct ext4 *ext4, ext2_ino_t folder, const char *path,
		     struct ext4_folder *list)
{
	struct reading reading = { .list = list };
	errcode_t code;

	memset(list, 0, sizeof(*list));
	code = ext2fs_dir_iterate2(ext4->fs, folder, 0, NULL, add_entry,
				   &reading);
	if (reading.failed)
		code = EXT2_ET_NO_MEMORY;
	if (code) {
		ext4_folder_free(list);
		return ext4_failed(path, "cannot read the directory", code);
	}
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries),
		      compare_entries);
	return 0;
}

void ext4_folder_free(struct ext4_folder *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->entries[i].name);
	free(list->entries);
	memset(list, 0, sizeof(*list));
}

const struct ext4_entry *ext4_folder_find(const struct ext4_folder *list,
					  const char *name)
{
	struct ext4_entry key = { .name = (char *)name };

	return list->count ? bsearch(&key, list->entries, list->count,
				     sizeof(key), compare_entries) : NULL;
}

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_REG_FILE;
	}
}

int ext4_link(struct ext4 *ext4, ext2_ino_t folder, const char *name,
	      const char *path, ext2_ino_t number, mode_t mode)
{
	errcode_t code = ext2fs_link(ext4->fs, folder, name, number,
				     file_type(mode));

	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(ext4->fs, folder);
		if (!code)
			code = ext2fs_link(ext4->fs, folder, name, number,
					   file_type(mode));
	}
	return code ? ext4_failed(path, "cannot add its name", code) : 0;
}

int ext4_unlink(struct ext4 *ext4, ext2_ino_t folder, const char *name,
		const char *path)
{
	errcode_t code = ext2fs_unlink(ext4->fs, folder, name, 0, 0);

	return code ? ext4_failed(path, "cannot remove its name", code) : 0;
}

int ext4_count_links(struct ext4 *ext4, ext2_ino_t number, const char *path,
		     int add, u32 *links)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(ext4->fs, number, &inode);

	if (!code && !inode.i_links_count && add < 0)
		code = EXT2_ET_INODE_CORRUPTED;
	if (!code && inode.i_links_count == EXT2_LINK_MAX && add > 0)
		code = EMLINK;
	if (!code) {
		/* A directory of more than 65000 others has 1 for ever. */
		if (!LINUX_S_ISDIR(inode.i_mode) || inode.i_links_count != 1)
			inode.i_links_count = (__u16)(inode.i_links_count +
						      add);
		*links = inode.i_links_count;
		code = ext2fs_write_inode(ext4->fs, number, &inode);
	}
	return code ? ext4_failed(path, "its count of links", code) : 0;
}

/* Zeros compress, and cannot be mistaken for anything. */
static errcode_t clear_inode(ext2_filsys fs, ext2_ino_t number)
{
	size_t size = EXT2_INODE_SIZE(fs->super);
	void *zeros = calloc(1, size);
	errcode_t code = EXT2_ET_NO_MEMORY;

	if (zeros)
		code = ext2fs_write_inode_full(fs, number, zeros, (int)size);
	free(zeros);
	return code;
}

int ext4_free_inode(struct ext4 *ext4, ext2_ino_t number, const char *path)
{
	ext2_filsys fs = ext4->fs;
	struct ext2_inode_large inode;
	errcode_t code;
	bool folder;

	memset(&inode, 0, sizeof(inode));
	code = ext2fs_read_inode_full(fs, number, (struct ext2_inode *)&inode,
				      sizeof(inode));
	folder = LINUX_S_ISDIR(inode.i_mode);
	if (!code)
		code = ext2fs_free_ext_attr(fs, number, &inode);
	if (!code && ext2fs_inode_has_valid_blocks2(fs,
						(struct ext2_inode *)&inode))
		code = ext2fs_punch(fs, number, (struct ext2_inode *)&inode,
				    NULL, 0, ~0ull);
	if (!code)
		code = clear_inode(fs, number);
	if (code)
		return ext4_failed(path, "cannot free its inode", code);
	ext2fs_inode_alloc_stats2(fs, number, -1, folder);
	return 0;
}
