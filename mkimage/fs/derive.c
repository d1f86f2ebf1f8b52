// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Deriving salts and UUIDs; see derive.h.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include "fs/derive.h"

void derive_digest(const u8 *id, const char *purpose, u8 *out, size_t size)
{
	u8 text[INC_SHA256_SIZE + 16], digest[INC_SHA256_SIZE];
	size_t length = strnlen(purpose, 16);

	memcpy(text, id, INC_SHA256_SIZE);
	memcpy(text + INC_SHA256_SIZE, purpose, length);
	if (!EVP_Digest(text, INC_SHA256_SIZE + length, digest, NULL,
			EVP_sha256(), NULL))
		abort();
	memcpy(out, digest, size);
}

void derive_uuid(const u8 *id, const char *purpose, u8 *uuid)
{
	derive_digest(id, purpose, uuid, 16);
	/* RFC 9562, version 8: made by a rule of one's own. */
	uuid[6] = (u8)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (u8)((uuid[8] & 0x3f) | 0x80);
}
