/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which filesystem a device holds, and what can be done with it.
 */
#ifndef MKIMAGE_FILESYSTEM_H
#define MKIMAGE_FILESYSTEM_H

#include "fs/extend.h"

/**
 * struct filesystem - one that is known
 * @offset: of its magic number, in block 0 of the device
 * @size: of that, in bytes
 * @compat: INC_COMPAT_* that hold for each device with it
 */
struct filesystem {
	const char *name;
	u32 offset;
	u32 size;
	u32 magic;
	u64 compat;
	int (*extend)(struct overlay *overlay, const struct extend_plan *plan);
	int (*check)(struct overlay *overlay, struct check *check);
	int (*files)(struct overlay *overlay, files_visit visit,
		     void *context);
};

/*
 * Set *fs by the magic number on @overlay. Return: 0, or an errno below 0 after
 * an error message, which ends with @advice if it is neither.
 */
int filesystem_find(struct overlay *overlay, const char *advice,
		    const struct filesystem **fs);

/*
 * The INC_COMPAT_* of a device that somebody else has filled and whose first
 * INC_BLOCK_SIZE bytes are @block. An erofs has none: one with compressed files
 * does not read again what readahead did not bring, and its superblock does not
 * always tell whether there are any.
 */
u64 filesystem_compat(const u8 *block);

#endif /* MKIMAGE_FILESYSTEM_H */
