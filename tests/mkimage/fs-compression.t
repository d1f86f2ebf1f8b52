#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An erofs that compresses its files: every file is right, as fsck.erofs and a script
# that was written for this (tree.py) read it, after random layers, too.
# tests/trees asks the kernel. STEPS=N: N random changes.

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"

tree() {
	python3 "$top/tests/mkimage/tree.py" "$@"
}

# is_as WHAT IMAGE DIRECTORY all|contents: fsck.erofs extracts the same files, and
# with "all" every path is as in DIRECTORY, too
is_as() {
	rm -rf raw extracted
	ok "$1: extract" "$mkimage" extract --force "$2" raw
	ok "$1: fsck" fsck.erofs --extract=extracted raw
	ok "$1: as fsck.erofs extracts it" diff -r --no-dereference "$3" extracted
	rm -rf extracted
	[ "$4" = all ] || return 0
	tree --erofs raw >got 2>errors || sed 's/^/# /' errors
	tree "$3" >wanted
	ok "$1: every path as in the directory" diff got wanted
}

### Sizes around blocks and pieces, contents that compress well, badly and not at all

mkdir -p files/below
python3 - <<'END'
import os, random
pick = random.Random(1)
words = [bytes(pick.choice(b"abcdefghij") for _ in range(pick.randrange(2, 9))) for _ in range(300)]

def text(size):
    out = bytearray()
    while len(out) < size:
        out += pick.choice(words) + b" "
    return bytes(out[:size])

def mixed(size):
    out = bytearray()
    while len(out) < size:
        out += pick.choice([text, pick.randbytes, lambda n: bytes([65]) * n])(pick.randrange(1, 40000))
    return bytes(out[:size])

for name, make in ("text", text), ("noise", pick.randbytes), ("mixed", mixed), ("same", lambda n: b"x" * n):
    for size in (0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 65536, 131072, 131073, 262145,
                 (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3000000):
        with open("files/%s-%d" % (name, size), "wb") as file:
            file.write(make(size))
with open("files/holes", "wb") as file:
    file.truncate(20 << 20)
    file.seek(5 << 20)
    file.write(text(100000))
os.setxattr("files/text-65536", "user.a", b"x" * 3000)
os.link("files/text-65536", "files/below/link")
END
find files -exec touch -d @1600000000 {} +
for size in 4K 8K 16K 64K; do
	all=contents
	case $size in 4K|64K) all=all ;; esac
	ok "clusters of $size" "$mkimage" create --force --level 2 \
		--fs-compression "lz4hc,$size" files "image-$size"
	is_as "clusters of $size" "image-$size" files $all
	ok "clusters of $size: the image is good" "$mkimage" verify "image-$size"
	is "a readahead that fails is not read again" \
		"$(value "image-$size" segment.features)" -
done
ok "without a size" "$mkimage" create --level 2 --fs-compression lz4hc files image
ok "it is 4K" cmp image image-4K
ok "one thread" "$mkimage" create --force --level 2 --threads 1 \
	--fs-compression lz4hc,16K files image
ok "makes the same" cmp image image-16K
device() {
	value "$1" device_bytes
}
"$mkimage" create --force --level 2 files image >/dev/null
ok "the device is smaller: $(device image-4K) bytes instead of $(device image)" \
	[ $(($(device image-4K) * 100)) -lt $(($(device image) * 75)) ]
rm -f image image-8K image-16K

### A layer: contents that change, grow, shrink, and some under another name

mkdir new
python3 - <<'END'
import random, shutil
data = open("files/mixed-3000000", "rb").read()
for name, contents in (("mixed-3000000", data[:1000000] + b"inserted" + data[1000000:]),
                       ("same-1048576", b"short"), ("noise-8193", data[:70000]),
                       ("text-1", data[:200000]), ("mixed-65536", b""), ("added", data[:5000]),
                       ("fresh", random.Random(3).randbytes(400000))):
    with open("new/" + name, "wb") as file:
        file.write(contents)
shutil.copy("files/text-3000000", "new/another")
shutil.copy("files/text-262145", "new/same-4097")
END
# Its attributes alone change, and they no longer fit where they were.
cp -p files/text-1048577 new
python3 -c 'import os; os.setxattr("new/text-1048577", "user.b", b"x" * 2000)'
find new -type f -exec touch -d @1600000001 {} +
touch -d "@$(stat -c %.Y files)" new
cp -a new/. files
for size in 4K 64K; do
	layer_size "a layer, $size" $((2 << 20)) "image-$size" new
	cat layer >>"image-$size"
	read -r stored aligned <<<"$(python3 "$top/tests/mkimage/references.py" stored "image-$size")"
	ok "of its $stored blocks that are stored as they are $aligned begin at chunks" \
		test $((aligned * 10)) -ge $((stored * 9)) -a "$stored" -gt 50
	is_as "a layer, $size" "image-$size" files all
	fails "the same again, $size: no layer" 1 'nothing would change' \
		"$mkimage" extend --in-place "image-$size" new
done
mkdir renamed
cp -p files/mixed-3000000 renamed/elsewhere
layer_size "a file of 3 MB under another name" 65536 --remove mixed-3000000 image-4K renamed
rm -r new renamed

### Random changes

random() {	# random SEED STEPS SIZE
	random_base "$1" || return 1
	"$mkimage" create --level 2 --fs-compression "lz4hc,$3" plain image || return 1
	random_steps "$1" "$2" fsck.erofs tree.py --erofs || return 1
	rm -rf extracted
	fsck.erofs --extract=extracted out
}
ok "random steps, 4K" random one "${STEPS:-5}" 4K
ok "random steps, 32K" random two "${STEPS:-5}" 32K

### Refused

for text in "" lz4 zstd "lz4hc," lz4hc,2K lz4hc,128K lz4hc,5000 lz4hc12 "lz4hc,4K,"; do
	fails "'$text'" 2 'fs-compression' "$mkimage" create \
		--fs-compression "$text" files refused
done
fails "ext4" 2 'goes with --fs erofs only' "$mkimage" create --fs ext4 \
	--fs-compression lz4hc files refused
fails "--raw" 2 'not with --raw' "$mkimage" create --raw --fs-compression lz4hc raw refused
fails "a raw image" 1 'raw: it is a raw filesystem image, and --fs-compression goes with files' \
	"$mkimage" create --fs-compression lz4hc raw refused
ok "nothing was made" test ! -e refused

finish
