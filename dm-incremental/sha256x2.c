// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * SHA-256 of two blocks at a time, by the SHA instructions of x86.
 *
 * Each of these instructions waits for the one before, and the processor can start another
 * in the meantime. So two blocks side by side take little longer than one. Kernels from
 * 7.1 on have a function for that, which is used there in place of this file. It has
 * nothing on other architectures, and refuses where the processor has no such
 * instructions: then the crypto API hashes all blocks.
 *
 * The test in userspace compiles this file, too (tests/unit/test_sha256x2.c).
 */
#ifdef __KERNEL__
#include <linux/fips.h>
#include <linux/kernel.h>
#endif

#include "sha256x2.h"

#ifdef INC_SHA256X2

#ifdef __KERNEL__
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#endif

#define CHUNK	64	/* bytes that one round of the hash takes */

static const u32 constants[64] __aligned(16) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The order of bytes in a message's words, for pshufb. */
static const u8 swap[16] __aligned(16) = {
	3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12
};

/* Of the empty message, in the instructions' order. */
static const u32 initial[8] = {
	0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
	0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
};

/*
 * Hash @count times 64 bytes of both streams.
 *
 * A stream has two registers of state, and four of the message: the words of the step at
 * hand and of the three before. Step Q is rounds 4 * Q to 4 * Q + 3.
 *
 *	stream	state		message		words of a step's upper rounds
 *	a	xmm1, xmm2	xmm3 to 6	xmm14
 *	b	xmm8, xmm9	xmm10 to 13	xmm15
 *
 * sha256rnds2 takes its words from xmm0, which both streams use in turns. xmm7 is for a
 * moment, of either. What the assembler's macros stand for would be too long a string.
 */
