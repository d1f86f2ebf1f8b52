// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Digests of extended attributes; see xattr-sum.h.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "common/message.h"
#include "fs/walk.h"
#include "fs/xattr-sum.h"

/* A POSIX ACL, as the kernel tells it: this, and then entries. */
#define ACL_HEAD	4u
struct acl_entry {
	__le16 tag;
	__le16 rights;
	__le32 id;
};

#define ACL_USER	2u
#define ACL_GROUP	8u

/*
 * Only entries for a certain user or group have an id; the field is undefined
 * in others: the kernel has -1 there, libext2fs 0.
 */
static void without_ids(u8 *acl, size_t length)
{
	struct acl_entry entry;
	size_t at;

	for (at = ACL_HEAD; at + sizeof(entry) <= length; at += sizeof(entry)) {
		memcpy(&entry, acl + at, sizeof(entry));
		if (le16_to_cpu(entry.tag) != ACL_USER &&
		    le16_to_cpu(entry.tag) != ACL_GROUP)
			entry.id = cpu_to_le32(UINT32_MAX);
		memcpy(acl + at, &entry, sizeof(entry));
	}
}

bool xattr_sum_add(u8 *sum, const char *name, const void *value, size_t length)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	u8 one[INC_SHA256_SIZE], *copy = malloc(length + 1);
	bool done;
	size_t i;

	if (copy && length)
		memcpy(copy, value, length);
	if (copy && !strncmp(name, "system.posix_acl_", 17))
		without_ids(copy, length);
	done = digest && copy && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(digest, name, strlen(name) + 1) &&
	       EVP_DigestUpdate(digest, copy, length) &&
	       EVP_DigestFinal_ex(digest, one, NULL);
	for (i = 0; done && i < sizeof(one); i++)
		sum[i] ^= one[i];
	EVP_MD_CTX_free(digest);
	free(copy);
	return done;
}

int xattr_sum_of_file(const struct tree *tree, const char *path, u8 *sum)
{
	char *list = NULL, *value = NULL, *name;
	size_t list_room = 0, value_room = 0;
	ssize_t size = tree_xattr(tree, path, NULL, &list, &list_room), length = 0;
	int ret = 0;

	memset(sum, 0, INC_SHA256_SIZE);
	if (size < 0 && errno != ENOTSUP)
		ret = -errno;
	for (name = list; !ret && size > 0 && name < list + size;
	     name += strlen(name) + 1) {
		length = tree_xattr(tree, path, name, &value, &value_room);
		if (length < 0 && errno != ENODATA)
			ret = -errno;
		else if (length >= 0 &&
			 !xattr_sum_add(sum, name, value, (size_t)length))
			ret = -ENOMEM;
	}
	free(list);
	free(value);
	if (ret)
		message_error("%s: cannot read its extended attributes: %s",
			      path, strerror(-ret));
	return ret;
}
