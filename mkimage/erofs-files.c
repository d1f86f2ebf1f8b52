// SPDX-License-Identifier: GPL-2.0-only
/*
 * All paths of an erofs, each with a digest of what is there: see files_visit
 * in extend.h.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "erofs-tree.h"
#include "extend.h"
#include "hash.h"
#include "message.h"

/* Digests that are asked for at a time. */
#define DIGESTS		1024u

struct lister {
	struct overlay *overlay;
	struct erofs_image *image;
	struct inc_hash *hash;
	EVP_MD_CTX *context;
	u8 *digests;
	u8 zeros[INC_SHA256_SIZE];	/* digest of a block of them */
	files_visit visit;
	void *visit_context;
};

static int read_overlay(void *context, u64 offset, void *data, size_t length)
{
	return overlay_read(context, offset, length, data);
}

static int add(struct lister *lister, const void *data, size_t length)
{
	if (EVP_DigestUpdate(lister->context, data, length))
		return 0;
	message_error("out of memory");
	return -ENOMEM;
}

/* Digests of @count blocks of the device, or of zeros. */
static int add_blocks(struct lister *lister, u32 block, u64 count)
{
	struct inc_error error;
	int ret = 0;

	while (!ret && count) {
		u64 part = count < DIGESTS ? count : DIGESTS, i;

		if (block == EROFS_NO_BLOCK) {
			for (i = 0; !ret && i < part; i++)
				ret = add(lister, lister->zeros,
					  sizeof(lister->zeros));
			count -= part;
			continue;
		}
		ret = inc_image_digests(overlay_image(lister->overlay), block,
					part, lister->digests, &error);
		if (ret)
			message_error("%s: %s", lister->image->device->name,
				      error.text);
		else
			ret = add(lister, lister->digests,
				  part * INC_SHA256_SIZE);
		block += (u32)part;
		count -= part;
	}
	return ret;
}

/* The same for the same contents, inline or not. */
static int add_file(struct lister *lister, const struct erofs_inode *inode)
{
	u64 full = erofs_full_blocks(inode), index, count;
	u8 tail[EROFS_BLOCK_SIZE] = { 0 }, digest[INC_SHA256_SIZE];
	u32 block, size = erofs_tail_size(inode);
	int ret = 0;

	for (index = 0; !ret && index < full; index += count) {
		ret = erofs_content_blocks(lister->image, inode, index, &block,
					   &count);
		if (!ret)
			ret = add_blocks(lister, block, count);
	}
	if (ret || !size)
		return ret;
	ret = erofs_content_read(lister->image, inode,
				 full << EROFS_BLOCK_SHIFT, tail, size);
	if (ret)
		return ret;
	inc_hash_digest(lister->hash, tail, sizeof(tail), digest);
	return add(lister, digest, sizeof(digest));
}

static int add_link(struct lister *lister, const struct erofs_inode *inode)
{
	char target[EROFS_LINK_MAX];
	int ret = erofs_content_read(lister->image, inode, 0, target,
				     (size_t)inode->size);

	return ret ? ret : add(lister, target, (size_t)inode->size);
}

static int add_inode(struct lister *lister, const struct erofs_inode *inode)
{
	bool folder = S_ISDIR(inode->mode);
	/* What a directory holds is told by the paths. */
	__le64 numbers[] = {
		cpu_to_le64(inode->mode),
		cpu_to_le64(inode->uid),
		cpu_to_le64(inode->gid),
		cpu_to_le64((u64)inode->mtime),
		cpu_to_le64(inode->mtime_nanoseconds),
		cpu_to_le64(folder ? 0 : inode->nlink),
		cpu_to_le64(folder ? 0 : inode->size),
		cpu_to_le64(erofs_has_content(inode->mode) ? 0 :
							     inode->address),
	};
	struct erofs_xattrs xattrs;
	int ret;

	ret = add(lister, numbers, sizeof(numbers));
	if (ret)
		return ret;
	ret = erofs_xattrs_read(lister->image, inode, &xattrs);
	if (ret)
		return ret;
	if (xattrs.size)
		ret = add(lister, xattrs.data, xattrs.size);
	erofs_xattrs_free(&xattrs);
	if (!ret && S_ISREG(inode->mode))
		ret = add_file(lister, inode);
	if (!ret && S_ISLNK(inode->mode))
		ret = add_link(lister, inode);
	return ret;
}

static int list_node(void *context, struct erofs_node *node,
		     const struct erofs_entry *entry, const char *path)
{
	struct lister *lister = context;
	u8 id[INC_SHA256_SIZE];
	int ret;

	(void)entry;
	if (!EVP_DigestInit_ex(lister->context, EVP_sha256(), NULL)) {
		message_error("out of memory");
		return -ENOMEM;
	}
	ret = add_inode(lister, &node->disk);
	if (ret)
		return ret;
	if (!EVP_DigestFinal_ex(lister->context, id, NULL)) {
		message_error("out of memory");
		return -ENOMEM;
	}
	return lister->visit(lister->visit_context, path, id);
}

int erofs_files(struct overlay *overlay, files_visit visit, void *context)
{
	const struct inc_segment *seg =
		inc_image_segment(overlay_image(overlay));
	struct erofs_device device = {
		.read = read_overlay,
		.context = overlay,
		.name = overlay_name(overlay),
		.blocks = overlay_blocks(overlay),
	};
	static const u8 zeros[EROFS_BLOCK_SIZE];
	struct erofs_image image;
	struct erofs_tree tree = { 0 };
	struct lister lister = {
		.overlay = overlay,
		.image = &image,
		.visit = visit,
		.visit_context = context,
	};
	int ret;

	ret = erofs_open(&image, &device);
	lister.hash = inc_hash_new(seg->hash_name, seg->salt, seg->salt_size);
	lister.context = EVP_MD_CTX_new();
	lister.digests = malloc(DIGESTS * INC_SHA256_SIZE);
	if (!ret && (!lister.hash || !lister.context || !lister.digests)) {
		message_error("out of memory");
		ret = -ENOMEM;
	}
	if (!ret)
		ret = erofs_tree_load(&tree, &image);
	if (!ret) {
		inc_hash_digest(lister.hash, zeros, sizeof(zeros),
				lister.zeros);
		ret = erofs_tree_visit(&tree, list_node, &lister);
	}
	erofs_tree_free(&tree);
	erofs_close(&image);
	EVP_MD_CTX_free(lister.context);
	inc_hash_free(lister.hash);
	free(lister.digests);
	return ret;
}
