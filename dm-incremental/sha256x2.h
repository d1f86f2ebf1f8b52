/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * SHA-256 of two blocks at a time: by the kernel's library where that can, else by
 * sha256x2.c.
 */
#ifndef DM_INCREMENTAL_SHA256X2_H
#define DM_INCREMENTAL_SHA256X2_H

#include "format.h"

#ifdef __KERNEL__
#ifdef INC_HAVE_SHA256_FINUP_2X
#include <crypto/sha2.h>
#elif defined(CONFIG_X86_64)
#define INC_SHA256X2
#endif
#elif defined(__x86_64__)
#define INC_SHA256X2
#endif

#define INC_SHA256X2_DIGEST	32

#ifdef INC_HAVE_SHA256_FINUP_2X

struct inc_sha256x2 {
	struct sha256_ctx ctx;	/* after the salt */
};

static inline bool dm_inc_sha256x2_init(struct inc_sha256x2 *salted, const u8 *salt,
					u32 size)
{
	sha256_init(&salted->ctx);
	sha256_update(&salted->ctx, salt, size);
	return sha256_finup_2x_is_optimized();
}

static inline bool dm_inc_sha256x2(const struct inc_sha256x2 *salted,
				   const void *const *data, u8 *digests)
{
	sha256_finup_2x(&salted->ctx, data[0], data[1], INC_BLOCK_SIZE, digests,
			digests + INC_SHA256X2_DIGEST);
	return true;
}

#else

/**
 * struct inc_sha256x2 - the state that both blocks start from
 * @state: after all of the salt but @rest; F, E, B, A, H, G, D, C, as the
 *	instructions want them
 * @rest: what of the salt fills no 64 bytes
 * @rest_size: bytes of it
 * @salt_size: bytes of all of the salt
 */
struct inc_sha256x2 {
	u32	state[8];
	u8	rest[64];
	u32	rest_size;
	u32	salt_size;
};

#ifdef INC_SHA256X2
bool dm_inc_sha256x2_init(struct inc_sha256x2 *salted, const u8 *salt, u32 size);
bool dm_inc_sha256x2(const struct inc_sha256x2 *salted, const void *const *data,
		     u8 *digests);
#else
static inline bool dm_inc_sha256x2_init(struct inc_sha256x2 *salted, const u8 *salt,
					u32 size)
{
	return false;
}

static inline bool dm_inc_sha256x2(const struct inc_sha256x2 *salted,
				   const void *const *data,
				   u8 *digests)
{
	return false;
}
#endif

#endif /* INC_HAVE_SHA256_FINUP_2X */

#endif /* DM_INCREMENTAL_SHA256X2_H */
