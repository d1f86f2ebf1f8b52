/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which filesystem a device holds, and what can be done with it.
 */
#ifndef MKIMAGE_FILESYSTEM_H
#define MKIMAGE_FILESYSTEM_H

#include "extend.h"

struct filesystem {
	const char *name;
	u32 offset;			/* of its magic number */
	u32 size;
	u32 magic;
	int (*extend)(struct overlay *overlay, const struct extend_plan *plan);
	int (*files)(struct overlay *overlay, files_visit visit,
		     void *context);
};

/*
 * Set *fs by the magic number on @overlay. Return: 0, or an errno below 0 after
 * an error message, which ends with @advice if it is neither.
 */
int filesystem_find(struct overlay *overlay, const char *advice,
		    const struct filesystem **fs);

#endif /* MKIMAGE_FILESYSTEM_H */
