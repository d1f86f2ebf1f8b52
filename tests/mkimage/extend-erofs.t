#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage extend, on erofs: the size of layers, every kind of file, random changes
# compared with a plain directory, and images that it refuses.
# tests/kernel/cases/30-extend-erofs.sh asks the kernel. STEPS=N: N random changes.

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"

tree() {
	python3 "$top/tests/mkimage/tree.py" "$@"
}

extend() {
	"$mkimage" extend --in-place "$@"
}

# image_is WHAT IMAGE DIRECTORY: fsck.erofs finds no fault, and every path is as in
# DIRECTORY
image_is() {
	ok "$1: extract" "$mkimage" extract --force "$2" raw
	ok "$1: fsck" fsck.erofs raw
	tree --erofs raw >got 2>errors || sed 's/^/# /' errors
	tree "$3" >wanted
	ok "$1: every path as in the directory" diff got wanted
}

### The size of a layer

new_file_costs erofs

cost_base
mkdir base/lib/sub cost
for i in $(seq 3000); do : >"base/lib/sub/entry-$i"; done
find base -exec touch -d @1600000000 {} +
noise 1048576 3 >cost/new
ok "create" "$mkimage" create --level 2 base image
layer_size "a new file of 1 MiB" $((1048576 + 65536)) image cost
layer_size "a renamed file of 100 MiB" 65536 --remove lib/large image renamed
cat image layer >extended
mv base/lib/large base/other-name
touch -d @1600000000 base/lib base
image_is "renamed" extended base
mv base/other-name base/lib/large
touch -d @1600000000 base/lib base

rm -r renamed cost
mkdir -p cost/lib
cp -p base/lib/large cost/lib
chmod 600 cost/lib/large
touch -d @1600000000 cost/lib
layer_size "another mode" 65536 image cost
mkdir -p cost/lib/sub
: >cost/lib/sub/entry-x
layer_size "an entry of 3000" 65536 image cost
rm -r cost
cp -a base cost
fails "contents that are there already: no layer" 1 'nothing would change' \
	"$mkimage" extend --force --output layer image cost
rm -r cost base/lib/large image extended layer

### Every kind of file

python3 - <<'END'
import os, socket, struct
os.umask(0o022)
root = os.geteuid() == 0
name = "n" * 251

def put(path, data=b""):
    with open(path, "wb") as file:
        file.write(data)

for top in "old", "new":
    for path in "merged/deep", "gone/below", "both":
        os.makedirs(os.path.join(top, path))
put("old/merged/stays", b"stays")
put("old/merged/deep/replaced", b"old" * 2000)
put("old/gone/below/file", b"x")
put("old/becomes-a-directory", b"x")
os.makedirs("old/becomes-a-file/with/directories")
put("old/becomes-a-file/with/directories/file", b"x")
put("old/linked-1", b"linked")
for i in "234":
    os.link("old/linked-1", "old/linked-" + i)
put("old/was-two", b"a")
os.link("old/was-two", "old/merged/was-two")
os.symlink("target", "old/link")
put("old/empty")
put("old/x" + name, b"x")
put("old/grows", b"short")
put("old/shrinks", b"long" * 3000)
put("old/same", b"same" * 3000)
os.setxattr("old/same", "user.a", b"1")
for i in range(200):
    put("old/both/file%03d" % (2 * i))

os.rmdir("new/gone/below")
put("new/gone/back", b"came back")
put("new/merged/deep/replaced", b"new" * 3000)
put("new/merged/deep/added", b"y" * 4096)
os.mkdir("new/becomes-a-directory")
put("new/becomes-a-directory/file", b"inside")
put("new/becomes-a-file", b"now a file")
put("new/linked-1", b"one of two")
os.link("new/linked-1", "new/linked-new")
os.symlink("another target", "new/link")
# Up to 4032 bytes fit beside the inode, less with attributes.
for i in (1, 59, 60, 2000, 3000, 4030, 4031, 4032, 4033, 4034, 4094, 4095):
    os.symlink("%d" % (i % 10) * i, "new/link-%d" % i)
    os.symlink("%d" % (i % 10) * i, "new/link-too-%d" % i)
    if root:
        os.setxattr("new/link-%d" % i, "trusted.on-a-link", b"x" * (i % 700), follow_symlinks=False)
os.symlink("t" * 4095, "old/link-60")
os.symlink("s" * 60, "old/link-4095")
put("new/empty", b"not empty any more")
put("new/" + name + "1234", b"255 bytes")
put("new/grows", b"long" * 3000)
put("new/shrinks", b"short")
put("new/same", b"same" * 3000)
os.setxattr("new/same", "user.a", b"2")
os.setxattr("new/same", "user.many", b"x" * 3000)
os.setxattr("new/merged", "user.of-a-directory", b"x" * 500)
put("new/attributes", b"t" * 100)
for i in range(6):
    os.setxattr("new/attributes", "user.%d" % i, bytes([i]) * 600)
