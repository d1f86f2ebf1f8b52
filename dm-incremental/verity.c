// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification against the hash tree: dm-verity's, version 1
 * (Documentation/admin-guide/device-mapper/verity.rst).
 *
 * Tree pages are cached by dm-bufio. A page that was verified up to a view's
 * root carries a mark in its aux data: that view's id and the number of the
 * tree page that it was verified as. The number matters, for no signature covers
 * the directory, which may let one page of the file stand for any number of tree
 * pages: with honest images those over zeros, with others one that is right in
 * one place and would put its blocks into another. There is no lock
 * around a mark: two threads may verify the same page at the same time, and
 * both write the same; views that share a store and trust different roots, or
 * tree pages that share a page, overwrite each other's mark, and the loser
 * verifies again. The mark cannot outlive the bytes that were verified: when the
 * page is evicted and read anew, dm-bufio clears it.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#ifdef INC_HAVE_HEX_H
#include <linux/hex.h>
#endif

#include "backing.h"
#include "verity.h"

static atomic64_t last_id;

/* Of a mark; tree pages are numbered below it. */
#define ID_SHIFT	32

static int hash(struct inc_verity *verity, const void *data, u8 *digest)
{
	SHASH_DESC_ON_STACK(desc, verity->tfm);
	int r;

	desc->tfm = verity->tfm;
	r = crypto_shash_import(desc, verity->initial_state) ?:
	    crypto_shash_finup(desc, data, INC_BLOCK_SIZE, digest);
	shash_desc_zero(desc);
	return r;
}

/**
 * dm_inc_verity_block - does a block hash to a digest?
 * @verity: the hash and salt
 * @data: 4096 bytes that no other task can change
 * @digest: from dm_inc_verity_digests()
 *
 * Return: 0, -EBADMSG if not, or the crypto API's error.
 */
int dm_inc_verity_block(struct inc_verity *verity, const void *data,
			const u8 *digest)
{
	u8 actual[INC_DIGEST_MAX];
	int r;

	r = hash(verity, data, actual);
	if (r)
		return r;
	return memcmp(actual, digest, verity->digest_size) ? -EBADMSG : 0;
}

/**
 * dm_inc_verity_blocks - do one or two blocks hash to their digests?
 * @verity: the hash and salt
 * @count: 1; or 2, which is faster if @verity->pairs
 * @data: 4096 bytes each, that no other task can change
 * @digests: from dm_inc_verity_digests()
 * @bad: of each, set if it does not
 *
 * Return: 0 or the crypto API's error.
 */
int dm_inc_verity_blocks(struct inc_verity *verity, u32 count,
			 const void *const *data, const u8 *const *digests,
			 bool *bad)
{
	u8 actual[2][INC_SHA256X2_DIGEST];
	u32 i;
	int r;

	if (count == 2 && verity->pairs &&
	    dm_inc_sha256x2(&verity->x2, data, actual[0])) {
		for (i = 0; i < count; i++)
			bad[i] = memcmp(actual[i], digests[i], sizeof(actual[i]));
		return 0;
	}
	for (i = 0; i < count; i++) {
		r = dm_inc_verity_block(verity, data[i], digests[i]);
		if (r && r != -EBADMSG)
			return r;
		bad[i] = r;
	}
	return 0;
}

/**
 * struct page_part - bytes wanted from one tree page
 * @level: of the page
 * @block: a data block below it
 * @offset: first byte wanted
 * @length: bytes
 */
struct page_part {
	u32	level;
	u64	block;
	u32	offset;
	u32	length;
};

/*
 * A tree page must hash to its digest, and must have no more digests than the
 * device has blocks below it: else the tree is of a larger device.
 */
static int check_page(struct inc_view *view, const struct page_part *part,
		      const void *data, const u8 *expect)
{
	u32 used = dm_inc_tree_used(&view->segment->tree, part->level,
				    part->block);

	int r;

	r = dm_inc_verity_block(&view->verity, data, expect);
	if (!r && memchr_inv(data + used, 0, INC_PAGE_SIZE - used))
		r = -EBADMSG;
	return r;
}

/*
 * Copy from the tree page that @part names. Without @expect only if it has
 * been verified before (else -EAGAIN); with it, verify it if it has not. With
 * @cached, only if it is cached, too. A corrupt page is added to @damage.
 */
