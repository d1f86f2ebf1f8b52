/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The request of "mkimage extend" to a filesystem: remove some paths, then add
 * a directory's contents, and change as few blocks as possible.
 *
 * The result must be the same for each filesystem:
 *
 * - The removed paths and all below them are gone. One that is not there is an
 *   error. Links on the way are not followed.
 * - Everything in @source is there, with its type, mode, owner, time of
 *   modification (to the nanosecond, none later than @epoch), extended
 *   attributes, link target, device number and contents. Names that are hard
 *   links of each other in @source are so in the image, and of nothing else.
 * - Where both have a directory, the two merge; it takes over the attributes of
 *   the one in @source. The root merges too, but keeps its own attributes: a
 *   directory put together to be added should not change them.
 * - Where the types differ, or neither is a directory, the old file goes.
 * - All else stays as it is, other names of a replaced file's inode included.
 * - The same image and plan change the same blocks to the same contents.
 */
#ifndef MKIMAGE_EXTEND_H
#define MKIMAGE_EXTEND_H

#include <stdbool.h>
#include "format.h"
#include "fs/tree.h"

/**
 * struct extend_plan - the changes to be made
 * @source: tree whose contents are added; NULL if nothing is
 * @removed: paths from the root, without slashes at either end and without
 * empty, "." or ".." parts; sorted by strcmp(), each once, none below
 * another
 * @removed_count: number of them
 * @epoch: time of the change in seconds since 1970, 0 or more, which no new
 *	time in the filesystem is later than; 0 if neither @source nor
 *	SOURCE_DATE_EPOCH gives one: then the filesystem's own last one serves
 * @source_bytes: of all files in @source, for progress
 * @source_paths: names in @source, itself included
 * @check: compare the result with @source
 * @threads: that may work at once, at least 1
 * @dir: where temporary files go
 */
struct extend_plan {
	const struct tree *source;
	u64 source_bytes;
	u64 source_paths;
	bool check;
	const char *const *removed;
	size_t removed_count;
	int64_t epoch;
	unsigned int threads;
	const char *dir;
};

#endif /* MKIMAGE_EXTEND_H */
