#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# "mkimage create" of a directory, in erofs: every inode is compared with its
# source, by a reader of the tests' own.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
tree() {
	python3 "$top/tests/mkimage/tree.py" "$@"
}

# same WHAT DIRECTORY: an erofs made of DIRECTORY holds every path of it
same() {
	ok "$1: create" "$mkimage" create --force "$2" image
	"$mkimage" extract --force image raw >/dev/null
	ok "$1: fsck" fsck.erofs raw
	tree "$2" >wanted
	tree --erofs raw >found
	ok "$1: every path as in the directory" diff wanted found
}

python3 - <<'END'
import os, struct
os.umask(0o022)
root = os.geteuid() == 0

def put(path, content=b""):
    with open(path, "wb") as f:
        f.write(content)

# Names of up to 255 bytes, some equal but for the end.
os.mkdir("names")
for length in 1, 2, 100, 252, 253, 254, 255:
    put("names/" + "n" * length, b"%d" % length)
    put("names/" + "n" * (length - 1) + "o", b"%d with an o" % length)
    os.mkdir("names/" + "f" * length)
    put("names/" + "f" * length + "/" + "n" * length, b"below %d" % length)
os.symlink("n" * 255, "names/" + "l" * 255)
for i in range(100):
    put("names/" + "%03d" % i * 85, b"%d" % i)
for name in "-", " ", "!", "\n", "\x7f", "..a", ".a":
    put("names/" + name, name.encode())

# Times: long ago, before 1970, with nanoseconds, in the same second as the newest.
os.mkdir("times")
newest = 1500000000
for i, ns in enumerate((0, 1, 999999999, -1, -1000000000, -1000000001, -2**31 * 10**9,
                        -2**33 * 10**9 + 7, newest * 10**9, newest * 10**9 + 1,
                        newest * 10**9 + 999999998, newest * 10**9 + 999999999)):
    for kind in "file", "directory", "link":
        path = "times/%s%d" % (kind, i)
        if kind == "file":
            put(path, path.encode())
        elif kind == "directory":
            os.mkdir(path)
        else:
            os.symlink("x", path)
        os.utime(path, ns=(0, ns), follow_symlinks=False)
os.utime("times", ns=(0, newest * 10**9 + 999999999))
os.mkdir("old")
put("old/file", b"all of this is older than 1970")
os.utime("old/file", (-5, -5))
os.utime("old", (-7, -7))

# Each kind, each layout, each form of the root.
os.mkdir("kinds")
for size in 0, 1, 4000, 4031, 4032, 4033, 4095, 4096, 4097, 8192, 70000:
    put("kinds/file%d" % size, os.urandom(size))
    if size:
        os.symlink("t" * min(size, 4095), "kinds/link%d" % size)
os.link("kinds/file1", "kinds/again")
os.mkfifo("kinds/fifo")
for i in range(3000):
    put("kinds/some-file-of-many-%d" % i)
if root:
    os.mknod("kinds/device", 0o20640, os.makedev(300, 70000))
    os.mknod("kinds/disk", 0o60640, os.makedev(8, 1))
    os.chown("kinds/file4096", 70000, 5)
    os.chown("kinds/file4097", 5, 4000000000)
    os.setxattr("kinds/link1", "trusted.on-a-link", b"x", follow_symlinks=False)
    os.setxattr("kinds/file1", "security.capability",
                struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    os.chmod("kinds/fifo", 0o6000)
acl = struct.pack("<I", 2)
for tag, rights, who in (1, 7, -1), (2, 5, 1000), (4, 4, -1), (16, 7, -1), (32, 0, -1):
    acl += struct.pack("<HHi", tag, rights, who)
os.setxattr("kinds", "system.posix_acl_default", acl)
os.setxattr("kinds", "system.posix_acl_access", acl)
os.setxattr("kinds/file8192", "user.empty", b"")
os.setxattr("kinds/file4000", "user.large", b"v" * 3000)
with open("kinds/holes", "wb") as f:
    for at in 0, 1 << 20, (5 << 20) + 4095, 40 << 20:
        f.seek(at)
        f.write(b"island %d" % at)
    f.truncate(64 << 20)
os.mkdir("all")
for name in "names", "times", "kinds", "old":
    os.rename(name, "all/" + name)
os.mkdir("all/elsewhere")
put("all/one", b"by two names")
os.link("all/one", "all/elsewhere/two")
os.setxattr("all", "user.root", b"r" * 3500)
os.utime("all", ns=(0, -123456789012))
os.mkdir("nothing")
END
for directory in names times old kinds; do
	same "$directory" "all/$directory"
done
same "all of it" all
same "an empty directory" nothing

# Neither readdir()'s order nor atime makes a difference.
"$mkimage" create all first >/dev/null
cp -a all copy
ok "a copy" "$mkimage" create --threads 3 copy second
ok "makes the same bytes" cmp first second

# SOURCE_DATE_EPOCH limits times, and does nothing else.
export SOURCE_DATE_EPOCH=1000000000
find copy -newermt @1000000000 -exec touch -hd @1000000000 {} +
"$mkimage" create --force all first >/dev/null
ok "SOURCE_DATE_EPOCH" "$mkimage" create --force copy second
ok "limits times" cmp first second
"$mkimage" extract --force first raw >/dev/null
tree copy >wanted
tree --erofs raw >found
ok "and leaves earlier ones as they are" diff wanted found
unset SOURCE_DATE_EPOCH

# A reader of every byte would never end.
mkdir vast
truncate -s 4T vast/file
printf here | dd of=vast/file bs=1 seek=3000000000001 conv=notrunc status=none
ok "4 TiB of holes" timeout 300 "$mkimage" create --force vast image
ok "are extracted" timeout 300 "$mkimage" extract --force image raw
is "with the data between them" "$(python3 - <<'END'
import os
raw = os.open("raw", os.O_RDONLY)
at, found = 8192, []
while True:
    try:
        at = os.lseek(raw, at, os.SEEK_DATA)
    except OSError:
        break
    end = os.lseek(raw, at, os.SEEK_HOLE)
    found.append(os.pread(raw, end - at, at).strip(b"\0"))
    at = end
print(found)
END
)" "[b'here']"
truncate -s 15T vast/second
truncate -s 4T vast/third
fails "more than a device can hold" 1 'vast/.*: the erofs would get larger than 16 TiB' \
	"$mkimage" create --force vast image

finish