os.chmod("new/merged", 0o1770)
for i in range(150):
    put("new/both/file%03d" % (3 * i), b"%d" % i)
with open("new/sparse", "wb") as file:
    file.truncate(50 << 20)
    file.seek((30 << 20) + 5)
    file.write(b"island")
os.mkfifo("new/fifo")
os.mkdir("new/many")
for i in range(9000):
    put("new/many/%s%d" % ("-!.~a"[i % 5], i))
for i, odd in enumerate(["!", "-", "+", "...", ".a", "..a", ",", "\u00fc", "\x01", "/\x7f"[1:]]):
    put("new/both/" + odd, b"%d" % i)
deep = "new/deep"
for i in range(60):
    deep += "/d"
os.makedirs(deep)
put(deep + "/file", b"deep")
if root:
    os.mknod("new/device", 0o20640, os.makedev(300, 70000))
    os.mknod("new/disk", 0o60640, os.makedev(8, 1))
    os.chown("new/both", 70000, 5)
    os.lchown("new/link", 3, 4)
    capability = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    os.setxattr("new/grows", "security.capability", capability)
    os.setxattr("new/link", "trusted.on-a-link", b"x", follow_symlinks=False)
acl = struct.pack("<I", 2)
for tag, rights, who in (1, 7, -1), (2, 5, 1000), (4, 4, -1), (16, 7, -1), (32, 0, -1):
    acl += struct.pack("<HHi", tag, rights, who)
os.setxattr("new/merged", "system.posix_acl_default", acl)
os.setxattr("new/merged", "system.posix_acl_access", acl)
server = socket.socket(socket.AF_UNIX)
server.bind("new/socket")
time = 1500000000 * 10**9
for top in "old", "new":
    for base, directories, files in os.walk(top, topdown=False):
        for n in directories + files:
            time += 1000000007
            os.utime(os.path.join(base, n), ns=(time, time), follow_symlinks=False)
    os.utime(top, ns=(time, time))
os.utime("new/grows", (-5, -5))
os.utime("new/shrinks", (1800000000, 1800000000))
END
cp -a old plain
ok "every kind: create" "$mkimage" create old image
ok "every kind: extend" extend --remove /gone/ --remove both//file004 \
	--remove merged/was-two image new
python3 - <<END
import os, sys
sys.path.insert(0, "$top/tests/mkimage")
import steps
os.utime("new/shrinks", ($SOURCE_DATE_EPOCH, $SOURCE_DATE_EPOCH))
steps.apply("plain", "new", ["gone", "both/file004", "merged/was-two"])
END
image_is "every kind" image plain
ok "every kind: verify" "$mkimage" verify image
cp image twice
fails "the same again: no layer" 1 'nothing would change' \
	"$mkimage" extend --in-place twice new
ok "removing only" extend --remove deep --remove many image
rm -r plain/deep plain/many
touch -d "@$(stat -c %.Y old)" plain
image_is "removing only" image plain

mkdir empty-source
touch -d @1600000000 empty-source

ok "wide: create" "$mkimage" create --force empty-source wide
ok "wide: extend" extend wide new
rm -rf plain
python3 - <<END
import os, sys
sys.path.insert(0, "$top/tests/mkimage")
import steps
os.mkdir("plain")
steps.copy_attributes("empty-source", "plain")
steps.apply("plain", "new", [])
END
image_is "onto an empty image" wide plain
rm -rf plain old new wide twice image empty-source

### Random changes

