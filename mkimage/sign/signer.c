// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signing root digests; see signer.h.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include "command.h"
#include "common/message.h"
#include "mkimage.h"
#include "sign/signer.h"

/* Without a certificate inside, attributes, or anything but the signature. */
#define SIGN_FLAGS	(CMS_DETACHED | CMS_BINARY | CMS_NOATTR | \
			 CMS_NOSMIMECAP | CMS_NOCERTS | CMS_PARTIAL)

struct signer {
	EVP_PKEY *key;
	STACK_OF(X509) *certificates;	/* the signer's first */
	struct incr_anchors *anchors;	/* the same */
	const char *name;
};

static const char *why_not(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return reason ? reason : "out of memory";
}

bool signer_option(const char *command, int option, const char *value,
		   struct signer_options *options)
{
	u64 number;

	switch (option) {
	case SIGNER_KEY:
		options->key = value;
		return true;
	case SIGNER_CERTIFICATE:
		options->certificate = value;
		return true;
	case SIGNER_PASSPHRASE_FILE:
		options->passphrase_file = value;
		return true;
	case SIGNER_PASSPHRASE_FD:
		if (!option_number(command, "--passphrase-fd", value, 0,
				   1 << 20, &number))
			return false;
		options->passphrase_fd = (int)number;
		return true;
	case SIGNER_EPOCH:
		return option_number(command, "--epoch", value, 0, UINT32_MAX,
				     &options->epoch);
	default:
		return false;
	}
}

bool signer_options_ok(const char *command,
		       const struct signer_options *options)
{
	bool passphrase = options->passphrase_file ||
			  options->passphrase_fd >= 0;

	if (options->key && !options->certificate)
		message_error("%s: --key needs --certificate", command);
	else if (passphrase && !options->key)
		message_error("%s: a passphrase needs --key", command);
	else if (options->passphrase_file && options->passphrase_fd >= 0)
		message_error("%s: --passphrase-file and --passphrase-fd exclude each other",
			      command);
	else
		return true;
	return false;
}

bool signer_options_only_sign(const char *command,
			      const struct signer_options *options)
{
	if (!signer_options_ok(command, options))
		return false;
	if (!options->certificate || options->key)
		return true;
	message_error("%s: --certificate needs --key", command);
	return false;
}

/* Of the file that incr_anchors_load() has found good. */
static int load_certificates(struct signer *signer)
{
	BIO *bio = BIO_new_file(signer->name, "r");
	X509 *one;

	signer->certificates = sk_X509_new_null();
	while (bio && signer->certificates &&
	       (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (!sk_X509_push(signer->certificates, one))
			X509_free(one);
	BIO_free(bio);
	ERR_clear_error();
	if (signer->certificates && sk_X509_num(signer->certificates))
		return 0;
	message_error("%s: cannot be read again", signer->name);
	return -EIO;
}

/* Refuse a key whose signatures the kernel cannot verify. */
static int check_key(const struct signer *signer, const char *name)
{
	EVP_PKEY *key = signer->key;
	int bits = EVP_PKEY_get_bits(key);
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "RSA")) {
		if (bits >= 2048 && bits <= 4096)
			return 0;
		message_error("%s: an RSA key of %d bits; it must have 2048 to 4096",
			      name, bits);
		return -EINVAL;
	}
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) &&
	    (!strcmp(group, "prime256v1") || !strcmp(group, "P-256") ||
	     !strcmp(group, "secp384r1") || !strcmp(group, "P-384")))
		return 0;
	message_error("%s: a key of type %s%s%s; it must be RSA, or EC on P-256 or P-384",
		      name, EVP_PKEY_get0_type_name(key) ?
		      EVP_PKEY_get0_type_name(key) : "unknown",
		      *group ? " " : "", group);
	return -EINVAL;
}

int signer_check_output(const struct signer_options *options,
			const struct output *output)
{
	const char *const files[] = {
		options->key, options->certificate, options->passphrase_file,
	};
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i])
			ret = output_check_source(output, files[i]);
	return ret;
}

