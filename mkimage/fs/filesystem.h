/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of a filesystem to mkimage, and telling which one a device
 * holds.
 */
#ifndef MKIMAGE_FILESYSTEM_H
#define MKIMAGE_FILESYSTEM_H

#include "fs/extend.h"
#include "fs/overlay.h"
#include "fs/reader.h"

/**
 * files_visit - called for each path of a filesystem
 * @path: from the root, as in struct extend_plan; "" for the root itself
 * @id: INC_SHA256_SIZE bytes, the same as for another path or generation of
 *	this image if all that struct extend_plan speaks of is the same; hard
 *	links are told apart by their number only
 *
 * Return: 0 to go on, else what the walk returns.
 */
typedef int (*files_visit)(void *context, const char *path, const u8 *id);

/**
 * files_place - called for blocks of the device that follow each other
 * @path: of the file that they are of, as above; of several names of an inode, the
 *	first that is met. NULL: what is read to mount the filesystem
 * @at: number of the first of them in the file, or FILES_INODE: the inode, or what
 *	leads to its contents
 *
 * A block may have parts of several files, and a hostile filesystem may have blocks
 * that the device does not. Return: as files_visit.
 */
#define FILES_INODE	UINT64_MAX
typedef int (*files_place)(void *context, const char *path, u64 at, u64 block,
			   u64 count);

struct check;
struct walk;

/**
 * struct build_options - how a filesystem is made
 * @compression: blocks of the largest cluster that it compresses contents of files
 *	into; 0: it compresses none. Only for one that @compresses
 * @threads: at least 1
 * @dir: where temporary files go
 */
struct build_options {
	u32 compression;
	unsigned int threads;
	const char *dir;
};

/**
 * struct filesystem - one that is known
 * @name: NULL ends an array of them
 * @offset: of its magic number, in block 0 of the device
 * @size: of that, in bytes
 * @compat: INC_COMPAT_* that hold for each device with it
 * @built_compat: those that hold for what @build makes, but not if it compresses
 * @compresses: it can
 * @build: make it of @tree, which @walk has looked at, in the empty file @fd
 * @check_file: read back what @build made; see check.h
 * @extend: change the one on @overlay; after an error the overlay is not used any
 * further
 * @check: read back what @extend made
 * @files: walk along it in any order. Contents are not read where the digests of
 * their blocks do (incr_image_digests())
 * @places: walk along it in any order, and tell where everything is
 * @reader: reads single files
 *
 * All functions return 0, or a negative errno after an error message.
 */
struct filesystem {
	const char *name;
	u32 offset;
	u32 size;
	u32 magic;
	u64 compat;
	u64 built_compat;
	bool compresses;
	int (*build)(const struct tree *tree, const struct walk *walk, int fd,
		     const struct build_options *options);
	int (*check_file)(int fd, struct check *check);
	int (*extend)(struct overlay *overlay, const struct extend_plan *plan);
	int (*check)(struct overlay *overlay, struct check *check);
	int (*files)(struct overlay *overlay, files_visit visit,
		     void *context);
	int (*places)(struct overlay *overlay, files_place place,
		      void *context);
	const struct reader *reader;
};

/* The one of @known with this name; NULL: none. */
const struct filesystem *filesystem_named(const struct filesystem *known,
					  const char *name);

/*
 * Set *fs to the one of @known whose magic number is on @overlay. Return: 0, or a
 * negative errno after an error message, which ends with @advice if it is none.
 */
int filesystem_find(const struct filesystem *known, struct overlay *overlay,
		    const char *advice, const struct filesystem **fs);

/*
 * The INC_COMPAT_* of a device that another program has filled, and whose first
 * INC_BLOCK_SIZE bytes are @block.
 */
u64 filesystem_compat(const struct filesystem *known, const u8 *block);

#endif /* MKIMAGE_FILESYSTEM_H */
