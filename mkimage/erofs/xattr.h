/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes, in an erofs and in a tree of files.
 */
#ifndef MKIMAGE_EROFS_XATTR_H
#define MKIMAGE_EROFS_XATTR_H

#include "erofs/image.h"
#include "fs/tree.h"

/*
 * The most bytes of attributes that an inode's header can tell:
 * struct erofs_disk_xattrs and 65534 times 4 bytes.
 */
#define EROFS_XATTRS_MAX	(sizeof(struct erofs_disk_xattrs) + 65534u * 4)

/**
 * struct erofs_xattrs - a file's attributes in a canonical form
 * @data: struct erofs_disk_xattr with name and value, one after another, each
 * padded with zeros to 4 bytes; sorted by prefix and name; on the heap
 * @size: bytes; 0 if there are none
 *
 * Two files have the same attributes if these bytes are the same.
 */
struct erofs_xattrs {
	u8 *data;
	size_t size;
};

/* Return: 0, or a negative errno after an error message; then nothing is set. */
int erofs_xattrs_read(struct erofs_image *image,
		      const struct erofs_inode *inode,
		      struct erofs_xattrs *xattrs);
/* With their names as the kernel has them. Return: 0, or what @visit returned. */
int erofs_xattrs_visit(const struct erofs_xattrs *xattrs, xattr_visit visit,
		       void *context);
/* Their digest, as fs/xattr-sum.h has it. Return: 0 or -ENOMEM, the same. */
int erofs_xattrs_sum(const struct erofs_xattrs *xattrs, u8 *sum);
/* Of the file, directory or link at @path of @tree. */
int erofs_xattrs_of_file(const struct tree *tree, const char *path,
			 struct erofs_xattrs *xattrs);
void erofs_xattrs_free(struct erofs_xattrs *xattrs);

#endif /* MKIMAGE_EROFS_XATTR_H */
