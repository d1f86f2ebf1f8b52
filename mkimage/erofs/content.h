/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the contents of an erofs's inodes: plain, inline, in chunks or
 * compressed. Functions return as those of image.h.
 */
#ifndef MKIMAGE_EROFS_CONTENT_H
#define MKIMAGE_EROFS_CONTENT_H

#include "erofs/image.h"

/* Read contents: @offset + @length is at most @inode->size. */
int erofs_content_read(struct erofs_image *image,
		       const struct erofs_inode *inode, u64 offset, void *data,
		       size_t length);

/**
 * erofs_content_blocks - find out where contents are that are not compressed
 * @index: a block of the contents that is not inline
 * @block: set to the block of the device where it is; EROFS_NO_BLOCK: it is
 *	zeros and nowhere
 * @count: set to the number of blocks that follow each other there, this one
 *	included
 */
int erofs_content_blocks(struct erofs_image *image,
			 const struct erofs_inode *inode, u64 index,
			 u32 *block, u64 *count);

#endif /* MKIMAGE_EROFS_CONTENT_H */
