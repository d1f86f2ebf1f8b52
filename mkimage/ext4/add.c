// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adding a directory's contents to an ext4; see tree.h.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include "common/message.h"
#include "ext4/tree.h"
#include "mkimage.h"
#include "progress.h"

/* A file of the source with several names, and its inode in the image. */
struct linked {
	dev_t dev;
	ino_t ino;
	ext2_ino_t number;
};

/* One addition: a name in a directory of the image, and its file. */
struct addition {
	struct ext4_directory *dir;
	const struct ext4_entry *old;	/* the entry of that name; NULL: none */
	const char *name;
	const char *path;		/* at the source */
	struct stat st;
	ext2_ino_t number;		/* in the image */
};

int ext4_change_start(struct ext4_change *change, const struct tree *source,
		      const char *doing, u64 bytes)
{
	change->ext4.source = source;
	change->linked = NULL;
	change->done = 0;
	change->depth = 0;
	progress_start(&change->progress, doing, bytes);
	change->removed = ext4_removed_new();
	return change->removed ? 0 : -ENOMEM;
}

int ext4_change_end(struct ext4_change *change, int ret)
{
	progress_end(&change->progress);
	if (!ret)
		ret = ext4_removed_finish(change->removed, &change->ext4);
	ext4_removed_free(change->removed);
	tdestroy(change->linked, free);
	if (!ret)
		return ext4_close(&change->ext4);
	ext4_abandon(&change->ext4);
	return ret;
}

