// SPDX-License-Identifier: GPL-2.0-only
/*
 * Digests of extended attributes; see xattr-sum.h.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "message.h"
#include "mkimage.h"
#include "walk.h"
#include "xattr-sum.h"

bool xattr_sum_add(u8 *sum, const char *name, const void *value, size_t length)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	u8 one[INC_SHA256_SIZE];
	bool done;
	size_t i;

	done = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(digest, name, strlen(name) + 1) &&
	       EVP_DigestUpdate(digest, value, length) &&
	       EVP_DigestFinal_ex(digest, one, NULL);
	for (i = 0; done && i < sizeof(one); i++)
		sum[i] ^= one[i];
	EVP_MD_CTX_free(digest);
	return done;
}

int xattr_sum_of_file(const char *path, u8 *sum)
{
	char *list = NULL, *value = NULL, *name;
	size_t list_room = 0, value_room = 0;
	ssize_t size = walk_xattr(path, NULL, &list, &list_room), length = 0;
	int ret = 0;

	memset(sum, 0, INC_SHA256_SIZE);
	if (size < 0 && errno != ENOTSUP)
		ret = -errno;
	for (name = list; !ret && size > 0 && name < list + size;
	     name += strlen(name) + 1) {
		length = walk_xattr(path, name, &value, &value_room);
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
