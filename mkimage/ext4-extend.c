// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extending an ext4; see extend.h.
 */
#include <dirent.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "ext4-tree.h"
#include "extend.h"
#include "message.h"
#include "mkimage.h"

/* Directories that may lie in each other; an image may be made to loop. */
#define DEPTH_MAX	2048

/* A file of the source with several names, and its inode in the image. */
struct linked {
	dev_t dev;
	ino_t ino;
	ext2_ino_t number;
};

struct change {
	struct ext4 ext4;
	const struct extend_plan *plan;
	struct ext4_removed *removed;
	void *linked;		/* a tree of struct linked */
	struct progress progress;
	u64 done;		/* bytes of files */
	u32 depth;
};

/* What is added: a name in a directory of the image, and what it shall be. */
struct addition {
	ext2_ino_t folder;
	const char *name;
	const char *path;		/* at the source */
	struct stat st;
	ext2_ino_t number;		/* in the image; 0: nothing */
	mode_t old_mode;
};

static char *join(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, *folder ? "%s/%s" : "%s%s", folder, name) < 0)
		return NULL;
	return path;
}

static int inode_mode(struct change *change, ext2_ino_t number,
		      const char *path, mode_t *mode)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(change->ext4.fs, number, &inode);

	if (code)
		return ext4_failed(path, "cannot read its inode", code);
	*mode = inode.i_mode;
	return 0;
}

static int deeper(struct change *change, const char *path)
{
	if (++change->depth <= DEPTH_MAX)
		return 0;
	message_error("%s: more than %u directories inside each other", path,
		      DEPTH_MAX);
	return -ELOOP;
}

static int remove_entry(struct change *change, ext2_ino_t folder,
			const char *name, const char *path, ext2_ino_t number);

static int remove_contents(struct change *change, ext2_ino_t folder,
			   const char *path)
{
	struct ext4_folder list;
	size_t i;
	int ret = deeper(change, path);

	if (!ret)
		ret = ext4_folder_read(&change->ext4, folder, path, &list);
	if (ret)
		return ret;
	for (i = 0; !ret && i < list.count; i++) {
		char *below = join(path, list.entries[i].name);

		ret = below ? remove_entry(change, folder,
					   list.entries[i].name, below,
					   list.entries[i].number) :
			      no_memory();
		free(below);
	}
	ext4_folder_free(&list);
	change->depth--;
	return ret;
}

/* A name goes; what it names does if that was the last one. */
static int remove_entry(struct change *change, ext2_ino_t folder,
			const char *name, const char *path, ext2_ino_t number)
{
	struct ext4 *ext4 = &change->ext4;
	mode_t mode;
	u32 links;
	int ret = inode_mode(change, number, path, &mode);

	if (!ret && S_ISDIR(mode))
		ret = remove_contents(change, number, path);
	if (!ret)
		ret = ext4_unlink(ext4, folder, name, path);
	if (ret)
		return ret;
	if (S_ISDIR(mode)) {
		ret = ext4_count_links(ext4, folder, path, -1, &links);
		return ret ? ret : ext4_free_inode(ext4, number, path);
	}
	ret = ext4_count_links(ext4, number, path, -1, &links);
	if (ret || links)
		return ret;
	if (S_ISREG(mode))
		return ext4_removed_add(change->removed, ext4, number, name);
	return ext4_free_inode(ext4, number, path);
}

/* Go down to the directory that holds the last part of @path. */
static int remove_path(struct change *change, const char *path)
{
	const char *image = overlay_name(change->ext4.overlay);
	ext2_ino_t folder = EXT2_ROOT_INO, number = 0;
	char *copy = strdup(path), *part, *rest = copy;
	errcode_t code = 0;
	mode_t mode = S_IFDIR;
	int ret = copy ? 0 : no_memory();

	while (!ret && !code && (part = strsep(&rest, "/"))) {
		if (number)
			folder = number;
		code = S_ISDIR(mode) ?
		       ext2fs_lookup(change->ext4.fs, folder, part,
				     (int)strlen(part), NULL, &number) :
		       EXT2_ET_FILE_NOT_FOUND;
		if (!code)
			ret = inode_mode(change, number, path, &mode);
		if (!code && !ret && !rest)
			ret = remove_entry(change, folder, part, path, number);
	}
	free(copy);
	if (!ret && code == EXT2_ET_FILE_NOT_FOUND) {
		message_error("%s: there is no '%s' in it to be removed", image,
			      path);
		return -ENOENT;
	}
	return ret ? ret : code ? ext4_failed(path, "cannot remove it", code) :
				  0;
}