# random SEED STEPS OPTION...: OPTIONs are mkfs.erofs's
random() {
	local seed=$1 steps=$2
	shift 2
	random_base "$seed" || return 1
	if [ $# -gt 0 ]; then
		find plain -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
		mkfs.erofs --quiet "$@" raw plain || return 1
		"$mkimage" create raw image || return 1
	else
		"$mkimage" create plain image || return 1
	fi
	random_steps "$seed" "$steps" fsck.erofs tree.py --erofs || return 1
	rm -rf extracted
	fsck.erofs --extract=extracted out
}

ok "random steps" random one "${STEPS:-12}"
ok "random steps, from compact inodes" random two 6 --ignore-mtime
ok "random steps, from chunks" random three 4 --chunksize=8192

### A large file of which a part changes is a list of chunks

# step WHAT MOST: the next layer of chunked, from the directory next, with MOST bytes
step() {
	touch -d @1600000000 next/* next
	ok "$1: extend" "$mkimage" extend --force --output layer chunked next
	below "$1: the layer is small" "$(stat -c %s layer)" "$2"
	cat layer >>chunked
	ok "$1: verify" "$mkimage" verify chunked
	ok "$1: extract" "$mkimage" extract --force chunked raw
	ok "$1: fsck" fsck.erofs raw
	python3 "$top/tests/mkimage/tree.py" --erofs raw >got
	python3 "$top/tests/mkimage/tree.py" next >wanted
	ok "$1: every path as in the directory" diff got wanted
}
put() {	# put OFFSET: some bytes there
	printf 'changed at %d' "$1" | dd of=next/large bs=1 seek="$1" conv=notrunc status=none
}

rm -rf next
mkdir next
noise 3000000 21 >next/large
echo text >next/small
touch -d @1600000000 next/* next
ok "create" "$mkimage" create --force next chunked
put 1400000
step "a change in the middle" 60000
ok "a list of chunks" python3 -c 'import struct, sys
raw = open("raw", "rb").read()
sys.exit(not struct.unpack_from("<I", raw, 1104)[0] & 4)'
put 300
put 2999900
step "changes at both ends" 80000
echo more >>next/large
step "it becomes longer" 60000
truncate -s 1700001 next/large
step "it becomes shorter" 60000
chmod 600 next/large
step "its mode changes, not its contents" 40000
cp next/large next/other
touch -d @1600000000 next/other
step "a copy of it" 65536
noise 800000 22 >next/large
step "other contents, of no use for a list" 900000
noise 1800000 23 >next/large
truncate -s 2500000 next/large
step "other contents, with a hole" 2000000
put 2300000
step "a change in the hole" 60000

### Refused

mkdir -p small/sub source
echo x >small/sub/file
echo y >source/new
ok "create" "$mkimage" create --force small image
cp image kept
fails "a path that is not there" 1 "no 'sub/files'" \
	"$mkimage" extend --in-place --remove sub/files image source
fails "a path below a file" 1 "no 'sub/file/x'" \
	"$mkimage" extend --in-place --remove sub/file/x image
ok "and the image is as it was" cmp image kept

ok "extract" "$mkimage" extract --force image good
# damaged WHAT TEXT OFFSET HEX: bytes at OFFSET change, the checksum with them
damaged() {
	cp good bad
	python3 - "$3" "$4" <<'END'
import struct, sys
with open("bad", "r+b") as file:
    file.seek(int(sys.argv[1], 0))
    file.write(bytes.fromhex(sys.argv[2]))
    file.seek(1024)
    block = bytearray(file.read(4096 - 1024))
    block[4:8] = bytes(4)
    crc = 0xffffffff
    for byte in block:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    file.seek(1028)
    file.write(struct.pack("<I", crc))
END
	"$mkimage" create --force bad bad.inc >/dev/null || return
	fails "$1" 1 "$2" "$mkimage" extend --in-place bad.inc source
}

# The root is inode 36; its entries ., .., sub follow at 1152 + 64.
at=$((36 * 32))
damaged "another root" "behind the device's end" 1038 ffff
damaged "an unknown feature" "features that are not known" 1104 08
damaged "another compression" "more than LZ4 .algorithms 0x2." 1104 020000000200
damaged "clusters of another size" "clusters of 16877 blocks" 1104 020000000100
damaged "a size that is not so" 'it has 65535 blocks' 1060 ffff0000
damaged "a root of another type" 'layout' $((at + 4)) 0000
damaged "a compact index" 'compressed with a compact index' $at 0700
damaged "a compressed directory" 'compressed but is no file' $at 0300
damaged "an unknown format" 'format 0x' $at ff00
damaged "a directory without end" "behind the device's end" $((at + 8)) 9000000000000001
damaged "contents behind the end" "behind the device's end" $at 0100
damaged "many attributes" "attribute|behind|two blocks" $((at + 2)) ffff
damaged "a wrong name" 'no directory block' $((at + 64 + 8)) 0f00
damaged "a loop" 'is in the tree twice' $((at + 64 + 24)) 2400000000000000
damaged "a wrong .." 'the entry \.\. of' $((at + 64 + 12)) 2700000000000000
# sub is inode 40, and its file the one behind it.
damaged "inodes that overlap" 'more than one inode' $((40 * 32 + 8)) 50
flip good $((1024 + 50))
ok "create" "$mkimage" create --force good bad.inc
fails "a wrong checksum" 1 'wrong checksum' "$mkimage" extend --in-place \
	bad.inc source

finish
