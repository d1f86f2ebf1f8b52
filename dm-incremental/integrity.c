// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell security modules (LSMs) the facts of a device.
 *
 * dm-verity tells them which root digest a device is verified against, and
 * whether the kernel has verified a signature of it. By that a policy of IPE's,
 * or a BPF program, decides which files may be executed. The hash tree and the
 * signature here are dm-verity's, so this target tells the same, in the same
 * terms: LSM_INT_DMVERITY_ROOTHASH and LSM_INT_DMVERITY_SIG_VALID.
 *
 * Security modules keep both with the block device, not with the table:
 *
 * - Each table sets both before it resumes, also to nothing, so that none of
 *   an earlier table is left. The device is suspended meanwhile.
 * - A table of another target would set neither. So the target is immutable:
 *   device-mapper lets nothing but itself, or "error", which has no data, take
 *   its place in a device.
 * - They go with the device.
 *
 * Policies defend against root, too, though root loads tables, writes images, and
 * may add keys to the keyring .dm-incremental until it is sealed. So there is
 *
 * - a root digest only if no read succeeds before the size of the device is
 *   proved (see proof.c): with another size, other bytes match it;
 * - a signature only of a key that root cannot have added: see signature.c.
 */
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/security.h>

#include "integrity.h"
#include "internal.h"

#ifdef INC_HAVE_BDEV_SETINTEGRITY

static int set_root(struct block_device *bdev, const struct inc_view *view)
{
	const struct inc_verity *verity = &view->verity;
	struct dm_verity_digest root = {
		.alg = crypto_shash_alg_name(verity->tfm),
		.digest = verity->root,
		.digest_len = verity->digest_size,
	};

	if (!view->proof)
		return security_bdev_setintegrity(bdev,
						  LSM_INT_DMVERITY_ROOTHASH,
						  NULL, 0);
	return security_bdev_setintegrity(bdev, LSM_INT_DMVERITY_ROOTHASH,
					  &root, sizeof(root));
}

/**
 * dm_inc_integrity_set - tell security modules what a device is verified against
 * @view: of the table that is about to resume; it is open
 *
 * Context: process, while the device is suspended; sleeps. Return: 0, or the error
 * of a security module. Then the device must not resume, and no earlier fact is
 * left.
 */
int dm_inc_integrity_set(const struct inc_view *view)
{
	struct mapped_device *md = dm_table_get_md(view->ti->table);
	struct block_device *bdev = dm_disk(md)->part0;
	int r;

	r = security_bdev_setintegrity(bdev, LSM_INT_DMVERITY_SIG_VALID,
				       view->signature, view->signature ?
				       view->segment->signature_size : 0) ?:
	    set_root(bdev, view);
	if (r) {
		security_bdev_setintegrity(bdev, LSM_INT_DMVERITY_SIG_VALID,
					   NULL, 0);
		security_bdev_setintegrity(bdev, LSM_INT_DMVERITY_ROOTHASH,
					   NULL, 0);
	}
	return r;
}

#else /* before 6.12 */

int dm_inc_integrity_set(const struct inc_view *view)
{
	return 0;
}

#endif