static int copy_verified(struct inc_view *view, const struct page_part *part,
			 const u8 *expect, u8 *out, bool cached,
			 struct inc_damage *damage)
{
	struct inc_page_aux *aux;
	struct dm_buffer *buf;
	u32 ignored;
	u64 page, mark;
	void *data;
	int r = 0;

	page = dm_inc_tree_page(&view->segment->tree, part->level, part->block,
				&ignored);
	mark = view->verity.id | page;
	page = dm_inc_verity_page(view, page);
	data = dm_inc_backing_get_page(view->store, page, &buf, cached);
	if (IS_ERR(data))
		return PTR_ERR(data);

	aux = dm_bufio_get_aux_data(buf);
	if (READ_ONCE(aux->verified) != mark) {
		r = expect ? check_page(view, part, data, expect) : -EAGAIN;
		if (!r)
			WRITE_ONCE(aux->verified, mark);
	}
	if (!r)
		memcpy(out, data + part->offset, part->length);
	dm_bufio_release(buf);
	if (r == -EBADMSG) {
		struct inc_bad bad = { .what = "tree page",
				       .block = part->block,
				       .offset = page << INC_PAGE_SHIFT,
				       .length = INC_PAGE_SIZE };

		dm_inc_damage_add(damage, &bad);
	}
	return r;
}

/* Copy digests that one leaf page holds. */
static int copy_leaf(struct inc_view *view, u64 block, u32 offset, u32 length,
		     u8 *out, bool cached, struct inc_damage *damage)
{
	const struct inc_tree *tree = &view->segment->tree;
	struct page_part part = { 0, block, offset, length };
	u8 expect[INC_DIGEST_MAX], digest[INC_DIGEST_MAX];
	u32 level;
	int r;

	r = copy_verified(view, &part, NULL, out, cached, damage);
	if (r != -EAGAIN || cached)
		return r;

	/* From the root down, each page vouches for the next. */
	memcpy(expect, view->verity.root, view->verity.digest_size);
	for (level = tree->levels - 1; level > 0; level--) {
		struct page_part up = { .level = level, .block = block,
					.length = view->verity.digest_size };

		dm_inc_tree_page(tree, level, block, &up.offset);
		r = copy_verified(view, &up, expect, digest, false, damage);
		if (r)
			return r;
		memcpy(expect, digest, view->verity.digest_size);
	}
	return copy_verified(view, &part, expect, out, false, damage);
}

/**
 * dm_inc_verity_digests - get the digests of blocks
 * @view: the view
 * @block: first block
 * @count: number of blocks
 * @digests: receives a digest each INC_DIGEST_MAX bytes or less: each takes
 *	1 << tree.digest_shift bytes, as in the tree's pages
 * @cached: take nothing but pages that are cached and verified
 * @damage: gets a corrupt tree page
 *
 * Context: process, in the section of store->readers in which all tree pages on
 * the way were found present; sleeps, as dm_inc_backing_get_page() does. Return: 0;
 * -EAGAIN if @cached and a page is not; -EBADMSG if a tree page is corrupt; another
 * negative errno.
 */
int dm_inc_verity_digests(struct inc_view *view, u64 block, u32 count, u8 *digests,
			  bool cached, struct inc_damage *damage)
{
	const struct inc_tree *tree = &view->segment->tree;
	u32 offset, here;
	int r;

	if (!tree->levels) {
		memcpy(digests, view->verity.root, view->verity.digest_size);
		return 0;
	}
	while (count) {
		dm_inc_tree_page(tree, 0, block, &offset);
		here = min(count, (INC_PAGE_SIZE - offset) >> tree->digest_shift);
		r = copy_leaf(view, block, offset, here << tree->digest_shift,
			      digests, cached, damage);
		if (r)
			return r;
		block += here;
		count -= here;
		digests += here << tree->digest_shift;
	}
	return 0;
}

/* The state after the salt, so that it is not hashed for every block. */
static int prepare_salt(struct inc_verity *verity)
{
	SHASH_DESC_ON_STACK(desc, verity->tfm);
	int r;

	verity->initial_state = kmalloc(crypto_shash_statesize(verity->tfm),
					GFP_KERNEL);
	if (!verity->initial_state)
		return -ENOMEM;
	desc->tfm = verity->tfm;
	r = crypto_shash_init(desc);
	if (!r && verity->salt_size)
		r = crypto_shash_update(desc, verity->salt, verity->salt_size);
	if (!r)
		r = crypto_shash_export(desc, verity->initial_state);
	shash_desc_zero(desc);
	return r ?: hash(verity, page_address(ZERO_PAGE(0)),
			 verity->zero_digest);
}

