/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layer of a start-up list.
 */
#ifndef MKIMAGE_EXTEND_COMMAND_H
#define MKIMAGE_EXTEND_COMMAND_H

#include <stdbool.h>
#include "libincremental/startup.h"
#include "sign/key.h"

/*
 * As "mkimage extend --startup": put @list in a layer that changes nothing else, which is
 * written to @layer_path, or appended to the image if that is NULL. Return: an exit code.
 */
int extend_by_list(const struct incr_startup *list, const char *image_path,
		   const char *layer_path, bool force,
		   const struct signer_options *signer_options);

#endif /* MKIMAGE_EXTEND_COMMAND_H */
