/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree in memory as the source of a filesystem.
 */
#ifndef MKIMAGE_MODEL_TREE_H
#define MKIMAGE_MODEL_TREE_H

#include "sources/model.h"

/*
 * Nothing is added to @model any more: *tree is set to its tree, whose close() frees
 * @model. Return: 0, or a negative errno after an error message.
 */
int model_finish(struct model *model, struct tree **tree);

#endif /* MKIMAGE_MODEL_TREE_H */
