// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that are removed, and files that may come back under another; see
 * tree.h.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "mkimage.h"

#define BUCKETS		4096u

/* How many files of the same size are compared with an added one. */
#define COMPARED	16

struct file {
	struct file *next_size;		/* in its bucket */
	struct file *next_name;
	ext2_ino_t number;
	u64 size;
	bool taken;
	char name[];
};

struct ext4_removed {
	struct file *by_size[BUCKETS];
	struct file *by_name[BUCKETS];
	struct file **all;
	size_t count;
	size_t room;
};

static u32 size_bucket(u64 size)
{
	return (u32)((size * 0x9e3779b97f4a7c15ull) >> 52);
}

static u32 name_bucket(const char *name)
{
	u32 hash = 2166136261u;		/* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619u;
	return hash % BUCKETS;
}

struct ext4_removed *ext4_removed_new(void)
{
	struct ext4_removed *removed = calloc(1, sizeof(*removed));

	if (!removed)
		no_memory();
	return removed;
}

void ext4_removed_free(struct ext4_removed *removed)
{
	size_t i;

	if (!removed)
		return;
	for (i = 0; i < removed->count; i++)
		free(removed->all[i]);
	free(removed->all);
	free(removed);
}

int ext4_removed_add(struct ext4_removed *removed, struct ext4 *ext4,
		     ext2_ino_t number, const char *name)
{
	struct ext2_inode inode;
	struct file *file = malloc(sizeof(*file) + strlen(name) + 1), **list;
	errcode_t code;

	if (removed->count == removed->room) {
		size_t room = removed->room ? 2 * removed->room : 64;
		void *more = realloc(removed->all, room * sizeof(file));

		if (more) {
			removed->all = more;
			removed->room = room;
		}
	}
	if (!file || removed->count == removed->room) {
		free(file);
		return no_memory();
	}
	code = ext2fs_read_inode(ext4->fs, number, &inode);
	if (code) {
		free(file);
		return ext4_failed(name, "cannot read its inode", code);
	}
	file->number = number;
	file->size = EXT2_I_SIZE(&inode);
	file->taken = false;
	strcpy(file->name, name);
	list = &removed->by_size[size_bucket(file->size)];
	file->next_size = *list;
	*list = file;
	list = &removed->by_name[name_bucket(name)];
	file->next_name = *list;
	*list = file;
	removed->all[removed->count++] = file;
	return 0;
}

static int find_same(struct ext4_removed *removed, struct ext4 *ext4,
		     const char *path, const struct stat *st,
		     struct file **found)
{
	struct file *file = removed->by_size[size_bucket((u64)st->st_size)];
	u32 compared = 0;
	bool same;
	int ret;

	for (; file && compared < COMPARED; file = file->next_size) {
		if (file->taken || file->size != (u64)st->st_size)
			continue;
		compared++;
		ret = ext4_same_data(ext4, file->number, path, st, &same);
		if (ret)
			return ret;
		if (same) {
			*found = file;
			return 0;
		}
	}
	return 0;
}

/* Another version: the same name, and not too far from it in size. */
static struct file *find_version(struct ext4_removed *removed,
				 const char *name, u64 size)
{
	struct file *file = removed->by_name[name_bucket(name)];

	for (; file; file = file->next_name)
		if (!file->taken && !strcmp(file->name, name) &&
		    file->size / 2 <= size && size / 2 <= file->size)
			return file;
	return NULL;
}

int ext4_removed_take(struct ext4_removed *removed, struct ext4 *ext4,
		      const char *path, const char *name,
		      const struct stat *st, ext2_ino_t *number)
{
	struct file *file = NULL;
	int ret = 0;

	*number = 0;
	if (!st->st_size || !removed->count)
		return 0;
	ret = find_same(removed, ext4, path, st, &file);
	if (!ret && !file)
		file = find_version(removed, name, (u64)st->st_size);
	if (!ret && file) {
		file->taken = true;
		*number = file->number;
	}
	return ret;
}

int ext4_removed_finish(struct ext4_removed *removed, struct ext4 *ext4)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < removed->count; i++)
		if (!removed->all[i]->taken)
			ret = ext4_free_inode(ext4, removed->all[i]->number,
					      removed->all[i]->name);
	return ret;
}

static int drop_contents(struct ext4_change *change, ext2_ino_t number,
			 const char *path)
{
	struct ext4_directory dir;
	size_t i;
	int ret = ext4_deeper(&change->depth, path);

	if (!ret)
		ret = ext4_directory_open(&dir, &change->ext4, number, path);
	if (ret)
		return ret;
	for (i = 0; !ret && i < dir.count; i++) {
		const struct ext4_entry *entry = &dir.entries[i];
		char *below = ext4_join(path, entry->name);

		ret = below ? ext4_drop(change, number, entry->name, below,
					entry->number) : -ENOMEM;
		free(below);
	}
	ext4_directory_close(&dir);
	change->depth--;
	return ret;
}

int ext4_drop(struct ext4_change *change, ext2_ino_t dir, const char *name,
	      const char *path, ext2_ino_t number)
{
	struct ext4 *ext4 = &change->ext4;
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(ext4->fs, number, &inode);
	u32 links;
	int ret;

	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	if (LINUX_S_ISDIR(inode.i_mode)) {
		ret = drop_contents(change, number, path);
		if (!ret)
			ret = ext4_count_links(ext4, dir, path, -1, &links);
		return ret ? ret : ext4_free_inode(ext4, number, path);
	}
	ret = ext4_count_links(ext4, number, path, -1, &links);
	if (ret || links)
		return ret;
	if (LINUX_S_ISREG(inode.i_mode))
		return ext4_removed_add(change->removed, ext4, number, name);
	return ext4_free_inode(ext4, number, path);
}
