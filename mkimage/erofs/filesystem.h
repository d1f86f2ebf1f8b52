/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * erofs.
 */
#ifndef MKIMAGE_EROFS_FILESYSTEM_H
#define MKIMAGE_EROFS_FILESYSTEM_H

#include "fs/filesystem.h"

/* The functions of struct filesystem, for erofs. */
int erofs_build(const struct tree *tree, const struct walk *walk, int fd,
		const struct build_options *options);
int erofs_check_file(int fd, struct check *check);
int erofs_extend(struct overlay *overlay, const struct extend_plan *plan);
int erofs_check(struct overlay *overlay, struct check *check);
int erofs_files(struct overlay *overlay, files_visit visit, void *context);
int erofs_places(struct overlay *overlay, files_place place, void *context);
extern const struct reader erofs_reader;

#endif /* MKIMAGE_EROFS_FILESYSTEM_H */
