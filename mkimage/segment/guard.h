/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of a segment's metadata: a hash tree over the guarded pages,
 * written along with them.
 */
#ifndef MKIMAGE_GUARD_H
#define MKIMAGE_GUARD_H

#include "libincremental/hash.h"

struct guard_level {
	u64 pages;			/* written */
	u32 fill;			/* bytes of @page in use */
	u8 page[INC_PAGE_SIZE];
};

/**
 * struct guard - a guard being written
 * @fd: the image, @name in messages
 * @offset: where the guard starts in the image
 * @root: its root digest, after guard_finish()
 */
struct guard {
	const struct inc_hash *hash;
	int fd;
	const char *name;
	u64 offset;
	struct inc_tree tree;
	struct guard_level level[INC_LEVELS_MAX];
	u8 root[INC_SHA256_SIZE];
};

/* Add the next guarded page. Return: 0, or a negative errno after a message. */
int guard_add(struct guard *guard, const void *page);

/* All pages that @tree counts were added. Return: as guard_add(). */
int guard_finish(struct guard *guard);

#endif /* MKIMAGE_GUARD_H */
