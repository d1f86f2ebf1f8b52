/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listing the paths of a filesystem, each with a digest of what is there: what
 * erofs and ext4 share of it. See files_visit in extend.h.
 */
#ifndef MKIMAGE_FILES_H
#define MKIMAGE_FILES_H

#include <openssl/evp.h>
#include "extend.h"
#include "hash.h"

/**
 * struct files - a listing
 * @hash: of the overlay's image
 * @zeros: digest of a block of zeros
 */
struct files {
	struct overlay *overlay;
	struct inc_hash *hash;
	u8 zeros[INC_SHA256_SIZE];
	EVP_MD_CTX *context;
	files_visit visit;
	void *visit_context;
};

/*
 * Return: 0, or an errno below 0 after an error message; in either case
 * files_close() frees @files. So do the others.
 */
int files_open(struct files *files, struct overlay *overlay, files_visit visit,
	       void *context);
void files_close(struct files *files);

/* A path: start its digest, add to it, and tell it to the visitor. */
int files_start(struct files *files);
int files_add(struct files *files, const void *data, size_t length);
int files_tell(struct files *files, const char *path);

/* The digests of @count blocks of the device. */
int files_digests(const struct files *files, u64 block, u64 count, u8 *digests);

#endif /* MKIMAGE_FILES_H */
