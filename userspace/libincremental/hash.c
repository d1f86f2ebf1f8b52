// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SHA-256 through libcrypto. The salted state is prepared once; each digest
 * copies it into a context that its thread keeps.
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "libincremental/hash.h"

struct inc_hash {
	EVP_MD_CTX *salted;
};

static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void fatal(void)
{
	fputs("libcrypto failed to compute a digest (out of memory?)\n",
	      stderr);
	abort();
}

static void context_free(void *context)
{
	EVP_MD_CTX_free(context);
}

static void context_key_make(void)
{
	if (pthread_key_create(&context_key, context_free))
		fatal();
}

static EVP_MD_CTX *thread_context(void)
{
	EVP_MD_CTX *context;

	pthread_once(&context_once, context_key_make);
	context = pthread_getspecific(context_key);
	if (!context) {
		context = EVP_MD_CTX_new();
		if (!context || pthread_setspecific(context_key, context))
			fatal();
	}
	return context;
}

struct inc_hash *incr_hash_new(const char *name, const void *salt,
			       size_t salt_size)
{
	struct inc_hash *hash;

	if (strcmp(name, "sha256")) {
		errno = ENOTSUP;
		return NULL;
	}
	hash = calloc(1, sizeof(*hash));
	if (!hash)
		return NULL;
	hash->salted = EVP_MD_CTX_new();
	if (!hash->salted ||
	    !EVP_DigestInit_ex(hash->salted, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(hash->salted, salt, salt_size)) {
		incr_hash_free(hash);
		errno = ENOMEM;
		return NULL;
	}
	return hash;
}

void incr_hash_free(struct inc_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->salted);
	free(hash);
}

void incr_hash_digest(const struct inc_hash *hash, const void *data,
		      size_t length, u8 *digest)
{
	EVP_MD_CTX *context = thread_context();

	if (!EVP_MD_CTX_copy_ex(context, hash->salted) ||
	    !EVP_DigestUpdate(context, data, length) ||
	    !EVP_DigestFinal_ex(context, digest, NULL))
		fatal();
}

void incr_head_digest(const void *head, size_t size, u8 *digest)
{
	static const u8 zero[sizeof(((struct inc_super *)0)->head_digest)];
	const size_t start = offsetof(struct inc_super, head_digest);
	const size_t end = start + sizeof(zero);
	const u8 *bytes = head;
	EVP_MD_CTX *context = thread_context();

	if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(context, bytes, start) ||
	    !EVP_DigestUpdate(context, zero, sizeof(zero)) ||
	    !EVP_DigestUpdate(context, bytes + end, size - end) ||
	    !EVP_DigestFinal_ex(context, digest, NULL))
		fatal();
}
