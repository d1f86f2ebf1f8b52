// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the parser of signatures, which runs before any of them is trusted.
 */
#include "fuzz/fuzz.h"

/* The text that the corpus' signatures are of. */
static const char text[] =
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] =
	"1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#define MUST_END(field)	MUST(memchr(field, 0, sizeof(field)))

static void check_signer(const struct incr_signer *signer)
{
	MUST_END(signer->algorithm);
	MUST_END(signer->digest);
	MUST_END(signer->issuer);
	MUST_END(signer->serial);
	MUST_END(signer->subject);
	MUST_END(signer->fingerprint);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct incr_signer signer;
	struct incr_error error;
	int ret;

	ret = incr_signature_describe(data, size, &signer, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		check_signer(&signer);
	ret = incr_signature_match(data, size, text, NULL, &signer, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		check_signer(&signer);
	/* One that matches both is of neither. */
	if (!ret)
		MUST(incr_signature_match(data, size, other, NULL, &signer,
					  &error));
	return 0;
}
