/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of files that goes into a filesystem: a directory, or what an archive
 * holds. A file is told by its path, which begins with the tree's name.
 */
#ifndef MKIMAGE_TREE_H
#define MKIMAGE_TREE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "libincremental/incremental.h"

struct tree;

/**
 * xattr_visit - called for each extended attribute of a file
 * @value: @length bytes
 *
 * Return: 0 to go on, else what the walk returns.
 */
typedef int (*xattr_visit)(void *context, const char *name, const void *value,
			   size_t length);

/**
 * struct tree_entry - a file, directory and so on while a tree is visited
 * @path: for messages, and for the functions below
 * @name: its last part, @name_length bytes
 * @level: 0 for the root
 * @parent: NULL for the root
 * @pointer: the visitor's own, as is @number; 0 at first. A directory's stay until it
 *	is left
 */
struct tree_entry {
	const char *path;
	const char *name;
	size_t name_length;
	u32 level;
	const struct stat *st;
	struct tree_entry *parent;
	void *pointer;
	u64 number;
};

/*
 * Called for each entry of a tree, and with @leaving once more for a directory after
 * its entries. Return: 0 to go on, else what tree_visit() returns.
 */
typedef int (*tree_visitor)(void *context, struct tree_entry *entry,
			    bool leaving);

/* Contents of a regular file: in @fd, from @start on. */
struct tree_file {
	int fd;
	u64 start;
};

/**
 * struct tree_ops - what a kind of trees does; see the functions below
 * @visit: goes along the entries of a directory in the order of their names
 * @close: frees it; NULL for a directory
 */
struct tree_ops {
	int (*visit)(const struct tree *tree, tree_visitor visit,
		     void *context);
	int (*stat)(const struct tree *tree, const char *path,
		    struct stat *st);
	ssize_t (*link)(const struct tree *tree, const char *path, char *target,
			size_t room);
	ssize_t (*xattr)(const struct tree *tree, const char *path,
			 const char *name, char *data, size_t room);
	int (*names)(const struct tree *tree, const char *path, char ***names);
	int (*open)(const struct tree *tree, const char *path,
		    struct tree_file *file);
	void (*close)(struct tree *tree);
};

/**
 * struct tree - a tree of files
 * @name: of the directory or archive; not copied
 * @name_length: without slashes at its end; what follows is the path from the root
 */
struct tree {
	const struct tree_ops *ops;
	const char *name;
	size_t name_length;
};

/* The tree that is the directory @path, which need not be one yet. */
void tree_directory(struct tree *tree, const char *path);

/* Return: 0, a negative errno after an error message, or what @visit returned. */
int tree_visit(const struct tree *tree, tree_visitor visit, void *context);

/* As lstat() and readlink() do: -1 is an error, which errno tells. */
int tree_stat(const struct tree *tree, const char *path, struct stat *st);
ssize_t tree_link(const struct tree *tree, const char *path, char *target,
		  size_t room);

/*
 * Read an extended attribute of the file at @path, or with @name NULL the list
 * of them. *data has *room bytes on the heap, and grows. Return: bytes that
 * were read, or -1 with errno.
 */
ssize_t tree_xattr(const struct tree *tree, const char *path, const char *name,
		   char **data, size_t *room);

/*
 * List a directory: *names gets their sorted names, to be freed by
 * tree_names_free(). Return: their number, or -1 with errno.
 */
int tree_names(const struct tree *tree, const char *path, char ***names);
void tree_names_free(char **names, int count);

/*
 * Open the regular file at @path, whose size is to be @size. Return: 0, or a negative
 * errno after an error message; then nothing is to be closed.
 */
int tree_open(const struct tree *tree, const char *path, u64 size,
	      struct tree_file *file);
void tree_file_close(struct tree_file *file);

/* Read from it; @path is for messages. Return: 0, or a negative errno, the same. */
int tree_read(const struct tree_file *file, u64 offset, void *data,
	      size_t length, const char *path);

/* Where data starts at or after @offset: @size if nowhere. */
u64 tree_seek_data(const struct tree_file *file, u64 offset, u64 size);

/* Is there a hole in the @size bytes of it? */
bool tree_has_hole(const struct tree_file *file, u64 size);

#endif /* MKIMAGE_TREE_H */
