/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access control lists of archives, as the extended attributes that the kernel has them in.
 */
#ifndef MKIMAGE_ACL_H
#define MKIMAGE_ACL_H

#include <archive.h>
#include <archive_entry.h>
#include "sources/model.h"

/* Where there is a list, the group's bits of a file's @mode are its mask. */
mode_t acl_mode(struct archive_entry *entry, mode_t mode);

/*
 * Set system.posix_acl_access and system.posix_acl_default. @archive and @path are for
 * messages. Return: 0, or a negative errno after an error message.
 */
int acl_add(struct model *model, struct model_inode *inode,
	    struct archive_entry *entry, const char *archive, const char *path);

#endif /* MKIMAGE_ACL_H */
