/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual device of one generation, with changes on top. Nothing is written
 * to the image: writes go to a temporary file without a name, and the changed
 * blocks are noted. A layer is made of these.
 *
 * One thread at a time. Memory does not grow with the device but with the
 * changes: 4 KiB for each 128 MiB of the device with a change in it.
 */
#ifndef MKIMAGE_OVERLAY_H
#define MKIMAGE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include "libincremental/incremental.h"

struct overlay;

/**
 * overlay_open - start with a generation as it is
 * @overlay: set on success; freed by overlay_close()
 * @image: open at that generation; kept, closed after the overlay
 * @name: the image's, for messages; not copied
 * @dir: where the temporary file goes
 *
 * Return: 0, or a negative errno after an error message; so do the functions
 * below that return an int.
 */
int overlay_open(struct overlay **overlay, struct incr_image *image,
		 const char *name, const char *dir);

/*
 * The same with a raw filesystem image of @blocks, the file @fd, below, which stays the
 * caller's. It can be read and nothing else. Return: as above.
 */
int overlay_open_raw(struct overlay **overlay, int fd, u64 blocks,
		     const char *name, const char *dir);
void overlay_close(struct overlay *overlay);

/* The image below, if it is one; its name. */
struct incr_image *overlay_image(const struct overlay *overlay);
const char *overlay_name(const struct overlay *overlay);

/* Size of the device now, in blocks. */
u64 overlay_blocks(const struct overlay *overlay);

/*
 * Give the device another size, 1 to INC_BLOCKS_MAX blocks. Added blocks are
 * zeros; blocks cut off are gone, even if the device grows again.
 */
int overlay_resize(struct overlay *overlay, u64 blocks);

/*
 * Read or write any bytes inside the device. Each block that is read from the
 * image is verified. A block written as the image has it does not count as
 * changed.
 */
int overlay_read(struct overlay *overlay, u64 offset, size_t length,
		 void *buffer);
int overlay_write(struct overlay *overlay, u64 offset, size_t length,
		  const void *buffer);

/* Does the whole block hold @data? Of the image only the hash tree is read. */
int overlay_same(struct overlay *overlay, u64 block, const void *data,
		 bool *same);

/*
 * The next blocks that changed: *first to *end - 1, all at or above @block. An
 * added block counts as changed if it is not zeros; blocks cut off are not
 * reported. Return: false if there are none.
 */
bool overlay_next(const struct overlay *overlay, u64 block, u64 *first,
		  u64 *end);

/*
 * Note that @count blocks of the image from @block on were the contents of what is
 * changed or removed, so that new contents may resemble them; and as overlay_next(),
 * the next blocks noted so.
 */
int overlay_note_old(struct overlay *overlay, u64 block, u64 count);
bool overlay_next_old(const struct overlay *overlay, u64 block, u64 *first,
		      u64 *end);

/* The filesystem compresses contents of files; has that been noted? */
void overlay_note_compressed(struct overlay *overlay);
bool overlay_compressed(const struct overlay *overlay);

#endif /* MKIMAGE_OVERLAY_H */
