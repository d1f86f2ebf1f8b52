/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What readers will want next, as far as what they want now tells it: hints of the
 * loader's own, beside the kernel's.
 *
 * Each absent page of metadata is a round trip before the data can be asked for, and the
 * pages are few: for 2 MiB of the device a page of the map and four of the tree.
 */
#ifndef LOADER_FORESEE_H
#define LOADER_FORESEE_H

#include "loader/loader.h"

/*
 * The image has been opened, or has become longer: the metadata that any read needs.
 * The main thread's, as it looks at loader->loaded.
 */
void foresee_opening(struct loader *loader);

/* A reader waits for this, and has not before; or it is a hint. Likewise. */
void foresee(struct loader *loader, const struct dm_incremental_request *request);

#endif /* LOADER_FORESEE_H */
