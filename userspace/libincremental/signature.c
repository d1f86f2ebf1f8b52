// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signatures: PKCS#7, detached, in DER, over the root hash in lower-case
 * hexadecimal without a newline. dm-verity verifies the same text, so one
 * signature serves both.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include "libincremental/internal.h"

#define CERTIFICATES_MAX	256	/* in a file, in a signature */
#define DIGEST_LEAST		32	/* bytes: SHA-256 */
/*
 * OpenSSL's level of 112 bits: no MD5 or SHA-1, RSA from 2048 bits on. The default
 * level depends on the system.
 */
#define CHAIN_LEVEL		2

struct incr_anchors {
	STACK_OF(X509) *certificates;
	char *path;
};

/* OpenSSL's reason for a failure; empties its list of errors. */
static const char *why_not(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return reason ? reason : "malformed";
}

int incr_image_signature(struct incr_image *image, u8 **data, size_t *size,
			 struct incr_error *error)
{
	const struct inc_segment *seg = image->view->seg;
	u8 *head;
	int ret;

	*data = NULL;
	*size = 0;
	if (!seg->signature_size)
		return incr_fail(error, -ENOKEY, "generation %u is not signed",
				 seg->generation);
	if (seg->signature_size > INC_SIGNATURE_AREA)
		return incr_fail(error, -EBADMSG,
				 "signature of generation %u has %u bytes, over the format's limit of %u",
				 seg->generation, seg->signature_size,
				 INC_SIGNATURE_AREA);
	ret = incr_head_read(image, seg, &head, error);
	if (ret)
		return ret;
	*data = malloc(seg->signature_size);
	if (*data) {
		memcpy(*data, head + seg->signature_offset,
		       seg->signature_size);
		*size = seg->signature_size;
	} else {
		ret = incr_fail(error, -ENOMEM, "out of memory");
	}
	free(head);
	return ret;
}

void incr_anchors_free(struct incr_anchors *anchors)
{
	if (!anchors)
		return;
	sk_X509_pop_free(anchors->certificates, X509_free);
	free(anchors->path);
	free(anchors);
}

/* Never ask for a passphrase: a certificate has none. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static int read_certificates(struct incr_anchors *anchors, BIO *bio,
			     struct incr_error *error)
{
	unsigned long code;
	X509 *one;

	ERR_clear_error();
	while ((one = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (sk_X509_num(anchors->certificates) == CERTIFICATES_MAX ||
		    !sk_X509_push(anchors->certificates, one)) {
			X509_free(one);
			return incr_fail(error, -EINVAL,
					 "%s: more than %d certificates",
					 anchors->path, CERTIFICATES_MAX);
		}
	}
	/* That is how the end of the file is told. */
	code = ERR_peek_last_error();
	if (ERR_GET_LIB(code) != ERR_LIB_PEM ||
	    ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		return incr_fail(error, -EINVAL,
				 "%s: certificate %d cannot be read: %s",
				 anchors->path,
				 sk_X509_num(anchors->certificates) + 1,
				 why_not());
	ERR_clear_error();
	if (!sk_X509_num(anchors->certificates))
		return incr_fail(error, -EINVAL,
				 "%s: there is no certificate in PEM in it",
				 anchors->path);
	return 0;
}

int incr_anchors_load(struct incr_anchors **anchors, const char *path,
		      struct incr_error *error)
{
	struct incr_anchors *new = calloc(1, sizeof(*new));
	BIO *bio;
	int ret;

	if (new) {
		new->path = strdup(path);
		new->certificates = sk_X509_new_null();
	}
	if (!new || !new->path || !new->certificates) {
		incr_anchors_free(new);
		return incr_fail(error, -ENOMEM, "out of memory");
	}
	errno = 0;
	bio = BIO_new_file(path, "r");
	if (bio) {
		ret = read_certificates(new, bio, error);
		BIO_free(bio);
	} else {
		ret = errno ? -errno : -EIO;
		incr_fail(error, ret, "%s: %s", path, strerror(-ret));
		ERR_clear_error();
	}
	if (ret)
		incr_anchors_free(new);
	else
		*anchors = new;
	return ret;
}