static void compress(u32 (*states)[8], const u8 *a, const u8 *b, size_t count)
{
	asm volatile(
		".macro inc_load q, data, m\n\t"
		"movdqu \\q * 16(\\data), %%xmm\\m\n\t"
		"pshufb %[swap], %%xmm\\m\n\t"
		".endm\n\t"

		".macro inc_lower q, s0, s1, m, w\n\t"
		"movdqa \\q * 16(%[constants]), %%xmm0\n\t"
		"paddd %%xmm\\m, %%xmm0\n\t"
		"pshufd $0x0e, %%xmm0, %%xmm\\w\n\t"
		"sha256rnds2 %%xmm0, %%xmm\\s0, %%xmm\\s1\n\t"
		".endm\n\t"

		".macro inc_upper s0, s1, w\n\t"
		"movdqa %%xmm\\w, %%xmm0\n\t"
		"sha256rnds2 %%xmm0, %%xmm\\s1, %%xmm\\s0\n\t"
		".endm\n\t"

		/* The words of the next step, from this one's and those before. */
		".macro inc_extend before, m, next\n\t"
		"movdqa %%xmm\\m, %%xmm7\n\t"
		"palignr $4, %%xmm\\before, %%xmm7\n\t"
		"paddd %%xmm7, %%xmm\\next\n\t"
		"sha256msg2 %%xmm\\m, %%xmm\\next\n\t"
		".endm\n\t"

		/* Steps 0 to 3: their words are the message. */
		".macro inc_read q, ma, mb\n\t"
		"inc_load \\q, %[a], \\ma\n\t"
		"inc_load \\q, %[b], \\mb\n\t"
		".endm\n\t"

		/* This step's words, and those before, begin the step's after next. */
		".macro inc_begin ba, ma, bb, mb\n\t"
		"sha256msg1 %%xmm\\ma, %%xmm\\ba\n\t"
		"sha256msg1 %%xmm\\mb, %%xmm\\bb\n\t"
		".endm\n\t"

		".macro inc_rounds q, ma, mb\n\t"
		"inc_lower \\q, 1, 2, \\ma, 14\n\t"
		"inc_lower \\q, 8, 9, \\mb, 15\n\t"
		"inc_upper 1, 2, 14\n\t"
		"inc_upper 8, 9, 15\n\t"
		".endm\n\t"

		".macro inc_step q, ba, ma, na, bb, mb, nb\n\t"
		"inc_lower \\q, 1, 2, \\ma, 14\n\t"
		"inc_lower \\q, 8, 9, \\mb, 15\n\t"
		"inc_extend \\ba, \\ma, \\na\n\t"
		"inc_extend \\bb, \\mb, \\nb\n\t"
		"inc_upper 1, 2, 14\n\t"
		"inc_upper 8, 9, 15\n\t"
		".endm\n\t"

		/* The states before are added, and are those before of the next. */
		".macro inc_sum at, s\n\t"
		"movdqu \\at(%[states]), %%xmm7\n\t"
		"paddd %%xmm7, %%xmm\\s\n\t"
		"movdqu %%xmm\\s, \\at(%[states])\n\t"
		".endm\n\t"

		"movdqu (%[states]), %%xmm1\n\t"
		"movdqu 16(%[states]), %%xmm2\n\t"
		"movdqu 32(%[states]), %%xmm8\n\t"
		"movdqu 48(%[states]), %%xmm9\n\t"
		"1:\n\t"
		"inc_read 0, 3, 10\n\t"
		"inc_rounds 0, 3, 10\n\t"
		"inc_read 1, 4, 11\n\t"
		"inc_rounds 1, 4, 11\n\t"
		"inc_begin 3, 4, 10, 11\n\t"
		"inc_read 2, 5, 12\n\t"
		"inc_rounds 2, 5, 12\n\t"
		"inc_begin 4, 5, 11, 12\n\t"
		"inc_read 3, 6, 13\n\t"
		"inc_step 3, 5, 6, 3, 12, 13, 10\n\t"
		"inc_begin 5, 6, 12, 13\n\t"
		"inc_step 4, 6, 3, 4, 13, 10, 11\n\t"
		"inc_begin 6, 3, 13, 10\n\t"
		"inc_step 5, 3, 4, 5, 10, 11, 12\n\t"
		"inc_begin 3, 4, 10, 11\n\t"
		"inc_step 6, 4, 5, 6, 11, 12, 13\n\t"
		"inc_begin 4, 5, 11, 12\n\t"
		"inc_step 7, 5, 6, 3, 12, 13, 10\n\t"
		"inc_begin 5, 6, 12, 13\n\t"
		"inc_step 8, 6, 3, 4, 13, 10, 11\n\t"
		"inc_begin 6, 3, 13, 10\n\t"
		"inc_step 9, 3, 4, 5, 10, 11, 12\n\t"
		"inc_begin 3, 4, 10, 11\n\t"
		"inc_step 10, 4, 5, 6, 11, 12, 13\n\t"
		"inc_begin 4, 5, 11, 12\n\t"
		"inc_step 11, 5, 6, 3, 12, 13, 10\n\t"
		"inc_begin 5, 6, 12, 13\n\t"
		"inc_step 12, 6, 3, 4, 13, 10, 11\n\t"
		"inc_begin 6, 3, 13, 10\n\t"
		"inc_step 13, 3, 4, 5, 10, 11, 12\n\t"
		"inc_step 14, 4, 5, 6, 11, 12, 13\n\t"
		"inc_rounds 15, 6, 13\n\t"
		"inc_sum 0, 1\n\t"
		"inc_sum 16, 2\n\t"
		"inc_sum 32, 8\n\t"
		"inc_sum 48, 9\n\t"
		"add $64, %[a]\n\t"
		"add $64, %[b]\n\t"
		"dec %[count]\n\t"
		"jnz 1b\n\t"
		".purgem inc_load\n\t"
		".purgem inc_lower\n\t"
		".purgem inc_upper\n\t"
		".purgem inc_extend\n\t"
		".purgem inc_read\n\t"
		".purgem inc_begin\n\t"
		".purgem inc_rounds\n\t"
		".purgem inc_step\n\t"
		".purgem inc_sum\n\t"
		: [a] "+r" (a), [b] "+r" (b), [count] "+r" (count)
		: [states] "r" (states), [constants] "r" (constants),
		  [swap] "m" (swap)
		: "memory", "cc"
#ifdef __SSE2__
		/* The kernel's compiler knows none: kernel_fpu_begin() saves them. */
		, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
		"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#endif
		);
}

/* The processor has the instructions, and the kernel may use them now. */
static bool begin(void)
{
#ifdef __KERNEL__
	if (!irq_fpu_usable())
		return false;
	kernel_fpu_begin();
#endif
	return true;
}

