/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Salted digests, as dm-verity's hash type 1: digest(salt || data).
 * libincremental and mkimage share it.
 */
#ifndef INCREMENTAL_HASH_H
#define INCREMENTAL_HASH_H

#include <stddef.h>
#include "format.h"

#define INC_SHA256_SIZE		32

struct inc_hash;

/**
 * incr_hash_new - prepare a salted hash
 * @name: as the kernel's crypto API names it; only "sha256" is known
 * @salt: copied; may be NULL if @salt_size is 0
 *
 * Return: freed by incr_hash_free(); NULL with errno ENOTSUP for an unknown
 * name, ENOMEM otherwise.
 */
struct inc_hash *incr_hash_new(const char *name, const void *salt,
			       size_t salt_size);
void incr_hash_free(struct inc_hash *hash);

/**
 * incr_hash_digest - digest of the salt and @length bytes at @data
 * @digest: receives INC_SHA256_SIZE bytes
 *
 * Any number of threads may use one @hash at a time. Does not fail: libcrypto
 * can only be out of memory here, and then the process ends.
 */
void incr_hash_digest(const struct inc_hash *hash, const void *data,
		      size_t length, u8 *digest);

/*
 * Digest of a head: SHA-256 of @size bytes with the superblock's head_digest
 * taken as zeros.
 */
void incr_head_digest(const void *head, size_t size, u8 *digest);

#endif /* INCREMENTAL_HASH_H */
