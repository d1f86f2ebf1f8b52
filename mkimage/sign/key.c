// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Private keys: from files, and through OpenSSL from wherever its providers and
 * engines can get them; see key.h.
 */
/* Engines are on their way out, but Debian 12 has PKCS#11 as one only. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <fcntl.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <unistd.h>
#include "common/message.h"
#include "sign/key.h"

#define PASSPHRASE_MAX	1024

/* As OpenSSL's tools call a key of an engine. */
#define ENGINE_SCHEME	"org.openssl.engine:"
#define PKCS11_SCHEME	"pkcs11:"

/**
 * struct passphrase - one that may be asked for
 * @given: it is in @text
 * @asked: it was asked for
 * @failed: there is none, after an error message
 */
struct passphrase {
	const char *key;
	bool given;
	bool asked;
	bool failed;
	char text[PASSPHRASE_MAX];
};

static const char *why_not(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	return reason ? reason : "no private key in it";
}

/* The first line of @fd. */
static int read_line(int fd, const char *name, struct passphrase *passphrase)
{
	size_t length = 0;
	ssize_t got = 1;
	char *end = NULL;

	while (got > 0 && !end && length < sizeof(passphrase->text) - 1) {
		got = read(fd, passphrase->text + length,
			   sizeof(passphrase->text) - 1 - length);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got > 0) {
			end = memchr(passphrase->text + length, '\n',
				     (size_t)got);
			length += (size_t)got;
		}
	}
	if (got < 0) {
		message_error("%s: the passphrase cannot be read: %s", name,
			      strerror(errno));
		return -EIO;
	}
	if (!end && got) {
		message_error("%s: a passphrase of more than %zu bytes", name,
			      sizeof(passphrase->text) - 1);
		return -EINVAL;
	}
	if (end)
		*end = '\0';
	else
		passphrase->text[length] = '\0';
	passphrase->given = true;
	return 0;
}

static int get_passphrase(const struct signer_options *options,
			  struct passphrase *passphrase)
{
	char name[32];
	int fd, ret;

	if (options->passphrase_fd >= 0) {
		snprintf(name, sizeof(name), "file descriptor %d",
			 options->passphrase_fd);
		return read_line(options->passphrase_fd, name, passphrase);
	}
	if (!options->passphrase_file)
		return 0;
	fd = open(options->passphrase_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		message_error("%s: %s", options->passphrase_file,
			      strerror(-ret));
		return ret;
	}
	ret = read_line(fd, options->passphrase_file, passphrase);
	close(fd);
	return ret;
}

/* A pem_password_cb: the given passphrase, or one typed on the terminal. */
static int tell_passphrase(char *buffer, int size, int writing, void *context)
{
	struct passphrase *passphrase = context;
	size_t length;
	char prompt[256];
	int terminal;

	(void)writing;
	passphrase->asked = true;
	if (!passphrase->given) {
		terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (terminal < 0) {
			if (!passphrase->failed)
				message_error("%s: it needs a passphrase, and there is no terminal to ask on; see --passphrase-file",
					      passphrase->key);
			passphrase->failed = true;
			return -1;
		}
		close(terminal);
		snprintf(prompt, sizeof(prompt), "Passphrase of %.200s: ",
			 passphrase->key);
		if (EVP_read_pw_string(passphrase->text,
				       sizeof(passphrase->text), prompt, 0)) {
			if (!passphrase->failed)
				message_error("%s: no passphrase was given",
					      passphrase->key);
			passphrase->failed = true;
			return -1;
		}
		passphrase->given = true;
	}
	length = strlen(passphrase->text);
	if (length > (size_t)size)
		return -1;
	memcpy(buffer, passphrase->text, length);
	return (int)length;
}

static EVP_PKEY *load_from_store(const char *key, UI_METHOD *method,
				 struct passphrase *passphrase)
{
	OSSL_STORE_CTX *store;
	EVP_PKEY *found = NULL;

	store = OSSL_STORE_open(key, method, passphrase, NULL, NULL);
	if (!store)
		return NULL;
	while (!found && !OSSL_STORE_eof(store) && !passphrase->failed) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (!info && OSSL_STORE_error(store))
			break;
		if (info && OSSL_STORE_INFO_get_type(info) ==
			    OSSL_STORE_INFO_PKEY)
			found = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	return found;
}

#ifndef OPENSSL_NO_ENGINE
/* @name is "ENGINE:KEY"; prints a message if the fault is the engine's. */
static EVP_PKEY *load_from_engine(const char *name, UI_METHOD *method,
				  struct passphrase *passphrase)
{
	size_t length = strcspn(name, ":");
	EVP_PKEY *found = NULL;
	ENGINE *engine;
	char id[64];

	if (!name[length] || length >= sizeof(id))
		return NULL;
	memcpy(id, name, length);
	id[length] = '\0';
	ENGINE_load_builtin_engines();
	engine = ENGINE_by_id(id);
	if (!engine)
		return NULL;
	if (ENGINE_init(engine)) {
		found = ENGINE_load_private_key(engine, name + length + 1,
						method, passphrase);
		ENGINE_finish(engine);
	}
	ENGINE_free(engine);
	return found;
}
#else
static EVP_PKEY *load_from_engine(const char *name, UI_METHOD *method,
				  struct passphrase *passphrase)
{
	(void)name, (void)method, (void)passphrase;
	return NULL;
}
#endif

static EVP_PKEY *load(const char *key, UI_METHOD *method,
		      struct passphrase *passphrase)
{
	EVP_PKEY *found;
	char *name;

	if (!strncmp(key, ENGINE_SCHEME, strlen(ENGINE_SCHEME)))
		return load_from_engine(key + strlen(ENGINE_SCHEME), method,
					passphrase);
	found = load_from_store(key, method, passphrase);
	/* Where no provider knows PKCS#11, the engine of that name may. */
	if (found || passphrase->failed ||
	    strncmp(key, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) ||
	    asprintf(&name, "pkcs11:%s", key) < 0)
		return found;
	found = load_from_engine(name, method, passphrase);
	free(name);
	return found;
}

EVP_PKEY *key_load(const struct signer_options *options)
{
	struct passphrase passphrase = { .key = options->key };
	UI_METHOD *method = UI_UTIL_wrap_read_pem_callback(tell_passphrase, 0);
	EVP_PKEY *key = NULL;

	if (!method) {
		message_error("out of memory");
	} else if (!get_passphrase(options, &passphrase)) {
		ERR_clear_error();
		key = load(options->key, method, &passphrase);
		if (!key && passphrase.asked && !passphrase.failed)
			message_error("%s: the key cannot be read: wrong passphrase? (%s)",
				      options->key, why_not());
		else if (!key && !passphrase.failed)
			message_error("%s: the key cannot be read: %s",
				      options->key, why_not());
		ERR_clear_error();
	}
	OPENSSL_cleanse(&passphrase, sizeof(passphrase));
	UI_destroy_method(method);
	return key;
}
