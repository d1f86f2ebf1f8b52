// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's SHA-256 of two blocks at a time, beside OpenSSL's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include "libincremental/hash.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

/* SHA-NI, and SSSE3 for pshufb and palignr. */
static bool inc_sha256x2_supported(void)
{
#ifdef __x86_64__
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & 1u << 29 &&
	       __get_cpuid(1, &a, &b, &c, &d) && c & 1u << 9;
#else
	return false;
#endif
}

#define asm		__asm__
#define __aligned(n)	__attribute__((aligned(n)))
#include "../../dm-incremental/sha256x2.c"

static void fill(u8 *data, size_t size)
{
	static u64 state = 88172645463325252;

	while (size--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		*data++ = (u8)(state >> 32);
	}
}

static void check(const u8 *salt, u32 salt_size, const u8 *a, const u8 *b)
{
	struct inc_hash *hash = incr_hash_new("sha256", salt, salt_size);
	const void *const data[2] = { a, b };
	u8 digests[2][INC_SHA256X2_DIGEST], wanted[INC_SHA256_SIZE];
	struct inc_sha256x2 salted;
	int i;

	assert_non_null(hash);
	assert_true(dm_inc_sha256x2_init(&salted, salt, salt_size));
	assert_true(dm_inc_sha256x2(&salted, data, digests[0]));
	for (i = 0; i < 2; i++) {
		incr_hash_digest(hash, data[i], INC_BLOCK_SIZE, wanted);
		assert_memory_equal(digests[i], wanted, sizeof(wanted));
	}
	incr_hash_free(hash);
}

/* Salts of all sizes, and blocks at all alignments. */
static void as_openssl(void **state)
{
	static u8 salt[INC_SALT_MAX], blocks[2 * INC_BLOCK_SIZE + 64];
	u32 size, i;

	(void)state;
	if (!inc_sha256x2_supported()) {
		print_message("# this processor has no SHA instructions\n");
		skip();
	}
	for (size = 0; size <= sizeof(salt); size++) {
		fill(salt, size);
		fill(blocks, sizeof(blocks));
		check(salt, size, blocks + size % 61,
		      blocks + INC_BLOCK_SIZE + size % 53);
	}
	for (i = 0; i < 1000; i++) {
		fill(blocks, sizeof(blocks));
		check(salt, 32, blocks, blocks + INC_BLOCK_SIZE);
	}
	memset(blocks, 0, sizeof(blocks));
	check(salt, 32, blocks, blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
