#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mkimage and ext4 at their limits: devices larger than the filesystem, counts of
# links, features, times. (extend.t has layers on ext4, foreign.t others' layouts.)

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"

# ext4 FILE BLOCKS OPTION...: an ext4 of that many blocks of 4096 bytes
ext4() {
	local file=$1 blocks=$2
	shift 2
	rm -f "$file"
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -U clear -E root_owner=0:0 -b 4096 "$@" \
		"$file" "$blocks" >/dev/null
}

# good IMAGE: extract it to "out"; e2fsck finds nothing wrong
good() {
	"$mkimage" extract --force "$1" out && e2fsck -fn out
}

### A device that is larger than its filesystem

mkdir -p more
noise 300000 2 >tail
for behind in 10240 5000; do
	# The file makes it grow, up to the one, not up to the other.
	noise $((behind * 2000)) 1 >more/large
	ext4 raw 3840
	truncate -s 64M raw
	dd if=tail of=raw bs=4096 seek=$behind conv=notrunc status=none
	ok "larger device: create" "$mkimage" create --force raw image
	ok "something at block $behind: extend" "$mkimage" extend --in-place image more
	ok "e2fsck" good image
	is "the device keeps its size" "$(stat -c %s out)" 67108864
	ok "what lies behind is still there" cmp -n 300000 -i $((behind * 4096)):0 out tail
	is "the file is there" "$(debugfs -R 'cat large' out 2>/dev/null | sha256sum)" \
		"$(sha256sum <more/large)"
done
noise 30000000 3 >more/larger
cp image before
fails "growing over it" 1 'ext4 is full, and there are bytes behind it that are not zero' \
	"$mkimage" extend --in-place image more
ok "the image is as it was" cmp image before
rm more/larger
for options in "-b 1024" "-b 2048 -O ^metadata_csum,^uninit_bg"; do
	rm -f raw
	# shellcheck disable=SC2086
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode $options raw 15M >/dev/null 2>&1
	truncate -s 64M raw
	"$mkimage" create --force raw image >/dev/null
	noise 16000000 4 >more/larger
	ok "$options: extend" "$mkimage" extend --in-place image more
	ok "$options: e2fsck" good image
	is "$options: the device keeps its size" "$(stat -c %s out)" 67108864
	# A byte behind a filesystem that ends within a block of 4096 bytes.
	rm -f raw
	# shellcheck disable=SC2086
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode $options raw 15361k >/dev/null 2>&1
	size=$(dumpe2fs -h raw 2>/dev/null | awk -F ': *' '/^Block count/ { n = $2 }
		/^Block size/ { print n * $2 }')
	truncate -s 64M raw
	printf x | dd of=raw bs=1 seek="$size" conv=notrunc status=none
	"$mkimage" create --force raw image >/dev/null
	fails "$options: a byte behind it" 1 'bytes behind it that are not zero' \
		"$mkimage" extend --in-place image more
done
# More inodes need a block group, whose table would be what is there.
ext4 raw 3840 -N 16
truncate -s 256M raw
noise 200000 5 | dd of=raw bs=4096 seek=32770 conv=notrunc status=none
"$mkimage" create --force raw image >/dev/null
mkdir names
seq -f names/%g 15 | xargs touch
fails "a group more over what is not zero" 1 'bytes behind it that are not zero' \
	"$mkimage" extend --in-place image names
ext4 raw 3840 -N 16
truncate -s 256M raw
"$mkimage" create --force raw image >/dev/null
ok "a group more over zeros" "$mkimage" extend --in-place image names
ok "a group more: e2fsck" good image
is "a group more: the device's size" "$(stat -c %s out)" 268435456
rm -rf more names raw image tail before out

finish
