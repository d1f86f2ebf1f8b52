/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OCI images: a layout, in a directory or an archive, of layers that are put one on top of
 * the other.
 */
#ifndef MKIMAGE_OCI_H
#define MKIMAGE_OCI_H

#include <stdbool.h>
#include "fs/tree.h"
#include "sources/model.h"

/* Does the tree hold a layout of OCI images, by the names in its root? */
bool oci_recognised(const struct tree *layout);

/*
 * Add the files of the layout's image, the one for this machine's architecture if it has
 * several. All that is read is compared with its digest. Return: 0, or a negative errno
 * after an error message.
 */
int oci_add(struct model *model, const struct tree *layout);

#endif /* MKIMAGE_OCI_H */