/* As a C string; all but printable ASCII is escaped. */
static void format_name(const X509_NAME *name, char *text, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int length = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE &
				      ~ASN1_STRFLGS_ESC_MSB) >= 0)
		length = BIO_read(bio, text, (int)size - 1);
	text[length > 0 ? length : 0] = '\0';
	for (; *text; text++)
		if (*text < ' ' || *text == 127)
			*text = '?';
	BIO_free(bio);
}

static void format_serial(const ASN1_INTEGER *serial, char *text, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;

	snprintf(text, size, "%s", hex ? hex : "");
	OPENSSL_free(hex);
	BN_free(number);
}

static void format_time(const ASN1_TIME *when, char *text, size_t size)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(when, &tm) ||
	    !strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(text, size, "an unknown time");
}

/* "RSA-2048": a certificate's key; NULL if it cannot be decoded. */
static void format_key(EVP_PKEY *key, char *text, size_t size)
{
	const char *type;

	if (!key) {
		snprintf(text, size, "unknown");
		return;
	}
	type = EVP_PKEY_is_a(key, "EC") ? "ECDSA" :
	       EVP_PKEY_get0_type_name(key);

	snprintf(text, size, "%s-%d", type ? type : "unknown",
		 EVP_PKEY_get_bits(key));
}

/* The one signer; its digest algorithm must be one that cannot be forged. */
static int find_signer(CMS_ContentInfo *cms, CMS_SignerInfo **signer,
		       struct incr_error *error)
{
	STACK_OF(CMS_SignerInfo) *all = CMS_get0_SignerInfos(cms);
	const EVP_MD *digest;
	X509_ALGOR *algorithm;
	char name[64];

	if (!all || sk_CMS_SignerInfo_num(all) != 1)
		return incr_fail(error, -EBADMSG,
				 "signature has %d signers, not 1",
				 all ? sk_CMS_SignerInfo_num(all) : 0);
	*signer = sk_CMS_SignerInfo_value(all, 0);
	CMS_SignerInfo_get0_algs(*signer, NULL, NULL, &algorithm, NULL);
	digest = EVP_get_digestbyobj(algorithm->algorithm);
	if (digest && EVP_MD_get_size(digest) >= DIGEST_LEAST)
		return 0;
	OBJ_obj2txt(name, sizeof(name), algorithm->algorithm, 0);
	return incr_fail(error, -EBADMSG,
			 "signature is over a %s digest, which is not known here or too weak",
			 name);
}

/* Is it all one SEQUENCE in DER? The kernel wants that, too. */
static bool is_sequence(const u8 *der, size_t size)
{
	if (size < 4 || der[0] != 0x30)
		return false;
	return der[1] == 0x82 ? (size_t)(der[2] << 8 | der[3]) + 4 == size :
	       der[1] == 0x81 && (size_t)der[2] + 3 == size;
}

static int parse(const u8 *data, size_t size, CMS_ContentInfo **cms,
		 CMS_SignerInfo **signer, struct incr_error *error)
{
	const unsigned char *at = data;
	int ret = 0;

	ERR_clear_error();
	*cms = size > INC_SIGNATURE_AREA || !is_sequence(data, size) ? NULL :
	       d2i_CMS_ContentInfo(NULL, &at, (long)size);
	if (!*cms || at != data + size ||
	    OBJ_obj2nid(CMS_get0_type(*cms)) != NID_pkcs7_signed)
		ret = incr_fail(error, -EBADMSG,
				"signature is not a signed PKCS#7 message in DER");
	else if (CMS_is_detached(*cms) != 1)
		ret = incr_fail(error, -EBADMSG,
				"signature has contents of its own: it must be detached");
	else
		ret = find_signer(*cms, signer, error);
	ERR_clear_error();
	if (ret) {
		CMS_ContentInfo_free(*cms);
		*cms = NULL;
	}
	return ret;
}

