// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Listing paths; see files.h.
 */
#include <search.h>
#include <stdlib.h>
#include "common/message.h"
#include "fs/files.h"
#include "mkimage.h"

/* The most bytes of contents that are read: this, plus so many devices. */
#define CONTENT_MAX	(64ull << 30)
#define CONTENT_FACTOR	16u

int files_open(struct files *files, struct overlay *overlay, files_visit visit,
	       void *context)
{
	const struct inc_segment *seg =
		incr_image_segment(overlay_image(overlay));
	static const u8 zeros[INC_BLOCK_SIZE];

	memset(files, 0, sizeof(*files));
	files->overlay = overlay;
	files->visit = visit;
	files->visit_context = context;
	files->hash = incr_hash_new(seg->hash_name, seg->salt, seg->salt_size);
	files->context = EVP_MD_CTX_new();
	if (!files->hash || !files->context)
		return no_memory();
	incr_hash_digest(files->hash, zeros, sizeof(zeros), files->zeros);
	files->content = CONTENT_MAX +
			 CONTENT_FACTOR * (overlay_blocks(overlay) << INC_BLOCK_SHIFT);
	return 0;
}

void files_close(struct files *files)
{
	tdestroy(files->known, free);
	EVP_MD_CTX_free(files->context);
	incr_hash_free(files->hash);
}

int files_start(struct files *files)
{
	return EVP_DigestInit_ex(files->context, EVP_sha256(), NULL) ?
	       0 : no_memory();
}

int files_add(struct files *files, const void *data, size_t length)
{
	return EVP_DigestUpdate(files->context, data, length) ? 0 : no_memory();
}

int files_finish(struct files *files, u8 *id)
{
	return EVP_DigestFinal_ex(files->context, id, NULL) ? 0 : no_memory();
}

int files_tell(struct files *files, const char *path, const u8 *id)
{
	return files->visit(files->visit_context, path, id);
}

struct known {
	u64 inode;
	u8 id[INC_SHA256_SIZE];
};

static int compare_known(const void *left, const void *right)
{
	const struct known *a = left, *b = right;

	return a->inode < b->inode ? -1 : a->inode > b->inode;
}

const u8 *files_known(struct files *files, u64 inode)
{
	struct known key = { .inode = inode };
	struct known **found = tfind(&key, &files->known, compare_known);

	return found ? (*found)->id : NULL;
}

int files_know(struct files *files, u64 inode, const u8 *id)
{
	struct known *known = malloc(sizeof(*known));

	if (!known)
		return no_memory();
	known->inode = inode;
	memcpy(known->id, id, sizeof(known->id));
	if (tsearch(known, &files->known, compare_known))
		return 0;
	free(known);
	return no_memory();
}

int files_meet(struct files *files, u64 bytes)
{
	if (bytes <= files->content) {
		files->content -= bytes;
		return 0;
	}
	message_error("%s: its files have more in common than can be listed: together they are over %u times as large as the device",
		      overlay_name(files->overlay), CONTENT_FACTOR);
	return -EFBIG;
}

int files_add_block(struct files *files, u64 index, const u8 *digest)
{
	__le64 number = cpu_to_le64(index);
	int ret;

	if (!memcmp(digest, files->zeros, sizeof(files->zeros)))
		return 0;
	ret = files_add(files, &number, sizeof(number));
	return ret ? ret : files_add(files, digest, sizeof(files->zeros));
}

int files_add_blocks(struct files *files, u64 index, u64 block, u64 count)
{
	struct incr_error error;
	u64 part, i;
	int ret = files_meet(files, count << INC_BLOCK_SHIFT);

	for (; !ret && count; count -= part, block += part, index += part) {
		part = count < FILES_DIGESTS ? count : FILES_DIGESTS;
		ret = incr_image_digests(overlay_image(files->overlay), block,
					 part, files->digests, &error);
		if (ret)
			message_error("%s: %s", overlay_name(files->overlay),
				      error.text);
		for (i = 0; !ret && i < part; i++)
			ret = files_add_block(files, index + i, files->digests +
					      i * INC_SHA256_SIZE);
	}
	return ret;
}
