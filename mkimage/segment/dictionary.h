/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Training a dictionary.
 */
#ifndef MKIMAGE_DICTIONARY_H
#define MKIMAGE_DICTIONARY_H

#include "fs/source.h"

/* Blocks that the training looks at, at most. */
#define DICTIONARY_SAMPLES	4096u

/**
 * dictionary_train - make a dictionary of what occurs often in a source
 * @source: open; a bounded sample of its blocks is read
 * @bytes: receives up to INC_DICTIONARY_MAX bytes
 * @size: set to how many; 0, after a warning, if the source is too small for
 *	one, or none would help
 *
 * The same source gives the same dictionary.
 *
 * Return: 0, or a negative errno after an error message.
 */
int dictionary_train(const struct source *source, u8 *bytes, u32 *size);

/* Is a block of use as a sample: does it compress, but not to next to nothing? */
bool dictionary_sample(const u8 *block);

/*
 * The same of @count blocks one behind the other, each a sample. Return: the bytes; 0 if
 * these are too few, or none would help.
 */
u32 dictionary_of(const u8 *samples, u32 count, u8 *bytes);

#endif /* MKIMAGE_DICTIONARY_H */