static void end(void)
{
#ifdef __KERNEL__
	kernel_fpu_end();
#endif
}

static bool has_instructions(void)
{
#ifdef __KERNEL__
	/* What FIPS 140 validates is the crypto API. */
	return boot_cpu_has(X86_FEATURE_SHA_NI) && boot_cpu_has(X86_FEATURE_SSSE3) &&
	       !fips_enabled;
#else
	return inc_sha256x2_supported();
#endif
}

/**
 * dm_inc_sha256x2_init - prepare the state that blocks start from
 * @salted: filled in
 * @salt: hashed before each block
 * @size: bytes of it; may be 0
 *
 * Context: process. Return: false if this machine cannot, or must not; then
 * dm_inc_sha256x2() must not be called.
 */
bool dm_inc_sha256x2_init(struct inc_sha256x2 *salted, const u8 *salt, u32 size)
{
	u32 states[2][8];
	u32 whole = size / CHUNK;

	if (!has_instructions() || !begin())
		return false;
	memcpy(states[0], initial, sizeof(initial));
	memcpy(states[1], initial, sizeof(initial));
	if (whole)
		compress(states, salt, salt, whole);
	end();
	memcpy(salted->state, states[0], sizeof(salted->state));
	salted->salt_size = size;
	salted->rest_size = size % CHUNK;
	if (salted->rest_size)
		memcpy(salted->rest, salt + size - salted->rest_size,
		       salted->rest_size);
	return true;
}

static void put_be32(u8 *to, u32 value)
{
	to[0] = (u8)(value >> 24);
	to[1] = (u8)(value >> 16);
	to[2] = (u8)(value >> 8);
	to[3] = (u8)value;
}

/* A message's end: @bytes of it, and the padding. Return: how often 64 bytes. */
static u32 pad(u8 *end_of, const u8 *data, u32 bytes, u32 total)
{
	u32 count = bytes + 9 > CHUNK ? 2 : 1;

	memcpy(end_of, data, bytes);
	memset(end_of + bytes, 0, count * CHUNK - bytes);
	end_of[bytes] = 0x80;
	put_be32(end_of + count * CHUNK - 4, total * 8);
	return count;
}

static void put_digest(u8 *digest, const u32 *state)
{
	/* Where in the state each word of the digest is. */
	static const u8 places[8] = { 3, 2, 7, 6, 1, 0, 5, 4 };
	u32 i;

	for (i = 0; i < 8; i++)
		put_be32(digest + 4 * i, state[places[i]]);
}

/**
 * dm_inc_sha256x2 - digests of the salt and each of two blocks
 * @salted: from dm_inc_sha256x2_init()
 * @data: two times INC_BLOCK_SIZE bytes
 * @digests: receives two digests, one behind the other
 *
 * Context: any. Preemption is off for as long as two blocks take. Return: false, with
 * nothing done, where the kernel must not use the registers now.
 */
bool dm_inc_sha256x2(const struct inc_sha256x2 *salted, const void *const *data,
		     u8 *digests)
{
	u32 rest = salted->rest_size, skip = rest ? CHUNK - rest : 0;
	u32 whole = (INC_BLOCK_SIZE - skip) / CHUNK;
	u32 left = INC_BLOCK_SIZE - skip - whole * CHUNK;
	u32 total = salted->salt_size + INC_BLOCK_SIZE;
	u8 edge[2][2 * CHUNK];
	u32 states[2][8];
	u32 i, count;

	if (!begin())
		return false;
	for (i = 0; i < 2; i++) {
		memcpy(states[i], salted->state, sizeof(salted->state));
		memcpy(edge[i], salted->rest, rest);
		memcpy(edge[i] + rest, data[i], skip);
	}
	if (rest)
		compress(states, edge[0], edge[1], 1);
	compress(states, (const u8 *)data[0] + skip, (const u8 *)data[1] + skip, whole);
	for (i = 0; i < 2; i++)
		count = pad(edge[i], (const u8 *)data[i] + skip + whole * CHUNK,
			    left, total);
	compress(states, edge[0], edge[1], count);
	end();
	for (i = 0; i < 2; i++)
		put_digest(digests + i * INC_SHA256X2_DIGEST, states[i]);
	return true;
}

#endif /* INC_SHA256X2 */
