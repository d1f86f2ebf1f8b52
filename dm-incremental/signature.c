// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signatures, which vouch for a generation's root digest.
 *
 * A signature is a PKCS#7 message, detached, in DER, over the root digest in
 * lower-case hexadecimal, as dm-verity takes it, and the epoch if there is one
 * (dm_inc_signed_text()). It lies in the head of the generation's segment. The
 * keys are in the module's own keyring, ".dm-incremental", or in those that the
 * kernel trusts anyway.
 *
 * A signature is compared with the digest that all reads are verified against, so
 * it does not matter where it came from, nor that the head is not authenticated.
 * But the root digest alone does not say which tree it is the root of:
 *
 * - The salt. All hashes are of the salt followed by 4096 bytes. With another
 *   salt, whatever its length, other bytes would have to have the root digest:
 *   a second preimage.
 * - The size of the device, and with it the shape of the tree: see proof.c.
 * - The hash. Only SHA-256 is accepted, which mkimage writes, so that
 *   no weaker one with as long a digest can be put in its place.
 * - The map, the directories, the cluster sizes: a signature vouches for none of
 *   these, and need not: the blocks that they lead to must hash to their digests.
 *
 * An older generation, or an older image, has a good signature for ever, unless
 * its key goes from the keyring. A table can ask for an epoch (min_epoch), which
 * is compared after the signature was verified. The kernel does not look at the
 * time in which a certificate is valid, no more than for modules.
 */
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/key.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/verification.h>

#include "internal.h"
#include "signature.h"

#ifdef CONFIG_SYSTEM_DATA_VERIFICATION

#ifdef CONFIG_SECONDARY_TRUSTED_KEYRING
#define TRUSTED_KEYS	VERIFY_USE_SECONDARY_KEYRING
#else
#define TRUSTED_KEYS	NULL	/* those that were built in */
#endif

static struct key *keyring;

/* As dm-verity's: once it is set it stays so. */
static bool require_signatures;
module_param(require_signatures, bool, 0444);
MODULE_PARM_DESC(require_signatures,
		 "Refuse every table whose generation is not signed");

/*
 * Nobody can add a key to the keyring, for good: it was restricted without a
 * type. Other restrictions let in whatever a key has signed that root may choose.
 */
static bool keyring_sealed(void)
{
	bool sealed;

	down_read(&keyring->sem);
	sealed = keyring->restrict_link && !keyring->restrict_link->keytype;
	up_read(&keyring->sem);
	return sealed;
}

/*
 * Set @fixed if root, in this boot, cannot have added the key: it is the
 * kernel's own, or was in the keyring when that had been sealed.
 */
static int verify(const char *text, size_t length, const u8 *signature,
		  size_t size, bool *fixed)
{
	int r;

	*fixed = true;
	r = verify_pkcs7_signature(text, length, signature, size, TRUSTED_KEYS,
				   VERIFYING_UNSPECIFIED_SIGNATURE, NULL, NULL);
	if (r != -ENOKEY)
		return r;
	*fixed = keyring_sealed();
	return verify_pkcs7_signature(text, length, signature, size, keyring,
				      VERIFYING_UNSPECIFIED_SIGNATURE, NULL,
				      NULL);
}

static char *sentence(int r)
{
	switch (r) {
	case -ENOMEM:
		return "Cannot allocate signature";
	case -ENOKEY:
		return "Signature's key is not in the keyring .dm-incremental, nor trusted by the kernel";
	case -EKEYREJECTED:
		return "Signature is not of this root digest";
	case -ENOPKG:
	case -ENOENT:
		return "Signature's algorithm is not known to this kernel";
	case -EKEYREVOKED:
	case -EKEYEXPIRED:
		return "Signature's key is revoked or has expired";
	default:
		return "Signature is malformed";
	}
}

/*
 * Is it all one ASN.1 SEQUENCE in DER? The parser does not mind what follows.
 * Fewer than 128 bytes are no signature.
 */
static bool is_sequence(const u8 *der, size_t size)
{
	if (size < 4 || der[0] != 0x30)
		return false;
	return der[1] == 0x82 ? (der[2] << 8 | der[3]) + 4 == size :
	       der[1] == 0x81 && der[2] + 3 == size;
}

