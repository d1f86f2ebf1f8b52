/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile images: edits to good ones, by a script of a few bytes.
 *
 * Fuzzers mutate such scripts, and tests/kernel/tools/attack.c draws them at random.
 * An edit knows the parts of an image, so it hits fields, runs and entries rather
 * than just bytes. Afterwards the digests that a reader compares first (the head's,
 * the guard's, those along the tree) are made right again, so that it sees the rest.
 * Every sequence of bytes is a script.
 */
#ifndef FUZZ_EDIT_H
#define FUZZ_EDIT_H

#include "format.h"

#define EDIT_SEGMENTS	4

/* The first byte of a script. */
#define EDIT_GENERATION	0x03	/* the one to open; 3: the newest */
#define EDIT_OLD_HEAD	0x0c	/* both set: heads keep their old digest */
#define EDIT_OLD_GUARD	0x30	/* both set: guards stay as they are */
#define EDIT_RESEAL	0x40	/* hash trees are made right, too */
#define EDIT_FOLLOW	0x80	/* trust the root and the salt that the image
				 * names, not those that it had
				 */

/**
 * struct edit_image - an image in memory
 * @bytes: @room bytes; zeros from @stored on
 * @stored: bytes that may be other than zero
 * @size: of the image's file; may be more than @room
 * @seg: its segments as they were before any edit
 * @segments: their number
 * @flags: the script's first byte
 */
struct edit_image {
	u8 *bytes;
	size_t room;
	size_t stored;
	u64 size;
	struct inc_segment seg[EDIT_SEGMENTS];
	u32 segments;
	u8 flags;
};

/*
 * Find the segments of a good image of @size bytes; all of it belongs to one.
 * Return: their number, or -EINVAL if the image is not good or has too many;
 * *@why is the reason.
 */
int edit_segments(const void *bytes, size_t size,
		  struct inc_segment seg[EDIT_SEGMENTS], const char **why);

/*
 * Take a good image, @size bytes. @image->bytes and @room are
 * set, the bytes zero or left by an earlier image; @room is four times @size
 * or more. Return: 0, or -EINVAL if the image is not good.
 */
int edit_load(struct edit_image *image, const void *bytes, size_t size);

/* Edit it. May be called once after each edit_load(). */
void edit_apply(struct edit_image *image, const u8 *script, size_t length);

/* The generation that the script wants opened, or UINT32_MAX. */
u32 edit_generation(const struct edit_image *image);

/* Read bytes of the file: zeros past @stored. */
void edit_read(const struct edit_image *image, u64 offset, size_t length,
	       void *buffer);

#endif /* FUZZ_EDIT_H */