/* Facts from the signature itself; the key's size only for RSA. */
static void describe(CMS_SignerInfo *info, struct incr_signer *signer)
{
	X509_ALGOR *digest, *algorithm;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;
	char name[32];
	int nid;

	memset(signer, 0, sizeof(*signer));
	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &algorithm);
	snprintf(signer->digest, sizeof(signer->digest), "%s",
		 OBJ_nid2sn(OBJ_obj2nid(digest->algorithm)));
	nid = OBJ_obj2nid(algorithm->algorithm);
	if (nid == NID_rsaEncryption ||
	    (OBJ_find_sigid_algs(nid, NULL, &nid) && nid == NID_rsaEncryption))
		snprintf(signer->algorithm, sizeof(signer->algorithm),
			 "RSA-%d", 8 * ASN1_STRING_length(
				CMS_SignerInfo_get0_signature(info)));
	else if (nid == NID_X9_62_id_ecPublicKey)
		snprintf(signer->algorithm, sizeof(signer->algorithm), "ECDSA");
	else {
		OBJ_obj2txt(name, sizeof(name), algorithm->algorithm, 0);
		snprintf(signer->algorithm, sizeof(signer->algorithm), "%s",
			 name);
	}
	CMS_SignerInfo_get0_signer_id(info, NULL, &issuer, &serial);
	if (issuer)
		format_name(issuer, signer->issuer, sizeof(signer->issuer));
	if (serial)
		format_serial(serial, signer->serial, sizeof(signer->serial));
}

static void describe_certificate(X509 *certificate, struct incr_signer *signer)
{
	u8 digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	format_name(X509_get_subject_name(certificate), signer->subject,
		    sizeof(signer->subject));
	format_key(X509_get0_pubkey(certificate), signer->algorithm,
		   sizeof(signer->algorithm));
	if (X509_digest(certificate, EVP_sha256(), digest, &size))
		incr_hex_format(digest, size, signer->fingerprint);
	signer->expired = X509_cmp_current_time(
				X509_get0_notAfter(certificate)) < 0;
}

int incr_signature_describe(const u8 *data, size_t size,
			    struct incr_signer *signer, struct incr_error *error)
{
	CMS_SignerInfo *info;
	CMS_ContentInfo *cms;
	int ret = parse(data, size, &cms, &info, error);

	if (ret)
		return ret;
	describe(info, signer);
	CMS_ContentInfo_free(cms);
	return 0;
}

/*
 * A BIO that reads @text. CMS_verify() of OpenSSL 3.0 makes a copy of one of
 * memory, and leaks it if the message names a digest that it does not know. A
 * filter in front hides that this one is of memory.
 */
static BIO *text_bio(const char *text)
{
	BIO *memory = BIO_new_mem_buf(text, -1);
	BIO *filter = BIO_new(BIO_f_null());

	if (memory && filter)
		return BIO_push(filter, memory);
	BIO_free(memory);
	BIO_free(filter);
	return NULL;
}

/*
 * Is it the signature of @text by the certificate that it names? That is looked
 * for among the @anchors and in the message itself.
 */
static int match(CMS_ContentInfo *cms, CMS_SignerInfo *info, const char *text,
		 const struct incr_anchors *anchors, struct incr_signer *signer,
		 X509 **certificate, struct incr_error *error)
{
	BIO *bio = text_bio(text);
	int good;

	describe(info, signer);
	if (!bio)
		return incr_fail(error, -ENOMEM, "out of memory");
	ERR_clear_error();
	good = CMS_verify(cms, anchors ? anchors->certificates : NULL, NULL,
			  bio, NULL,
			  CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY);
	BIO_free_all(bio);
	*certificate = NULL;
	CMS_SignerInfo_get0_algs(info, NULL, certificate, NULL, NULL);
	if (*certificate)
		describe_certificate(*certificate, signer);
	if (good) {
		ERR_clear_error();
		return 0;
	}
	if (!*certificate) {
		ERR_clear_error();
		return incr_fail(error, -ENOKEY,
				 "the signer's certificate (number %.40s by %.200s) is neither in the signature nor in %.100s",
				 signer->serial, signer->issuer,
				 anchors ? anchors->path : "a file");
	}
	return incr_fail(error, -EBADMSG,
			 "signature by %.200s is not of this root hash, %.128s (%s)",
			 signer->subject, text, why_not());
}

int incr_signature_match(const u8 *data, size_t size, const char *text,
			 const struct incr_anchors *anchors,
			 struct incr_signer *signer, struct incr_error *error)
{
	CMS_SignerInfo *info;
	CMS_ContentInfo *cms;
	X509 *certificate;
	int ret = parse(data, size, &cms, &info, error);

	if (ret)
		return ret;
	ret = match(cms, info, text, anchors, signer, &certificate, error);
	CMS_ContentInfo_free(cms);
	return ret;
}

