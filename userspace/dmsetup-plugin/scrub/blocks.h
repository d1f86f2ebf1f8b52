/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blocks of the device that need damaged chunks.
 */
#ifndef SETUP_BLOCKS_H
#define SETUP_BLOCKS_H

#include "dmsetup-plugin/scrub/scan.h"

/* Find the blocks of every damaged range. */
int scrub_blocks(struct scrub *scrub, struct incr_error *error);

#endif /* SETUP_BLOCKS_H */
