/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runs of bytes that a compressed file is divided into; see layout.h.
 */
#ifndef MKIMAGE_EROFS_RUNS_H
#define MKIMAGE_EROFS_RUNS_H

#include "erofs/image.h"

/* LZ4 makes no more of a byte. */
#define EROFS_EXPANDS_MAX	255u

/**
 * struct erofs_run - a part of a compressed file
 * @start: first byte of the file
 * @length: bytes, at least 1
 * @block: first block of its physical cluster
 * @blocks: of that, all on the device
 * @plain: they are its bytes
 */
struct erofs_run {
	u64 start;
	u64 length;
	u32 block;
	u32 blocks;
	bool plain;
};

/*
 * Find the run that byte @offset of @inode, which is less than its size, is in.
 * Return: as in image.h.
 */
int erofs_run_find(struct erofs_image *image, const struct erofs_inode *inode,
		   u64 offset, struct erofs_run *run);

/* Read @length bytes of a run from its byte @skip on. Return: as in image.h. */
int erofs_run_read(struct erofs_image *image, const struct erofs_inode *inode,
		   const struct erofs_run *run, u64 skip, void *data,
		   size_t length);

#endif /* MKIMAGE_EROFS_RUNS_H */
