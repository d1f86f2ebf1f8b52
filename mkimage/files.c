// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing paths; see files.h.
 */
#include "files.h"
#include "message.h"
#include "mkimage.h"

int files_open(struct files *files, struct overlay *overlay, files_visit visit,
	       void *context)
{
	const struct inc_segment *seg =
		inc_image_segment(overlay_image(overlay));
	static const u8 zeros[INC_BLOCK_SIZE];

	memset(files, 0, sizeof(*files));
	files->overlay = overlay;
	files->visit = visit;
	files->visit_context = context;
	files->hash = inc_hash_new(seg->hash_name, seg->salt, seg->salt_size);
	files->context = EVP_MD_CTX_new();
	if (!files->hash || !files->context)
		return no_memory();
	inc_hash_digest(files->hash, zeros, sizeof(zeros), files->zeros);
	return 0;
}

void files_close(struct files *files)
{
	EVP_MD_CTX_free(files->context);
	inc_hash_free(files->hash);
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

int files_tell(struct files *files, const char *path)
{
	u8 id[INC_SHA256_SIZE];

	return EVP_DigestFinal_ex(files->context, id, NULL) ?
	       files->visit(files->visit_context, path, id) : no_memory();
}

int files_digests(const struct files *files, u64 block, u64 count, u8 *digests)
{
	struct inc_error error;
	int ret = inc_image_digests(overlay_image(files->overlay), block, count,
				    digests, &error);

	if (ret)
		message_error("%s: %s", overlay_name(files->overlay),
			      error.text);
	return ret;
}
