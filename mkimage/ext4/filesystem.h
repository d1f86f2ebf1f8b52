/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext4.
 */
#ifndef MKIMAGE_EXT4_FILESYSTEM_H
#define MKIMAGE_EXT4_FILESYSTEM_H

#include "fs/filesystem.h"

/* The functions of struct filesystem, for ext4. */
int ext4_build(const struct tree *tree, const struct walk *walk, int fd,
	       const struct build_options *options);
int ext4_check_file(int fd, struct check *check);
int ext4_extend(struct overlay *overlay, const struct extend_plan *plan);
int ext4_check(struct overlay *overlay, struct check *check);
int ext4_files(struct overlay *overlay, files_visit visit, void *context);
int ext4_places(struct overlay *overlay, files_place place, void *context);
extern const struct reader ext4_reader;

#endif /* MKIMAGE_EXT4_FILESYSTEM_H */
