// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory becomes an ext4 without a journal.
 */
#include <stdio.h>
#include <unistd.h>
#include "message.h"
#include "mkimage.h"
#include "program.h"
#include "source.h"
#include "walk.h"

int ext4_build(const char *path, const struct walk *walk, int fd)
{
	char file[32], size[32], inodes[32], epoch[64], extended[128];
	char uuid_text[UUID_TEXT_SIZE], seed_text[UUID_TEXT_SIZE];
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256",
		"-m", "0", "-N", inodes, "-O", "^has_journal,^resize_inode",
		"-U", uuid_text, "-E", extended, "-d", path, file, size, NULL
	};
	const char *const environment[] = { epoch, NULL };
	u64 blocks = walk->file_blocks + walk->folder_blocks +
		     walk->link_blocks + walk->xattr_blocks +
		     walk->extent_blocks;
	u8 uuid[16], seed[16];

	source_derive_uuid(walk->id, "filesystem", uuid);
	source_derive_uuid(walk->id, "hash seed", seed);
	uuid_format(uuid, uuid_text);
	uuid_format(seed, seed_text);
	blocks += walk->inodes / 16 + blocks / 32 + 1024;
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)blocks);
	snprintf(inodes, sizeof(inodes), "%llu",
		 (unsigned long long)walk->inodes + 11);
	snprintf(extended, sizeof(extended),
		 "hash_seed=%s,lazy_itable_init=0,nodiscard", seed_text);
	snprintf(epoch, sizeof(epoch), "E2FSPROGS_FAKE_TIME=%lld",
		 (long long)walk->epoch);
	return program_run(argv, environment, "e2fsprogs", fd);
}
