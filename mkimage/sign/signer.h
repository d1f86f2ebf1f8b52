/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signer: a private key and its certificate.
 */
#ifndef MKIMAGE_SIGNER_H
#define MKIMAGE_SIGNER_H

#include "libincremental/incremental.h"
#include "output.h"
#include "segment/segment.h"
#include "sign/key.h"

/* getopt's values and struct option entries of these options */
enum {
	SIGNER_KEY = 1000, SIGNER_CERTIFICATE, SIGNER_PASSPHRASE_FILE,
	SIGNER_PASSPHRASE_FD, SIGNER_EPOCH,
};

#define SIGNER_OPTIONS \
	{ "key", required_argument, NULL, SIGNER_KEY }, \
	{ "certificate", required_argument, NULL, SIGNER_CERTIFICATE }, \
	{ "passphrase-file", required_argument, NULL, \
	  SIGNER_PASSPHRASE_FILE }, \
	{ "passphrase-fd", required_argument, NULL, SIGNER_PASSPHRASE_FD }, \
	{ "epoch", required_argument, NULL, SIGNER_EPOCH }

/* Lines of --help. */
#define SIGNER_HELP \
"  --key KEY               private key: a file, or a URI like pkcs11:... of an\n" \
"                          OpenSSL provider or engine; RSA, ECDSA P-256, P-384\n" \
"  --certificate PEM       its certificate, and those that lead to a root\n" \
"  --passphrase-file FILE  its first line is the key's passphrase or PIN\n" \
"  --passphrase-fd N       the same, read from file descriptor N\n" \
"  --epoch N               sign this number, too: a reader that requires a higher\n" \
"                          one refuses the image (default: as before, at first 0)\n"

/* Take one option, or print an error message. */
bool signer_option(const char *command, int option, const char *value,
		   struct signer_options *options);

/* Are the options consistent? If not, after an error message. */
bool signer_options_ok(const char *command,
		       const struct signer_options *options);

/* The same, for a command that uses a certificate only to sign. */
bool signer_options_only_sign(const char *command,
			      const struct signer_options *options);

/*
 * Refuse an output that would replace the key, the certificate or the file with
 * the passphrase. Return: 0, or a negative errno after an error message.
 */
int signer_check_output(const struct signer_options *options,
			const struct output *output);

struct signer;

/**
 * signer_open - get the key and the certificate ready
 * @signer: set on success; signer_free() frees it
 * @options: with a key; not needed any more after that
 *
 * May ask for a passphrase on the terminal. The key must be the certificate's.
 *
 * Return: 0, or a negative errno after an error message.
 */
int signer_open(struct signer **signer, const struct signer_options *options);
void signer_free(struct signer *signer);

/**
 * signer_sign - sign a root digest
 * @text: from dm_inc_signed_text()
 * @data: set to @size bytes that the caller frees; they fit a signature area
 *
 * Return: 0, or a negative errno after an error message.
 */
int signer_sign(struct signer *signer, const char *text, u8 **data,
		size_t *size);

/**
 * signer_sign_segment - sign a segment that is about to be written
 * @segment: its root digest is known, and its epoch
 * @name: of the image
 * @start: the device's first INC_SIGNED_ZEROS bytes
 *
 * Return: 0, or a negative errno after an error message.
 */
int signer_sign_segment(struct signer *signer, struct segment *segment,
			const char *name, const u8 *start);

/*
 * Warn if a signed device does not begin with zeros, as signature verification
 * requires; @start has INC_SIGNED_ZEROS bytes.
 */
void signer_check_start(const char *name, const u8 *start);

#endif /* MKIMAGE_SIGNER_H */
