/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of which a trace's blocks are.
 */
#ifndef MKIMAGE_LISTS_FILES_H
#define MKIMAGE_LISTS_FILES_H

#include "lists/places.h"
#include "lists/touches.h"

/*
 * Name the files in a trace that was recorded with the generation of @places: each
 * read becomes one for each file that it has blocks of. Of a block that many inodes
 * are in, those are named whose contents are read, too; or else the first. Return:
 * 0, or an errno below 0 after an error message.
 */
int trace_name_files(struct incr_trace *trace, const struct places *places);

/**
 * touches_add_files - add the blocks that a trace's files have elsewhere
 * @trace: names files
 * @path: of the trace, for messages
 * @places: of the generation that is touched, of the image @name
 *
 * With each file come its inode and those of the directories that lead to it, and
 * what is read to mount the filesystem. Files that are not there are passed over.
 * Return: as above; it is an error if the trace names no file, or none that is
 * there.
 */
int touches_add_files(struct touches *touches, const struct incr_trace *trace,
		      const char *path, const struct places *places,
		      const char *name);

#endif /* MKIMAGE_LISTS_FILES_H */
