#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage compares the filesystem that it makes with its source, a directory: it
# finds any difference in an inode, and makes no image then.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p tree/directory
noise 5000 1 >tree/directory/victim
ln tree/directory/victim tree/directory/other
noise 3000 2 >tree/alone
ln tree/alone tree/directory/not-alone
ln -s target tree/link
mkfifo tree/fifo
python3 - <<'END'
import os, struct
os.setxattr("tree/alone", "user.a", b"b")
os.setxattr("tree/directory/victim", "user.empty", b"")
acl = struct.pack("<I", 2)
for tag, rights, who in (1, 7, -1), (2, 5, 1000), (4, 4, -1), (8, 6, 0), (16, 7, -1), (32, 0, -1):
    acl += struct.pack("<HHi", tag, rights, who)
os.setxattr("tree/directory", "system.posix_acl_default", acl)
os.setxattr("tree/directory", "system.posix_acl_access", acl)
END
[ "$(id -u)" != 0 ] || mknod tree/device c 1 3

# In mkimage's own writes the bytes FROM become TO.
cat >altered.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);
	const char *from = getenv("FROM"), *to = getenv("TO");
	char *copy = malloc(length ? length : 1), *at = copy;
	ssize_t ret;

	if (!real)
		real = (ssize_t (*)(int, const void *, size_t, off_t))
			dlsym(RTLD_NEXT, "pwrite64");
	memcpy(copy, data, length);
	while (from && (at = memmem(at, length - (size_t)(at - copy), from,
				    strlen(from))))
		memcpy(at, to, strlen(to));
	ret = real(fd, copy, length, offset);
	free(copy);
	return ret;
}
END
# mkimage looks at the directory a second time: one file is different then.
cat >changed.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int lstat64(const char *path, struct stat64 *st)
{
	static int (*real)(const char *, struct stat64 *);
	static int count;
	const char *what = getenv("WHAT"), *file = getenv("FILE");
	int ret;

	if (!real)
		real = (int (*)(const char *, struct stat64 *))
			dlsym(RTLD_NEXT, "lstat64");
	ret = real(path, st);
	if (!what || strlen(path) < strlen(file) ||
	    strcmp(path + strlen(path) - strlen(file), file) ||
	    ++count != atoi(getenv("COUNT")))
		return ret;
	switch (*what) {
	case 'm': st->st_mode ^= 4; break;
	case 'k': st->st_mode ^= S_IFIFO ^ S_IFSOCK; break;
	case 'u': st->st_uid += 65536; break;
	case 'g': st->st_gid++; break;
	case 's': st->st_size++; break;
	case 't': st->st_mtim.tv_sec--; break;
	case 'n': st->st_mtim.tv_nsec ^= 1; break;
	case 'd': st->st_rdev = makedev(1, 5); break;
	case 'l': st->st_nlink = 1; break;
	case 'i': st->st_ino ^= (ino64_t)1 << 62; break;
	}
	return ret;
}
END
for shim in altered changed; do
	ok "a shim" "${CC:-cc}" -D_LARGEFILE64_SOURCE -shared -fPIC -w -o $shim.so $shim.c -ldl
done

altered() {	# altered FROM TO COMMAND...
	local from=$1 to=$2
	shift 2
	FROM=$from TO=$to LD_PRELOAD=$work/altered.so "$mkimage" "$@"
}
found='not as it should be in the filesystem that was made'
fails "a name" 1 "victIm: $found: there is nothing of that name" altered victim victIm create tree image
fails "a link's target" 1 "link: $found: it is a link to another path" altered target tarGet create tree image
fails "an extended attribute" 1 "alone: $found: its extended attributes are others" \
	altered ab az create tree image
ok "there is no image" test ! -e image
ok "with --no-check there is" altered victim victIm create --no-check tree image
"$mkimage" extract image raw >/dev/null
ok "and a file has another name" grep -q victIm raw
rm image raw

changed() {	# changed WHAT FILE COUNT COMMAND...
	local what=$1 file=$2 count=$3
	shift 3
	WHAT=$what FILE=$file COUNT=$count LD_PRELOAD=$work/changed.so "$mkimage" "$@"
}
changed_ones() {	# changed_ones COUNT COMMAND...
	fails "$2 $3: a mode" 1 "alone: $found: its mode is" changed mode /alone "$@"
	fails "$2 $3: a kind" 1 "fifo: $found: its mode is" changed kind /fifo "$@"
	fails "$2 $3: an owner" 1 "alone: $found: its owner is" changed uid /alone "$@"
	fails "$2 $3: a group" 1 "link: $found: its owner is" changed gid /link "$@"
	fails "$2 $3: a size" 1 "alone: $found: it has 3000 bytes instead of 3001" changed size /alone "$@"
	fails "$2 $3: a time" 1 "directory: $found: its time is" changed time /directory "$@"
	fails "$2 $3: nanoseconds" 1 "link: $found: its time is" changed nanoseconds /link "$@"
	[ "$(id -u)" != 0 ] ||
		fails "$2 $3: a device" 1 "device: $found: it is another device" changed device /device "$@"
	fails "$2 $3: a link" 1 "victim: $found: it has 2 names" changed link /victim "$@"
	fails "$2 $3: another inode for one of two names" 1 "alone: $found: it has 2 names instead of 1" changed inode /alone "$@"
	ok "$2 $3: no image" test ! -e image
}
changed_ones 1 create --fs=erofs tree image
changed_ones 2 create --fs=ext4 tree image

# The same for files that extend adds to an image with others.
mkdir base
noise 100 3 >base/mine
for fs in erofs ext4; do
	"$mkimage" create --force --fs $fs base $fs >/dev/null
	ok "$fs: extend" "$mkimage" extend --output layer $fs tree
	rm layer
done
fails "extend erofs: a mode" 1 "alone: $found: its mode is" \
	changed mode /alone 1 extend --output layer erofs tree
fails "extend ext4: a mode" 1 "alone: $found: its mode is" \
	changed mode /alone 2 extend --output layer ext4 tree
ok "there is no layer" test ! -e layer
ok "with --no-check there is" changed mode /alone 2 extend --no-check --output layer ext4 tree

finish