int signer_open(struct signer **result, const struct signer_options *options)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	struct incr_error error;
	int ret;

	if (!signer)
		return no_memory();
	signer->name = options->certificate;
	ret = incr_anchors_load(&signer->anchors, options->certificate, &error);
	if (ret)
		message_error("%s", error.text);
	else
		ret = load_certificates(signer);
	if (!ret) {
		signer->key = key_load(options);
		ret = signer->key ? check_key(signer, options->key) : -EINVAL;
	}
	/* Keys of engines may have no public part to compare. */
	if (!ret && !X509_check_private_key(
			sk_X509_value(signer->certificates, 0), signer->key)) {
		message_error("%s: the first certificate is not that of the key %s",
			      options->certificate, options->key);
		ret = -EINVAL;
	}
	ERR_clear_error();
	if (ret)
		signer_free(signer);
	else
		*result = signer;
	return ret;
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_free(signer->key);
	sk_X509_pop_free(signer->certificates, X509_free);
	incr_anchors_free(signer->anchors);
	free(signer);
}

static bool self_signed(X509 *certificate)
{
	return X509_self_signed(certificate, 0) == 1;
}

/*
 * Leave out a root's certificate, or one that signed itself: a verifier has it
 * where it is trusted, and needs the others.
 */
static bool add_certificates(const struct signer *signer, CMS_ContentInfo *cms)
{
	int i;

	for (i = 0; i < sk_X509_num(signer->certificates); i++) {
		X509 *one = sk_X509_value(signer->certificates, i);

		if (!self_signed(one) && !CMS_add1_cert(cms, one))
			return false;
	}
	return true;
}

static CMS_ContentInfo *make(const struct signer *signer, const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	CMS_ContentInfo *cms;

	cms = CMS_sign(NULL, NULL, NULL, NULL, SIGN_FLAGS);
	if (!bio || !cms ||
	    !CMS_add1_signer(cms, sk_X509_value(signer->certificates, 0),
			     signer->key, EVP_sha256(), SIGN_FLAGS) ||
	    !add_certificates(signer, cms) ||
	    !CMS_final(cms, bio, NULL, SIGN_FLAGS)) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	BIO_free(bio);
	return cms;
}

int signer_sign(struct signer *signer, const char *text, u8 **data,
		size_t *size)
{
	struct incr_signer who;
	struct incr_error error;
	CMS_ContentInfo *cms;
	int length, ret;

	ERR_clear_error();
	*data = NULL;
	cms = make(signer, text);
	length = cms ? i2d_CMS_ContentInfo(cms, data) : -1;
	CMS_ContentInfo_free(cms);
	if (length <= 0) {
		message_error("cannot sign: %s", why_not());
		return -EIO;
	}
	*size = (size_t)length;
	if (*size > INC_SIGNATURE_AREA) {
		message_error("the signature has %zu bytes, and an image has room for %u; fewer certificates in %s make it smaller",
			      *size, INC_SIGNATURE_AREA, signer->name);
		return -EFBIG;
	}
	/* An external key device must have signed the given text. */
	ret = incr_signature_match(*data, *size, text, signer->anchors, &who,
				   &error);
	if (ret)
		message_error("cannot sign: %s", error.text);
	else if (who.expired)
		message_warning("%s: the signer's certificate has expired",
				signer->name);
	return ret;
}

void signer_check_start(const char *name, const u8 *start)
{
	static const u8 zeros[INC_SIGNED_ZEROS];

	if (memcmp(start, zeros, sizeof(zeros)))
		message_warning("%s: its first block does not begin with %u zeros, as erofs and ext4 do: dm-verity will take the signature, but not incrementalsetup --certificate, nor the table option require_signature",
				name, INC_SIGNED_ZEROS);
}

int signer_sign_segment(struct signer *signer, struct segment *segment,
			const char *name, const u8 *start)
{
	char text[INC_SIGNED_TEXT_MAX];
	size_t size = 0;
	int ret;

	signer_check_start(name, start);
	dm_inc_signed_text(segment->meta.root, INC_SHA256_SIZE, segment->epoch,
			   text);
	ret = signer_sign(signer, text, &segment->signature, &size);
	segment->signature_size = (u32)size;
	return ret;
}
