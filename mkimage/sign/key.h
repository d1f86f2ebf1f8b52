/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading private keys.
 */
#ifndef MKIMAGE_KEY_H
#define MKIMAGE_KEY_H

#include <openssl/evp.h>
#include "sign/signer.h"

/* Load the key that @options names. NULL after an error message. */
EVP_PKEY *key_load(const struct signer_options *options);

#endif /* MKIMAGE_KEY_H */