/*
 * The choice of how blocks are hashed: two at a time, if this machine can, and if it
 * comes to what the crypto API does.
 */
static int prepare_pairs(struct inc_verity *verity)
{
	const void *data[2] = { page_address(ZERO_PAGE(0)), NULL };
	u8 digests[2][INC_SHA256X2_DIGEST], expect[INC_DIGEST_MAX];
	u8 *block;
	u32 i;
	int r;

	if (strcmp(verity->hash_name, "sha256") ||
	    !dm_inc_sha256x2_init(&verity->x2, verity->salt, verity->salt_size))
		return 0;
	block = kmalloc(INC_BLOCK_SIZE, GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	for (i = 0; i < INC_BLOCK_SIZE; i++)
		block[i] = i * 37 + (i >> 8);
	data[1] = block;
	r = hash(verity, block, expect);
	if (!r && dm_inc_sha256x2(&verity->x2, data, digests[0])) {
		verity->pairs = !memcmp(digests[0], verity->zero_digest,
					sizeof(digests[0])) &&
				!memcmp(digests[1], expect, sizeof(digests[1]));
		if (!verity->pairs)
			DMERR("two blocks at a time are hashed wrongly: one at a time");
	}
	kfree(block);
	return r;
}

static int parse_salt(struct inc_verity *verity, const char *hex, char **error)
{
	size_t length = strlen(hex);

	if (!strcmp(hex, "-"))
		return 0;
	*error = "Invalid salt: not 1 to 256 bytes in hex, or -";
	if (!length || length & 1 || length > 2 * INC_SALT_MAX)
		return -EINVAL;
	verity->salt_size = length / 2;
	verity->salt = kmalloc(verity->salt_size, GFP_KERNEL);
	if (!verity->salt) {
		*error = "Cannot allocate salt";
		return -ENOMEM;
	}
	return hex2bin(verity->salt, hex, verity->salt_size) ? -EINVAL : 0;
}

/**
 * dm_inc_verity_init - parse the table's root digest, hash and salt
 * @verity: zeroed; on failure, too, freed with dm_inc_verity_destroy()
 * @hash_name: name of a hash in the kernel's crypto API
 * @root_hex: root digest in hex
 * @salt_hex: salt in hex, or "-" for none
 * @error: on failure, a sentence for the target
 *
 * Context: process; sleeps. Return: 0 or a negative errno.
 */
int dm_inc_verity_init(struct inc_verity *verity, const char *hash_name,
		       const char *root_hex, const char *salt_hex, char **error)
{
	int r;

	*error = "Cannot initialise hash";
	verity->hash_name = kstrdup(hash_name, GFP_KERNEL);
	if (!verity->hash_name)
		return -ENOMEM;
	verity->tfm = crypto_alloc_shash(hash_name, 0, 0);
	if (IS_ERR(verity->tfm)) {
		r = PTR_ERR(verity->tfm);
		verity->tfm = NULL;
		return r;
	}
	verity->digest_size = crypto_shash_digestsize(verity->tfm);
	if (!verity->digest_size || verity->digest_size > INC_DIGEST_MAX) {
		*error = "Digest size of the hash is out of range";
		return -EINVAL;
	}
	if (strlen(root_hex) != 2 * verity->digest_size ||
	    hex2bin(verity->root, root_hex, verity->digest_size)) {
		*error = "Invalid root digest: wrong length or not hex";
		return -EINVAL;
	}
	r = parse_salt(verity, salt_hex, error);
	if (r)
		return r;
	*error = "Cannot initialise hash";
	verity->id = atomic64_inc_return(&last_id) << ID_SHIFT;
	r = prepare_salt(verity) ?: prepare_pairs(verity);
	if (!r)
		DMINFO("%s with %s%s", hash_name,
		       crypto_tfm_alg_driver_name(crypto_shash_tfm(verity->tfm)),
		       verity->pairs ? ", two blocks at a time" : "");
	return r;
}

/**
 * dm_inc_verity_destroy - free what dm_inc_verity_init() made
 * @verity: any state dm_inc_verity_init() left it in
 */
void dm_inc_verity_destroy(struct inc_verity *verity)
{
	if (verity->tfm)
		crypto_free_shash(verity->tfm);
	kfree(verity->initial_state);
	kfree(verity->salt);
	kfree(verity->hash_name);
}
