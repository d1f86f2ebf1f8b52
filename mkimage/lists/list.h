/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a start-up list: the ranges of the image file that some blocks take, and
 * all that is needed to verify these ranges.
 */
#ifndef MKIMAGE_LISTS_LIST_H
#define MKIMAGE_LISTS_LIST_H

#include "libincremental/startup.h"
#include "lists/touches.h"

/* Bytes between two ranges that are cheaper fetched than another request. */
#define LIST_GAP	(16u << 10)

/**
 * list_make - make a list
 * @list: set on success; freed by incr_startup_free()
 * @fd, @name: the image file, all of which is there
 * @metadata: set to how many bytes of the list are not data
 *
 * First come the heads, then all other metadata in file order, then the data in
 * the order of their first touch. Ranges that are less than LIST_GAP apart are
 * joined; with too many of them, those that are further apart.
 *
 * Return: 0, or an errno below 0 after an error message.
 */
int list_make(struct incr_startup *list, int fd, const char *name,
	      u32 generation, const struct touches *touches, u64 *metadata);

/*
 * Is each block that is touched readable from an image file with just the ranges
 * of @list? Return: 0, or an errno below 0 after an error message.
 */
int list_check(const struct incr_startup *list, int fd, const char *name,
	       const struct touches *touches);

#endif /* MKIMAGE_LISTS_LIST_H */
