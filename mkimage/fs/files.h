/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * List the paths of a filesystem, each with a digest of its attributes and contents:
 * the part that erofs and ext4 share. See files_visit in filesystem.h.
 */
#ifndef MKIMAGE_FILES_H
#define MKIMAGE_FILES_H

#include <openssl/evp.h>
#include "fs/filesystem.h"
#include "libincremental/hash.h"

/* Digests that are asked for at a time. */
#define FILES_DIGESTS	1024u

/**
 * struct files - a listing
 * @hash: of the overlay's image
 * @zeros: digest of a block of zeros
 * @content: bytes of contents and attributes that may still be met
 */
struct files {
	struct overlay *overlay;
	struct inc_hash *hash;
	u8 zeros[INC_SHA256_SIZE];
	EVP_MD_CTX *context;
	u8 digests[FILES_DIGESTS * INC_SHA256_SIZE];
	u64 content;
	void *known;			/* a tree, see files_know() */
	files_visit visit;
	void *visit_context;
};

/*
 * Return: 0, or a negative errno after an error message; in either case
 * files_close() frees @files. So do the others.
 */
int files_open(struct files *files, struct overlay *overlay, files_visit visit,
	       void *context);
void files_close(struct files *files);

/*
 * A path: start its digest, add to it, and finish it; @id has INC_SHA256_SIZE
 * bytes. Then tell it to the visitor.
 */
int files_start(struct files *files);
int files_add(struct files *files, const void *data, size_t length);
int files_finish(struct files *files, u8 *id);
int files_tell(struct files *files, const char *path, const u8 *id);

/*
 * The digest of an inode with several names, which is listed once; NULL if it was
 * not met before. To be remembered: files_know().
 */
const u8 *files_known(struct files *files, u64 inode);
int files_know(struct files *files, u64 inode, const u8 *id);

/*
 * Add @count blocks of contents, the first of which is number @index and in block
 * @block of the device, or one with the digest @digest. Zeros count as holes, for
 * which nothing is added.
 */
int files_add_blocks(struct files *files, u64 index, u64 block, u64 count);
int files_add_block(struct files *files, u64 index, const u8 *digest);

/*
 * Count @bytes more of contents or attributes that inodes may share. It is an
 *	error if they share so much that a small image would take for ever.
 */
int files_meet(struct files *files, u64 bytes);

#endif /* MKIMAGE_FILES_H */
