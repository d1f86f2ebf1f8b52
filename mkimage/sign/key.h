/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading private keys.
 */
#ifndef MKIMAGE_KEY_H
#define MKIMAGE_KEY_H

#include <openssl/evp.h>
#include "libincremental/incremental.h"

#define NO_EPOCH	UINT64_MAX

/**
 * struct signer_options - the command line's options for signing
 * @key: a file, or a URI of an OpenSSL provider or engine; NULL: do not sign
 * @certificate: file in PEM: the signer's, then those between it and a root
 * @passphrase_file: of @key; NULL: none given
 * @passphrase_fd: likewise; -1: none given
 * @epoch: signed with the root digest, by any signer; NO_EPOCH: none given
 */
struct signer_options {
	const char *key;
	const char *certificate;
	const char *passphrase_file;
	int passphrase_fd;
	u64 epoch;
};

/* None given. */
#define SIGNER_NO_OPTIONS	{ .passphrase_fd = -1, .epoch = NO_EPOCH }

/* Load the key that @options names. NULL after an error message. */
EVP_PKEY *key_load(const struct signer_options *options);

#endif /* MKIMAGE_KEY_H */
