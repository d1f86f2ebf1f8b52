/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tar, cpio and zip archives hold, by way of libarchive.
 */
#ifndef MKIMAGE_ENTRIES_H
#define MKIMAGE_ENTRIES_H

#include <stdbool.h>
#include "sources/input.h"
#include "sources/model.h"

/**
 * entries_add - add what an archive holds
 * @whiteouts: it is a layer of an OCI image: names that begin with ".wh." remove what
 * older layers have
 *
 * It may be compressed, once. A later entry replaces an earlier one of the same name, as
 * with tar. Names that lead out of the archive are refused.
 *
 * Return: 0, or a negative errno after an error message.
 */
int entries_add(struct model *model, struct input *input, bool whiteouts);

/*
 * Do the @size bytes at @start begin an archive that entries_add() takes, or anything
 * that is compressed as such?
 */
bool entries_recognised(const u8 *start, size_t size);

#endif /* MKIMAGE_ENTRIES_H */