/* Only a signature of this form vouches for the generation; see above. */
static int check_form(const struct inc_view *view, const u8 *head,
		      char **error)
{
	const struct inc_segment *seg = view->segment;

	if (!seg->signature_size) {
		*error = "Generation is not signed, and a signature is required";
		return -ENOKEY;
	}
	if (seg->signature_size > INC_SIGNATURE_AREA) {
		*error = "Signature is too long";
		return -EINVAL;
	}
	if (!is_sequence(head + seg->signature_offset, seg->signature_size)) {
		*error = sentence(-EBADMSG);
		return -EBADMSG;
	}
	if (strcmp(view->verity.hash_name, "sha256")) {
		*error = "Hash must be sha256 where a signature is required";
		return -EINVAL;
	}
	return 0;
}

/**
 * dm_inc_signature_check - check a generation's signature, if it must have one
 * @view: being opened; its segment and verity are set and agree
 * @head: the segment's head, which matches its digest
 * @error: on failure, a sentence for the target
 *
 * Sets @view->signed_root if there is a good one, and @view->signature if root
 * cannot have added its key; inc_view_close() frees that. Its place was checked
 * to lie inside the head; its bytes are hostile.
 *
 * Context: process; sleeps. Return: 0, also if none is required; else a
 * negative errno.
 */
int dm_inc_signature_check(struct inc_view *view, const u8 *head, char **error)
{
	const struct inc_segment *seg = view->segment;
	const struct inc_verity *verity = &view->verity;
	char text[INC_SIGNED_TEXT_MAX];
	u8 *signature;
	u32 length;
	bool fixed;
	int r;

	if (!view->require_signature && !require_signatures)
		return 0;
	r = check_form(view, head, error);
	if (r)
		return r;
	*error = sentence(-ENOMEM);
	/* Of its own, so that the crypto API may make a scatterlist of it. */
	signature = kmemdup(head + seg->signature_offset, seg->signature_size,
			    GFP_KERNEL);
	if (!signature)
		return -ENOMEM;
	length = dm_inc_signed_text(verity->root, verity->digest_size,
				    seg->epoch, text);
	r = verify(text, length, signature, seg->signature_size, &fixed);
	if (!r && fixed)
		view->signature = signature;
	else
		kfree(signature);
	if (r) {
		DMERR("generation %u: signature cannot be verified: %d",
		      view->generation, r);
		*error = sentence(r);
		return r;
	}
	if (seg->epoch < view->min_epoch) {
		DMERR("generation %u: its signed epoch is %u, and at least %u is required",
		      view->generation, seg->epoch, view->min_epoch);
		*error = "Signed epoch is below min_epoch: the image is older than allowed";
		return -EPERM;
	}
	view->signed_root = true;
	return 0;
}

/**
 * dm_inc_signature_init - make the keyring
 *
 * Its permissions are those of fs-verity's. Root (the user, not a capability)
 * may see it, add and remove keys, and seal it with KEYCTL_RESTRICT_KEYRING;
 * that cannot be undone. No other user may do anything, and the kernel, as its
 * possessor, may only search it. It counts in no quota. It goes with the module;
 * its keys must be added again after the next load.
 *
 * Context: process. Return: 0 or a negative errno.
 */
int dm_inc_signature_init(void)
{
	keyring = keyring_alloc(".dm-incremental", GLOBAL_ROOT_UID,
				GLOBAL_ROOT_GID, current_cred(),
				KEY_POS_SEARCH | KEY_USR_VIEW | KEY_USR_READ |
				KEY_USR_WRITE | KEY_USR_SEARCH |
				KEY_USR_SETATTR,
				KEY_ALLOC_NOT_IN_QUOTA, NULL, NULL);
	return PTR_ERR_OR_ZERO(keyring);
}

/**
 * dm_inc_signature_exit - release the keyring
 *
 * Context: process; no view is left.
 */
void dm_inc_signature_exit(void)
{
	key_put(keyring);
}

#else /* CONFIG_SYSTEM_DATA_VERIFICATION */

int dm_inc_signature_check(struct inc_view *view, const u8 *head, char **error)
{
	*error = "This kernel cannot verify signatures";
	return view->require_signature ? -EOPNOTSUPP : 0;
}

int dm_inc_signature_init(void)
{
	return 0;
}

void dm_inc_signature_exit(void)
{
}

#endif
