/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of update or rollback.
 */
#ifndef SETUP_CHANGE_H
#define SETUP_CHANGE_H

#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/update/family.h"
#include "dmsetup-plugin/update/newer.h"

/**
 * struct change - one run of either command
 * @how: @newer reads by it, to the end
 * @like_loaders: @options, with what its loaders were given, if @asked_loaders
 * @node: /dev/incremental/...
 * @loop: the loop device; "" if the image is a block device itself
 * @loop_fd: it is open, so it shows the same file to the end; -1: there is none
 * @file: the image: the only time that its path is looked at
 * @mountpoint: the only one that is to change; allocated; NULL: all
 * @lock: keeps other programs from changing, extending or opening the image
 * @finished: an interrupted change was found and finished
 * @finished_down: it was to an older generation
 * @vouched: a signature, or the command line, vouches for the new root hash
 * @from: generation at the start
 * @appended: bytes that the local image has grown by
 */
struct change {
	const struct options *options;
	struct family family;
	struct newer newer;
	struct origin_options how;
	struct options like_loaders;
	bool asked_loaders;
	char path[4096];
	char node[160];
	char loop[160];
	int loop_fd;
	struct image_file file;
	char *mountpoint;
	struct image_lock lock;
	bool finished;
	bool finished_down;
	bool vouched;
	u64 from;
	u64 appended;
};

/* NAME; or NAME-new, while an interrupted change has left no NAME. */
static inline const struct member *present_member(const struct family *family)
{
	return family->current ? family->current : family->next;
}

#endif /* SETUP_CHANGE_H */
