/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Training a dictionary.
 */
#ifndef MKIMAGE_DICTIONARY_H
#define MKIMAGE_DICTIONARY_H

#include "fs/source.h"

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

#endif /* MKIMAGE_DICTIONARY_H */
