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

static u64 number(const u8 *at, u32 width)
{
	u64 value = 0;

	while (width--)
		value = value << 8 | at[width];
	return value;
}

static u64 erofs_size(const u8 *start)
{
	const u8 *super = start + 1024;

	return number(super + 36, 4) << (super[12] & 31);
}

static u64 squashfs_size(const u8 *start)
{
	return number(start + 40, 8);
}

/* The number of blocks has an upper half with the feature 64bit. */
static u64 ext4_size(const u8 *start)
{
	const u8 *super = start + 1024;
	u64 blocks = number(super + 4, 4);

	if (super[96] & 0x80)
		blocks |= number(super + 336, 4) << 32;
	return blocks >> 44 || super[24] > 6 ? 0 : blocks << (10 + super[24]);
}

/*
 * The order matters: two bytes may match by chance, and an apparent partition
 * table may be the boot sector of a filesystem.
 */
static const struct magic {
	u32 offset;
	u32 size;
	const char *bytes;
	const char *what;	/* NULL: a filesystem */
	u64 (*bytes_of)(const u8 *start); /* its size, where that is known */
} magics[] = {
	{ 0, 8, INC_MAGIC, "an incremental image; the command \"extract\" makes a raw one of it", NULL },
	{ 257, 5, "ustar", "a damaged tar archive", NULL },
	{ 0, 8, "!<arch>\n", "an archive of ar, but no Debian package; unpack it, and give the directory", NULL },
	{ 0, 4, "QFI\xfb", "a qcow2 image; \"qemu-img convert -O raw\" makes a raw one of it", NULL },
	{ 0, 6, "LUKS\xba\xbe", "an encrypted device (LUKS)", NULL },
	{ 0, 6, "verity", "a hash tree of dm-verity", NULL },
	{ 4086, 10, "SWAPSPACE2", "swap space", NULL },
	{ 1024, 4, "\xe2\xe1\xf5\xe0", NULL, erofs_size },
	{ 0, 4, "hsqs", NULL, squashfs_size },
	{ 0, 4, "XFSB", NULL, NULL },
	{ 65600, 8, "_BHRfS_M", NULL, NULL },		/* btrfs */
	{ 1024, 4, "\x10\x20\xf5\xf2", NULL, NULL },	/* f2fs */
	{ 4120, 4, "\xc6\x85\x73\xf6", NULL, NULL },	/* bcachefs */
	{ 54, 5, "FAT12", NULL, NULL },
	{ 54, 5, "FAT16", NULL, NULL },
	{ 82, 5, "FAT32", NULL, NULL },
	{ 3, 8, "EXFAT   ", NULL, NULL },
	{ 3, 8, "NTFS    ", NULL, NULL },
	{ 32769, 5, "CD001", NULL, NULL },		/* iso9660 */
	{ 32769, 5, "BEA01", NULL, NULL },		/* udf */
	{ 0, 4, "\x45\x3d\xcd\x28", NULL, NULL },	/* cramfs */
	{ 0, 8, "-rom1fs-", NULL, NULL },
	{ 1080, 2, "\x53\xef", NULL, ext4_size },	/* ext2, ext3, ext4 */
	{ 1040, 2, "\x7f\x13", NULL, NULL },		/* minix, five of them */
	{ 1040, 2, "\x8f\x13", NULL, NULL },
	{ 1040, 2, "\x68\x24", NULL, NULL },
	{ 1040, 2, "\x78\x24", NULL, NULL },
	{ 1048, 2, "\x5a\x4d", NULL, NULL },
	{ 1030, 2, "\x34\x34", NULL, NULL },		/* nilfs2 */
	{ 512, 8, "EFI PART", "a partition table; give one partition", NULL },
	{ 510, 2, "\x55\xaa", "a partition table; give one partition", NULL },
};

static bool matches(int fd, const struct magic *magic)
{
	char found[16];

	return pread(fd, found, magic->size, magic->offset) ==
	       (ssize_t)magic->size &&
	       !memcmp(found, magic->bytes, magic->size);
}

/* A file that is shorter than its filesystem has been cut off: nothing mounts it. */
static int check_size(int fd, const char *name, const struct magic *magic)
{
	off_t file = lseek(fd, 0, SEEK_END);
	u8 start[4096];
	u64 size;

	if (!magic->bytes_of || file < (off_t)sizeof(start) ||
	    pread(fd, start, sizeof(start), 0) != sizeof(start))
		return 0;
	size = magic->bytes_of(start);
	if (size <= (u64)file)
		return 0;
	message_error("%s: its filesystem has %llu bytes, and the file %llu: it is cut off; --raw takes it as it is",
		      name, (unsigned long long)size, (unsigned long long)file);
	return -EINVAL;
}

int magic_check(int fd, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (!matches(fd, &magics[i]))
			continue;
		if (!magics[i].what)
			return check_size(fd, name, &magics[i]);
		message_error("%s: no filesystem: it is %s; --raw takes it as it is",
			      name, magics[i].what);
		return -EINVAL;
	}
	message_error("%s: no filesystem that is known here, so nothing would mount the image; --raw takes it as it is",
		      name);
	return -EINVAL;
}
