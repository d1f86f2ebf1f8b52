// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Telling what a raw image holds; see magic.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "common/message.h"
#include "format.h"
#include "fs/magic.h"

/*
 * The order matters: two bytes may match by chance, and an apparent partition
 * table may be the boot sector of a filesystem.
 */
static const struct magic {
	u32 offset;
	u32 size;
	const char *bytes;
	const char *what;	/* NULL: a filesystem */
} magics[] = {
	{ 0, 8, INC_MAGIC, "an incremental image; the command \"extract\" makes a raw one of it" },
	{ 257, 5, "ustar", "a tar archive; unpack it, and give the directory" },
	{ 0, 4, "PK\3\4", "a zip archive; unpack it, and give the directory" },
	{ 0, 6, "070701", "a cpio archive; unpack it, and give the directory" },
	{ 0, 8, "!<arch>\n", "an archive of ar; unpack it, and give the directory" },
	{ 0, 6, "\xfd" "7zXZ", "compressed by xz; unpack it first" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first" },
	{ 0, 3, "\x1f\x8b\x08", "compressed by gzip; unpack it first" },
	{ 0, 3, "BZh", "compressed by bzip2; unpack it first" },
	{ 0, 4, "QFI\xfb", "a qcow2 image; \"qemu-img convert -O raw\" makes a raw one of it" },
	{ 0, 6, "LUKS\xba\xbe", "an encrypted device (LUKS)" },
	{ 0, 6, "verity", "a hash tree of dm-verity" },
	{ 4086, 10, "SWAPSPACE2", "swap space" },
	{ 1024, 4, "\xe2\xe1\xf5\xe0", NULL },	/* erofs */
	{ 0, 4, "hsqs", NULL },			/* squashfs */
	{ 0, 4, "XFSB", NULL },
	{ 65600, 8, "_BHRfS_M", NULL },		/* btrfs */
	{ 1024, 4, "\x10\x20\xf5\xf2", NULL },	/* f2fs */
	{ 4120, 4, "\xc6\x85\x73\xf6", NULL },	/* bcachefs */
	{ 54, 5, "FAT12", NULL },
	{ 54, 5, "FAT16", NULL },
	{ 82, 5, "FAT32", NULL },
	{ 3, 8, "EXFAT   ", NULL },
	{ 3, 8, "NTFS    ", NULL },
	{ 32769, 5, "CD001", NULL },		/* iso9660 */
	{ 32769, 5, "BEA01", NULL },		/* udf */
	{ 0, 4, "\x45\x3d\xcd\x28", NULL },	/* cramfs */
	{ 0, 8, "-rom1fs-", NULL },
	{ 1080, 2, "\x53\xef", NULL },		/* ext2, ext3, ext4 */
	{ 1040, 2, "\x7f\x13", NULL },		/* minix, five of them */
	{ 1040, 2, "\x8f\x13", NULL },
	{ 1040, 2, "\x68\x24", NULL },
	{ 1040, 2, "\x78\x24", NULL },
	{ 1048, 2, "\x5a\x4d", NULL },
	{ 1030, 2, "\x34\x34", NULL },		/* nilfs2 */
	{ 512, 8, "EFI PART", "a partition table; give one partition" },
	{ 510, 2, "\x55\xaa", "a partition table; give one partition" },
};

static bool matches(int fd, const struct magic *magic)
{
	char found[16];

	return pread(fd, found, magic->size, magic->offset) ==
	       (ssize_t)magic->size &&
	       !memcmp(found, magic->bytes, magic->size);
}

int magic_check(int fd, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (!matches(fd, &magics[i]))
			continue;
		if (!magics[i].what)
			return 0;
		message_error("%s: no filesystem: it is %s; --raw takes it as it is",
			      name, magics[i].what);
		return -EINVAL;
	}
	message_error("%s: no filesystem that is known here, so nothing would mount the image; --raw takes it as it is",
		      name);
	return -EINVAL;
}
