// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory becomes an uncompressed erofs: the image compresses it.
 */
#include <stdio.h>
#include "mkimage.h"
#include "program.h"
#include "source.h"
#include "walk.h"

int erofs_build(const char *path, const struct walk *walk, int fd)
{
	char file[32], epoch[64], uuid_text[UUID_TEXT_SIZE];
	const char *const argv[] = {
		"mkfs.erofs", "--quiet", "-U", uuid_text, "--", file, path, NULL
	};
	/*
	 * It takes no file's time to be later, and makes the filesystem's own
	 * time that; and it keeps all other times to the nanosecond.
	 */
	const char *const environment[] = { epoch, NULL };
	u8 uuid[16];

	source_derive_uuid(walk->id, "filesystem", uuid);
	uuid_format(uuid, uuid_text);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	snprintf(epoch, sizeof(epoch), "SOURCE_DATE_EPOCH=%lld",
		 (long long)walk->epoch);
	return program_run(argv, environment, "erofs-utils", fd, NULL);
}