static int compare_linked(const void *left, const void *right)
{
	const struct linked *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* The place for the inode of a file with several names; NULL: out of memory. */
static struct linked *find_linked(struct change *change, const struct stat *st)
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

/* A new inode for anything but a directory or a symbolic link. */
static int make_inode(struct change *change, struct addition *add)
{
	ext2_filsys fs = change->ext4.fs;
	struct ext2_inode inode = {
		.i_mode = (__u16)add->st.st_mode,
		.i_links_count = 1,
	};
	u32 hi = major(add->st.st_rdev), lo = minor(add->st.st_rdev);
	ext2_extent_handle_t handle;
	errcode_t code;

	code = ext4_new_inode(&change->ext4, add->folder,
			      (int)add->st.st_mode, &add->number);
	if (code)
		return ext4_failed(add->path, "cannot make its inode", code);
	if (S_ISCHR(add->st.st_mode) || S_ISBLK(add->st.st_mode)) {
		if (hi < 256 && lo < 256)
			inode.i_block[0] = hi * 256 + lo;
		else
			inode.i_block[1] = (lo & 0xff) | hi << 8 |
					   (lo & ~0xffu) << 12;
	} else if (S_ISREG(add->st.st_mode) &&
		   ext2fs_has_feature_extents(fs->super)) {
		inode.i_flags = EXT4_EXTENTS_FL;
		code = ext2fs_extent_open2(fs, add->number, &inode, &handle);
		if (!code)
			ext2fs_extent_free(handle);
	}
	ext2fs_inode_alloc_stats2(fs, add->number, +1, 0);
	if (!code)
		code = ext2fs_write_new_inode(fs, add->number, &inode);
	return code ? ext4_failed(add->path, "cannot make its inode", code) : 0;
}

static int make_link(struct change *change, struct addition *add)
{
	char target[4097];
	ssize_t length = readlink(add->path, target, sizeof(target) - 1);
	errcode_t code = length < 0 ? errno : 0;

	if (!code)
		code = ext4_new_inode(&change->ext4, add->folder, S_IFLNK,
				      &add->number);
	if (!code) {
		target[length] = '\0';
		code = ext2fs_symlink(change->ext4.fs, add->folder,
				      add->number, NULL, target);
	}
	return code ? ext4_failed(add->path, "cannot make the link", code) : 0;
}

/* It allocates the directory's block, and counts the parent's links. */
static int make_folder(struct change *change, struct addition *add)
{
	errcode_t code = ext4_new_inode(&change->ext4, add->folder, S_IFDIR,
					&add->number);

	if (!code)
		code = ext2fs_mkdir(change->ext4.fs, add->folder, add->number,
				    NULL);
	return code ? ext4_failed(add->path, "cannot make the directory", code) :
		      0;
}

static int make_file(struct change *change, struct addition *add)
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

static int make(struct change *change, struct addition *add)
{
	int ret;

	if (S_ISREG(add->st.st_mode))
		ret = make_file(change, add);
	else if (S_ISDIR(add->st.st_mode))
		ret = make_folder(change, add);
	else if (S_ISLNK(add->st.st_mode))
		ret = make_link(change, add);
	else
		ret = make_inode(change, add);
	return ret ? ret : ext4_link(&change->ext4, add->folder, add->name,
				     add->path, add->number, add->st.st_mode);
}

static bool same_target(struct change *change, const struct addition *add,
			struct ext2_inode *inode)
{
	char old[4097], new[4097];
	struct addition read = *add;
	ext2_file_t file;
	unsigned int got = 0;
	ssize_t length = readlink(read.path, new, sizeof(new));

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

/* May the inode that is there stay, with new contents and attributes? */
static int may_stay(struct change *change, const struct addition *add,
		    bool *stay)
{
	struct ext2_inode inode;
	errcode_t code;
	u32 device;

	*stay = false;
	if ((add->old_mode & S_IFMT) != (add->st.st_mode & S_IFMT))
		return 0;
	*stay = S_ISDIR(add->st.st_mode);
	if (*stay)
		return 0;
	code = ext2fs_read_inode(change->ext4.fs, add->number, &inode);
	if (code)
		return ext4_failed(add->path, "cannot read its inode", code);
	/* Its other names are to keep what they have. */
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

static int add_folder(struct change *change, ext2_ino_t folder,
		      const char *path, bool fresh);

/* @add->number is what is there under the name, 0 if nothing is. */
static int add_entry(struct change *change, struct addition *add)
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
	if (add->number)
		ret = inode_mode(change, add->number, add->path,
				 &add->old_mode);
	if (!ret && add->number && !(linked && linked->number))
		ret = may_stay(change, add, &stay);
	if (!ret && add->number && !stay) {
		ret = remove_entry(change, add->folder, add->name, add->path,
				   add->number);
		add->number = 0;
	}
	if (ret)
		return ret;
	if (linked && linked->number) {
		ret = ext4_count_links(ext4, linked->number, add->path, +1,
				       &links);
		return ret ? ret : ext4_link(ext4, add->folder, add->name,
					     add->path, linked->number,
					     add->st.st_mode);
	}
	if (!stay)
		ret = make(change, add);
	else if (S_ISREG(add->st.st_mode))
		ret = ext4_put_data(ext4, add->number, add->path, &add->st,
				    false);
	if (!ret)
		ret = ext4_set_attributes(ext4, add->number, add->path,
					  &add->st);
	if (linked)
		linked->number = add->number;
	if (!ret && S_ISDIR(add->st.st_mode))
		ret = add_folder(change, add->number, add->path, !stay);
	if (S_ISREG(add->st.st_mode))
		change->done += (u64)add->st.st_size;
	progress_show(&change->progress, change->done);
	return ret;
}

static int compare_names(const struct dirent **left,
			 const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* Add the contents of the directory @path. */
static int add_folder(struct change *change, ext2_ino_t folder,
		      const char *path, bool fresh)
{
	const struct ext4_entry *old;
	struct ext4_folder list = { 0 };
	struct dirent **names = NULL;
	int count, i, ret = deeper(change, path);

	if (!ret && !fresh)
		ret = ext4_folder_read(&change->ext4, folder, path, &list);
	if (ret)
		return ret;
	count = scandir(path, &names, no_dots, compare_names);
	if (count < 0)
		ret = ext4_failed(path, "cannot read it", errno);
	for (i = 0; i < count; i++) {
		struct addition add = { .folder = folder,
					.name = names[i]->d_name };
		char *below = ret ? NULL : join(path, add.name);

		add.path = below;
		old = ext4_folder_find(&list, add.name);
		add.number = old ? old->number : 0;
		if (!ret && !below)
			ret = no_memory();
		if (!ret && lstat(below, &add.st))
			ret = ext4_failed(below, "cannot read it", errno);
		if (!ret)
			ret = add_entry(change, &add);
		free(below);
		free(names[i]);
	}
	free(names);
	ext4_folder_free(&list);
	change->depth--;
	return ret;
}

int ext4_extend(struct overlay *overlay, const struct extend_plan *plan)
{
	struct change change = { .plan = plan };
	size_t i;
	int ret, code;

	ret = ext4_open(&change.ext4, overlay, plan->epoch, true);
	if (ret)
		return ret;
	change.removed = ext4_removed_new();
	if (!change.removed)
		ret = -ENOMEM;
	progress_start(&change.progress, "adding files", plan->source_bytes);
	for (i = 0; !ret && i < plan->removed_count; i++)
		ret = remove_path(&change, plan->removed[i]);
	if (!ret && plan->source)
		ret = add_folder(&change, EXT2_ROOT_INO, plan->source, false);
	progress_end(&change.progress);
	if (!ret)
		ret = ext4_removed_finish(change.removed, &change.ext4);
	ext4_removed_free(change.removed);
	tdestroy(change.linked, free);
	code = ext4_close(&change.ext4);
	return ret ? ret : code;
}