/* One sentence for what X509_verify_cert() has found. */
static int chain_failed(X509_STORE_CTX *context,
			const struct incr_anchors *anchors,
			struct incr_error *error)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	int code = X509_STORE_CTX_get_error(context);
	char subject[128] = "?", when[64];

	if (certificate)
		format_name(X509_get_subject_name(certificate), subject,
			    sizeof(subject));
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		format_time(X509_get0_notAfter(certificate), when,
			    sizeof(when));
		return incr_fail(error, -EBADMSG,
				 "certificate of %s expired on %s", subject,
				 when);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		format_time(X509_get0_notBefore(certificate), when,
			    sizeof(when));
		return incr_fail(error, -EBADMSG,
				 "certificate of %s is not valid before %s",
				 subject, when);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return incr_fail(error, -EBADMSG,
				 "certificate of %s leads to none in %.200s",
				 subject, anchors->path);
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return incr_fail(error, -EBADMSG,
				 "certificate of %s is signed over a digest that can be forged: it has to be made anew, with SHA-256 or better",
				 subject);
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return incr_fail(error, -EBADMSG,
				 "certificate of %s has a key that is too small: RSA takes 2048 bits, ECDSA 224",
				 subject);
	default:
		return incr_fail(error, -EBADMSG, "certificate of %s: %s",
				 subject, X509_verify_cert_error_string(code));
	}
}

/* From the signer's certificate to one of the anchors, all of them valid. */
static int check_chain(X509 *certificate, STACK_OF(X509) *others,
		       const struct incr_anchors *anchors,
		       struct incr_error *error)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	bool good = context && store;
	int i, ret = 0;

	for (i = 0; good && i < sk_X509_num(anchors->certificates); i++)
		good = X509_STORE_add_cert(store,
				sk_X509_value(anchors->certificates, i));
	good = good && X509_STORE_CTX_init(context, store, certificate, others);
	if (!good) {
		ret = incr_fail(error, -ENOMEM, "out of memory");
	} else {
		/* Every certificate in the file is trusted, a root or not. */
		X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
		X509_STORE_CTX_set_purpose(context, X509_PURPOSE_ANY);
		X509_VERIFY_PARAM_set_auth_level(
			X509_STORE_CTX_get0_param(context), CHAIN_LEVEL);
		if (X509_verify_cert(context) != 1)
			ret = chain_failed(context, anchors, error);
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
	return ret;
}

int incr_image_prove_size(struct incr_image *image, struct incr_error *error)
{
	u64 last = image->view->seg->device_blocks - 1;
	u8 block[INC_BLOCK_SIZE];
	int ret;

	ret = incr_image_read(image, 0, 1, block, error);
	if (ret)
		return ret;
	if (!inc_all_zero(block, INC_SIGNED_ZEROS))
		return incr_fail(error, -EBADMSG,
				 "the first block does not begin with %u zeros, so a signature does not vouch for the device's size",
				 INC_SIGNED_ZEROS);
	return incr_image_read(image, last, 1, block, error);
}

int incr_image_check_signature(struct incr_image *image,
			       const struct incr_anchors *anchors,
			       struct incr_signer *signer,
			       struct incr_error *error)
{
	const struct inc_segment *seg = image->view->seg;
	char text[INC_SIGNED_TEXT_MAX];
	STACK_OF(X509) *others;
	CMS_SignerInfo *info;
	CMS_ContentInfo *cms;
	X509 *certificate;
	size_t size;
	u8 *data;
	int ret;

	ret = incr_image_signature(image, &data, &size, error);
	if (ret)
		return ret == -ENOKEY ? -EBADMSG : ret;
	ret = parse(data, size, &cms, &info, error);
	free(data);
	if (ret)
		return ret;
	inc_segment_signed_text(seg, text);
	ret = match(cms, info, text, anchors, signer, &certificate, error);
	if (ret == -ENOKEY)
		ret = -EBADMSG;
	if (!ret) {
		others = CMS_get1_certs(cms);
		ret = check_chain(certificate, others, anchors, error);
		sk_X509_pop_free(others, X509_free);
	}
	CMS_ContentInfo_free(cms);
	return ret;
}

int incr_image_check_certificates(struct incr_image *image, const char *path,
				  struct incr_error *error)
{
	struct incr_anchors *anchors;
	struct incr_signer signer;
	int ret = incr_anchors_load(&anchors, path, error);

	if (ret)
		return ret;
	ret = incr_image_check_signature(image, anchors, &signer, error);
	incr_anchors_free(anchors);
	return ret;
}
