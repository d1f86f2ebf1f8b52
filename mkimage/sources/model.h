/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of files in memory, of which one temporary file without a name holds the
 * contents. Archives become one: nothing is unpacked, and owners, devices and attributes
 * take no privileges. It takes some 250 bytes a file.
 */
#ifndef MKIMAGE_MODEL_H
#define MKIMAGE_MODEL_H

#include "fs/tree.h"

/*
 * Names that an archive may have, those that others replace included; and bytes of their
 * names, link targets and attributes.
 */
#define MODEL_NAMES_MAX	(4u << 20)
#define MODEL_TEXT_MAX	(1ull << 30)
/* The longest path, and the longest part of one. */
#define MODEL_PATH_MAX	4095u
#define MODEL_NAME_MAX	255u

struct model;
struct model_inode;

/**
 * model_new - start with a tree of a root only, of mode 0755, which is the
 * superuser's
 * @name: of the archive, for messages; not copied
 * @dir: where the temporary file goes
 * @most: bytes that all files may have
 *
 * Return: freed by model_free(); NULL after an error message.
 */
struct model *model_new(const char *name, const char *dir, u64 most);
void model_free(struct model *model);

/*
 * Paths below go from the root, without slashes at either end and without empty, "." or
 * ".." parts; "" is the root. All functions return 0, or a negative errno after an error
 * message.
 */

/**
 * model_add - add a file, which replaces what has that path
 * @st: its mode, owner, device and time of modification count
 * @inode: set; valid as long as @model
 *
 * Where both are directories, the old one gets the new attributes. Directories on the way
 * that are missing are made, with mode 0755, the superuser's and of the same time.
 */
int model_add(struct model *model, const char *path, const struct stat *st,
	      struct model_inode **inode);

/* Add another name for the file at @target, which must not be a directory. */
int model_link(struct model *model, const char *path, const char *target,
	       struct model_inode **inode);

/* Write contents of a regular file, at increasing offsets; what is left out is zeros. */
int model_write(struct model *model, struct model_inode *inode, u64 offset,
		const void *data, size_t length);
/* Its size, at least what was written. */
int model_set_size(struct model *model, struct model_inode *inode, u64 size);
/* Start with empty contents again. */
void model_empty(struct model_inode *inode);
bool model_is_file(const struct model_inode *inode);

/* Count @length bytes of contents that nothing takes, and that have to be read. */
int model_skip(struct model *model, size_t length);

int model_set_target(struct model *model, struct model_inode *inode,
		     const char *target);
/* Set an extended attribute, or replace the one of that name. */
int model_set_xattr(struct model *model, struct model_inode *inode,
		    const char *name, const void *value, size_t size);

/*
 * A layer begins: model_remove() removes only what was added before. Missing paths are no
 * error. @contents: the directory stays.
 */
void model_start_layer(struct model *model);
void model_remove(struct model *model, const char *path, bool contents);

#endif /* MKIMAGE_MODEL_H */