static int compare_linked(const void *left, const void *right)
{
	const struct linked *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* The place for the inode of a file with several names; NULL: out of memory. */
static struct linked *find_linked(struct ext4_change *change, const struct stat *st)
{
	struct linked *key = malloc(sizeof(*key)), **found;

	if (!key)
		return NULL;
	key->dev = st->st_dev;
	key->ino = st->st_ino;
	key->number = 0;
	found = tsearch(key, &change->linked, compare_linked);
	if (!found || *found != key)
		free(key);
	return found ? *found : NULL;
}

/* A new inode for anything but a symbolic link. */
static int make_inode(struct ext4_change *change, struct addition *add)
{
	ext2_filsys fs = change->ext4.fs;
	struct ext2_inode inode = {
		.i_mode = (__u16)add->st.st_mode,
		.i_links_count = 1,
	};
	u32 hi = major(add->st.st_rdev), lo = minor(add->st.st_rdev);
	ext2_extent_handle_t handle;
	errcode_t code;

	code = ext4_new_inode(&change->ext4, add->dir->number,
			      (int)add->st.st_mode, &add->number);
	if (code)
		return ext4_failed(add->path, "cannot make its inode", code);
	if (S_ISCHR(add->st.st_mode) || S_ISBLK(add->st.st_mode)) {
		if (hi < 256 && lo < 256)
			inode.i_block[0] = hi * 256 + lo;
		else
			inode.i_block[1] = (lo & 0xff) | hi << 8 |
					   (lo & ~0xffu) << 12;
	} else if (ext2fs_has_feature_extents(fs->super) &&
		   (S_ISREG(add->st.st_mode) || S_ISDIR(add->st.st_mode))) {
		inode.i_flags = EXT4_EXTENTS_FL;
		code = ext2fs_extent_open2(fs, add->number, &inode, &handle);
		if (!code)
			ext2fs_extent_free(handle);
	}
	ext2fs_inode_alloc_stats2(fs, add->number, +1,
				  S_ISDIR(add->st.st_mode));
	if (!code)
		code = ext2fs_write_new_inode(fs, add->number, &inode);
	return code ? ext4_failed(add->path, "cannot make its inode", code) : 0;
}

static int make_link(struct ext4_change *change, struct addition *add)
{
	ext2_filsys fs = change->ext4.fs;
	char target[4097];
	ssize_t length = tree_link(change->ext4.source, add->path, target,
				   sizeof(target) - 1);
	errcode_t code = length < 0 ? errno : 0;

	if (length >= (ssize_t)fs->blocksize) {
		message_error("%s: its target is longer than the %u bytes that this ext4 can hold",
			      add->path, fs->blocksize - 1);
		return -ENAMETOOLONG;
	}
	if (!code)
		code = ext4_new_inode(&change->ext4, add->dir->number,
				      S_IFLNK, &add->number);
	if (!code) {
		target[length] = '\0';
		code = ext2fs_symlink(fs, add->dir->number, add->number,
				      NULL, target);
	}
	return code ? ext4_failed(add->path, "cannot make the link", code) : 0;
}

static int make_file(struct ext4_change *change, struct addition *add)
{
	struct ext4 *ext4 = &change->ext4;
	bool fresh;
	u32 links;
	int ret;

	ret = ext4_removed_take(change->removed, ext4, add->path, add->name,
				&add->st, &add->number);
	if (ret)
		return ret;
	fresh = !add->number;
	ret = fresh ? make_inode(change, add) :
		      ext4_count_links(ext4, add->number, add->path, +1,
				       &links);
	return ret ? ret : ext4_put_data(ext4, add->number, add->path,
					 &add->st, fresh);
}

static int make_directory(struct ext4_change *change, struct addition *add)
{
	int ret = make_inode(change, add);

	return ret ? ret : ext4_directory_make(&change->ext4, add->dir->number,
					       add->number, add->path);
}

static int make(struct ext4_change *change, struct addition *add)
{
	if (S_ISREG(add->st.st_mode))
		return make_file(change, add);
	if (S_ISDIR(add->st.st_mode))
		return make_directory(change, add);
	if (S_ISLNK(add->st.st_mode))
		return make_link(change, add);
	return make_inode(change, add);
}

static bool same_target(struct ext4_change *change, const struct addition *add,
			struct ext2_inode *inode)
{
	char old[4097], new[4097];
	struct addition read = *add;
	ext2_file_t file;
	unsigned int got = 0;
	ssize_t length = tree_link(change->ext4.source, read.path, new,
				   sizeof(new));

	if (length <= 0 || EXT2_I_SIZE(inode) != (u64)length)
		return false;
	if (ext2fs_is_fast_symlink(inode))
		return length < (ssize_t)sizeof(inode->i_block) &&
		       !memcmp(inode->i_block, new, (size_t)length);
	if (ext2fs_file_open(change->ext4.fs, add->number, 0, &file))
		return false;
	if (ext2fs_file_read(file, old, sizeof(old), &got))
		got = 0;
	ext2fs_file_close(file);
	return got == (u64)length && !memcmp(old, new, got);
}

/* May the present inode stay, with new contents and attributes? */
static int may_stay(struct ext4_change *change, const struct addition *add,
		    bool *stay)
{
	struct ext2_inode inode;
	errcode_t code;
	u32 device;

	*stay = false;
	code = ext2fs_read_inode(change->ext4.fs, add->number, &inode);
	if (code)
		return ext4_failed(add->path, "cannot read its inode", code);
	if ((inode.i_mode & S_IFMT) != (add->st.st_mode & S_IFMT))
		return 0;
	*stay = S_ISDIR(add->st.st_mode);
	if (*stay)
		return 0;
	/* Its other names keep the old contents. */
	if (inode.i_links_count != 1)
		return 0;
	*stay = true;
	if (S_ISLNK(add->st.st_mode))
		*stay = same_target(change, add, &inode);
	if (S_ISCHR(add->st.st_mode) || S_ISBLK(add->st.st_mode)) {
		device = inode.i_block[0] ? inode.i_block[0] : inode.i_block[1];
		*stay = inode.i_block[0] ?
			makedev(device >> 8, device & 0xff) ==
			add->st.st_rdev :
			makedev((device & 0xfff00) >> 8,
				(device & 0xff) | (device >> 12 & 0xfff00)) ==
			add->st.st_rdev;
	}
	return 0;
}

/* Let the name refer to add->number. */
static int give_name(const struct addition *add)
{
	return add->old ?
	       ext4_directory_replace(add->dir, add->old, add->path,
				      add->number, add->st.st_mode) :
	       ext4_directory_link(add->dir, add->name, add->path,
				   add->number, add->st.st_mode);
}

static int add_entry(struct ext4_change *change, struct addition *add)
{
	struct ext4 *ext4 = &change->ext4;
	struct linked *linked = NULL;
	bool stay = false;
	u32 links;
	int ret = 0;

	if (!S_ISDIR(add->st.st_mode) && add->st.st_nlink > 1) {
		linked = find_linked(change, &add->st);
		if (!linked)
			return no_memory();
	}
	if (add->old) {
		add->number = add->old->number;
		if (!(linked && linked->number))
			ret = may_stay(change, add, &stay);
		if (!ret && !stay)
			ret = ext4_drop(change, add->dir->number, add->name,
					add->path, add->number);
	}
	if (ret)
		return ret;
	if (linked && linked->number) {
		add->number = linked->number;
		ret = ext4_count_links(ext4, add->number, add->path, +1,
				       &links);
		return ret ? ret : give_name(add);
	}
	if (!stay) {
		ret = make(change, add);
		if (!ret)
			ret = give_name(add);
	} else if (S_ISREG(add->st.st_mode)) {
		ret = ext4_put_data(ext4, add->number, add->path, &add->st,
				    false);
	}
	if (!ret)
		ret = ext4_set_attributes(ext4, add->number, add->path,
					  &add->st, !stay);
	if (linked)
		linked->number = add->number;
	if (!ret && S_ISDIR(add->st.st_mode))
		ret = ext4_add_contents(change, add->number, add->path);
	if (S_ISREG(add->st.st_mode))
		change->done += (u64)add->st.st_size;
	progress_show(&change->progress, change->done);
	return ret;
}

static int add_name(struct ext4_change *change, struct ext4_directory *dir,
		    const char *path, const char *name,
		    const struct ext4_entry *old)
{
	struct addition add = { .dir = dir, .old = old, .name = name };
	char *below = ext4_join(path, name);
	int ret = below ? 0 : -ENOMEM;

	add.path = below;
	if (!ret && tree_stat(change->ext4.source, below, &add.st))
		ret = ext4_failed(below, "cannot read it", errno);
	if (!ret)
		ret = add_entry(change, &add);
	free(below);
	return ret;
}

/* Names that exist come first: see ext4_directory_replace(). */
static int add_names(struct ext4_change *change, struct ext4_directory *dir,
		     const char *path, char **names, int count)
{
	int ret = 0, i;

	for (i = 0; !ret && dir->count && i < count; i++) {
		const struct ext4_entry *old =
			ext4_directory_find(dir, names[i]);

		if (old)
			ret = add_name(change, dir, path, names[i], old);
	}
	for (i = 0; !ret && i < count; i++)
		if (!ext4_directory_find(dir, names[i]))
			ret = add_name(change, dir, path, names[i], NULL);
	return ret;
}

int ext4_add_contents(struct ext4_change *change, ext2_ino_t number,
		      const char *path)
{
	struct ext4_directory dir;
	char **names = NULL;
	int count, code, ret = ext4_deeper(&change->depth, path);

	if (!ret)
		ret = ext4_directory_open(&dir, &change->ext4, number, path);
	if (ret)
		return ret;
	count = tree_names(change->ext4.source, path, &names);
	ret = count < 0 ? ext4_failed(path, "cannot read it", errno) :
			  add_names(change, &dir, path, names, count);
	tree_names_free(names, count);
	code = ext4_directory_close(&dir);
	change->depth--;
	return ret ? ret : code;
}
