// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Trees of files, and those that are directories; see tree.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/tree.h"
#include "io.h"

int tree_visit(const struct tree *tree, tree_visitor visit, void *context)
{
	return tree->ops->visit(tree, visit, context);
}

int tree_stat(const struct tree *tree, const char *path, struct stat *st)
{
	return tree->ops->stat(tree, path, st);
}

ssize_t tree_link(const struct tree *tree, const char *path, char *target,
		  size_t room)
{
	return tree->ops->link(tree, path, target, room);
}

ssize_t tree_xattr(const struct tree *tree, const char *path, const char *name,
		   char **data, size_t *room)
{
	for (;;) {
		ssize_t size = tree->ops->xattr(tree, path, name, *data, *room);
		char *more;

		if (size >= 0 && (size_t)size <= *room && *room)
			return size;
		if (size < 0 && errno != ERANGE)
			return size;
		more = realloc(*data, *room ? 2 * *room : 4096);
		if (!more)
			return -1;
		*room = *room ? 2 * *room : 4096;
		*data = more;
	}
}

int tree_names(const struct tree *tree, const char *path, char ***names)
{
	return tree->ops->names(tree, path, names);
}

void tree_names_free(char **names, int count)
{
	int i;

	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int tree_open(const struct tree *tree, const char *path, u64 size,
	      struct tree_file *file)
{
	struct stat st;
	int ret = tree->ops->open(tree, path, file);

	if (ret) {
		message_error("%s: cannot be opened: %s", path, strerror(-ret));
		return ret;
	}
	/* What an archive holds does not change. */
	if (tree->ops->close || (!fstat(file->fd, &st) &&
				 S_ISREG(st.st_mode) && (u64)st.st_size == size))
		return 0;
	tree_file_close(file);
	message_error("%s: changed while it was read", path);
	return -EAGAIN;
}

void tree_file_close(struct tree_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int tree_read(const struct tree_file *file, u64 offset, void *data,
	      size_t length, const char *path)
{
	return read_all(file->fd, file->start + offset, data, length, path);
}

u64 tree_seek_data(const struct tree_file *file, u64 offset, u64 size)
{
	off_t found = lseek(file->fd, (off_t)(file->start + offset), SEEK_DATA);

	if (found < 0)
		return errno == ENXIO ? size : offset;
	return (u64)found - file->start < size ? (u64)found - file->start :
						 size;
}

bool tree_has_hole(const struct tree_file *file, u64 size)
{
	off_t hole = lseek(file->fd, (off_t)file->start, SEEK_HOLE);

	return hole >= 0 && (u64)hole - file->start < size;
}

static int failed(const char *path, int code)
{
	message_error("%s: cannot read it: %s", path, strerror(code));
	return -code;
}

static struct tree_entry *add_entry(FTSENT *file)
{
	struct tree_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->path = file->fts_path;
	entry->name = file->fts_name;
	entry->name_length = file->fts_namelen;
	entry->level = (u32)file->fts_level;
	entry->st = file->fts_statp;
	entry->parent = file->fts_parent->fts_pointer;
	file->fts_pointer = entry;
	return entry;
}

static int visit_file(FTSENT *file, tree_visitor visit, void *context)
{
	struct tree_entry *entry;
	int ret;

	switch (file->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return failed(file->fts_path, file->fts_errno);
	case FTS_DC:
		message_error("%s: the directory contains itself",
			      file->fts_path);
		return -ELOOP;
	case FTS_DP:
		entry = file->fts_pointer;
		entry->path = file->fts_path;
		ret = visit(context, entry, true);
		break;
	default:
		entry = add_entry(file);
		if (!entry)
			return failed(file->fts_path, ENOMEM);
		ret = visit(context, entry, false);
		if (!ret && file->fts_info == FTS_D)
			return 0;
	}
	free(entry);
	file->fts_pointer = NULL;
	return ret;
}

static int compare_files(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static int visit_directory(const struct tree *tree, tree_visitor visit,
			   void *context)
{
	char *root = strndup(tree->name, tree->name_length);
	char *roots[] = { root, NULL };
	FTSENT *file = NULL;
	FTS *fts = NULL;
	int ret = 0;

	if (root)
		fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR,
			       compare_files);
	if (!fts)
		ret = failed(tree->name, errno);
	while (!ret) {
		errno = 0;
		file = fts_read(fts);
		if (!file) {
			ret = errno ? failed(fts->fts_path, errno) : 0;
			break;
		}
		ret = visit_file(file, visit, context);
	}
	/* After an error the directories on the way are not left. */
	for (; ret && file && file->fts_level >= FTS_ROOTLEVEL;
	     file = file->fts_parent)
		free(file->fts_pointer);
	if (fts)
		fts_close(fts);
	free(root);
	return ret;
}

static int stat_file(const struct tree *tree, const char *path,
		     struct stat *st)
{
	(void)tree;
	return lstat(path, st);
}

static ssize_t read_link(const struct tree *tree, const char *path,
			 char *target, size_t room)
{
	(void)tree;
	return readlink(path, target, room);
}

static ssize_t read_xattr(const struct tree *tree, const char *path,
			  const char *name, char *data, size_t room)
{
	(void)tree;
	return name ? lgetxattr(path, name, data, room) :
		      llistxattr(path, data, room);
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

static int list_names(const struct tree *tree, const char *path, char ***names)
{
	struct dirent **entries;
	int count = scandir(path, &entries, no_dots, compare_names), i;
	bool failed = false;

	(void)tree;
	*names = NULL;
	if (count < 0)
		return -1;
	*names = calloc((size_t)count + 1, sizeof(char *));
	for (i = 0; i < count; i++) {
		if (*names)
			(*names)[i] = strdup(entries[i]->d_name);
		failed = failed || !*names || !(*names)[i];
		free(entries[i]);
	}
	free(entries);
	if (*names && !failed)
		return count;
	tree_names_free(*names, *names ? count : 0);
	errno = ENOMEM;
	return -1;
}

static int open_file(const struct tree *tree, const char *path,
		     struct tree_file *file)
{
	(void)tree;
	file->start = 0;
	file->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	return file->fd < 0 ? -errno : 0;
}

static const struct tree_ops directory_ops = {
	.visit = visit_directory,
	.stat = stat_file,
	.link = read_link,
	.xattr = read_xattr,
	.names = list_names,
	.open = open_file,
};

void tree_directory(struct tree *tree, const char *path)
{
	size_t length = strlen(path);

	/* Paths in the tree do not depend on how the root was named. */
	while (length > 1 && path[length - 1] == '/')
		length--;
	tree->ops = &directory_ops;
	tree->name = path;
	tree->name_length = length;
}
