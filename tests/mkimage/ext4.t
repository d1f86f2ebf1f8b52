#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage and ext4 at their limits: devices larger than the filesystem, counts of
# links, features, times. (extend.t has layers on ext4, layouts.t the layouts of
# mke2fs.)

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

# good IMAGE: extract it to "out"; e2fsck finds no fault
good() {
	"$mkimage" extract --force "$1" out && "$top/tests/mkimage/ext4-good" out
}

### More groups than there are descriptors

# With the first options the groups that are added include some with copies of the
# descriptors, the second and fourth.  With the others one block holds the descriptors
# of 16 or 32 groups: more are reserved, or go into the groups.
mkdir grown
noise 36000000 5 >grown/large
for options in "-b 1024" "-b 1024 -g 1024" "-b 1024 -g 1024 -O ^resize_inode" \
	"-b 1024 -g 1024 -O ^resize_inode,^64bit,^flex_bg"; do
	rm -f raw
	# shellcheck disable=SC2086
	mke2fs -q -F -t ext4 -O ^has_journal $options raw 6M >/dev/null 2>&1
	"$mkimage" create --force raw image >/dev/null
	ok "$options: extend" "$mkimage" extend --in-place image grown
	ok "$options: e2fsck" good image
	is "$options: the file is there" "$(debugfs -R 'cat large' out 2>/dev/null | sha256sum)" \
		"$(sha256sum <grown/large)"
done

### A device that is larger than its filesystem

mkdir -p more
noise 300000 2 >behind-it
for behind in 10240 5000; do
	# The file makes it grow, up to the one, not up to the other.
	noise $((behind * 2000)) 1 >more/large
	ext4 raw 3840
	truncate -s 64M raw
	dd if=behind-it of=raw bs=4096 seek=$behind conv=notrunc status=none
	ok "larger device: create" "$mkimage" create --force raw image
	ok "data at block $behind: extend" "$mkimage" extend --in-place image more
	ok "e2fsck" good image
	is "the device keeps its size" "$(stat -c %s out)" 67108864
	ok "the data behind it is still there" cmp -n 300000 -i $((behind * 4096)):0 out behind-it
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
# More inodes need a block group, whose table would cover the data behind it.
ext4 raw 3840 -N 16
truncate -s 256M raw
noise 200000 5 | dd of=raw bs=4096 seek=32770 conv=notrunc status=none
"$mkimage" create --force raw image >/dev/null
mkdir names
seq -f names/%g 15 | xargs touch
fails "a group more over bytes that are not zero" 1 'bytes behind it that are not zero' \
	"$mkimage" extend --in-place image names
ext4 raw 3840 -N 16
truncate -s 256M raw
"$mkimage" create --force raw image >/dev/null
ok "a group more over zeros" "$mkimage" extend --in-place image names
ok "a group more: e2fsck" good image
is "a group more: the device's size" "$(stat -c %s out)" 268435456
rm -rf more names raw image behind-it before out

### Counts of links

# many names|directories DIRECTORY COUNT: that many names of one file, or directories
many() {
	python3 - "$@" <<'END'
import os, sys
what, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.makedirs(directory)
if what == "names":
    open(directory + "/0", "w").write("text")
for i in range(1, count):
    if what == "names":
        os.link(directory + "/0", "%s/%d" % (directory, i))
    else:
        os.mkdir("%s/%d" % (directory, i))
END
}

# field PATH NAME: a field of an inode, as debugfs prints it
field() {
	debugfs -R "stat $1" out 2>/dev/null | sed -n "s/.*$2: *\([0-9]*\).*/\1/p" | head -1
}

# Not every filesystem can hold that many itself; tmpfs can.
memory=$(mktemp -d /dev/shm/mkimage-test.XXXXXX)
trap 'rm -rf "$work" "$memory"' EXIT
links=$memory/links

many names "$links/names" 65001
mkdir empty
"$mkimage" create --fs ext4 empty empty.inc >/dev/null
fails "create: 65001 names" 1 'names/[0-9]+: its file has 65000 names, and ext4 can hold no more' \
	"$mkimage" create --fs ext4 "$links" image
ok "no image is left" [ ! -e image ]
fails "extend: 65001 names" 1 'its file has 65000 names, and ext4 can hold no more' \
	"$mkimage" extend --output layer empty.inc "$links"
rm "$links/names/0"
ok "create: 65000 names" "$mkimage" create --fs ext4 "$links" image
ok "create: 65000 names: e2fsck" good image
is "create: 65000 names: all are counted" "$(field names/1 Links)" 65000
rm -r "$links/names"

many directories "$links/directories" 64998
mkdir -p more/directories
ok "create: 64997 directories" "$mkimage" create --force --fs ext4 "$links" image
mkdir more/directories/a
ok "a directory more" "$mkimage" extend --in-place image more
ok "64998 directories: e2fsck" good image
is "64998 directories: all are counted" "$(field directories Links)" 65000
mkdir more/directories/b more/directories/c
ok "two more" "$mkimage" extend --in-place image more
ok "65000 directories: e2fsck" good image
is "65000 directories: too many to be counted" "$(field directories Links)" 1
is "all are there" "$(debugfs -R 'ls -p /directories' out 2>/dev/null | grep -c /04)" 65002
ok "fewer again" "$mkimage" extend --in-place --remove directories/17 image
ok "fewer again: e2fsck" good image
is "fewer again: not counted" "$(field directories Links)" 1
mkdir "$links/directories/b" "$links/directories/c"
ok "create: 64999 directories" "$mkimage" create --force --fs ext4 "$links" image
ok "create: 64999 directories: e2fsck" good image
is "create: 64999 directories: too many to be counted" "$(field directories Links)" 1
rmdir "$links/directories/b" "$links/directories/c" more/directories/?
"$mkimage" create --force --fs ext4 "$links" image >/dev/null
"$mkimage" extract --force image raw >/dev/null
debugfs -w -R 'feature -dir_nlink' raw >/dev/null 2>&1
"$mkimage" create --force raw image >/dev/null
mkdir more/directories/a
ok "without dir_nlink: a directory more" "$mkimage" extend --in-place image more
mkdir more/directories/b
fails "without dir_nlink: two" 1 'directories/b: .* has 64998 others, and this ext4 can hold no more: it lacks the feature dir_nlink' \
	"$mkimage" extend --in-place image more
rm -rf "$links" more empty image empty.inc raw out

### Times

mkdir -p "$memory/times" empty
"$mkimage" create --fs ext4 empty empty.inc >/dev/null
ext4 small 3840 -I 128 2>/dev/null
"$mkimage" create small small.inc >/dev/null
unset SOURCE_DATE_EPOCH
# A line is a time, and the images that can hold it: all ("good"), none, or those
# with larger inodes than 128 bytes ("small": the small ones refuse it).
while read -r second what; do
	touch -d "@$second" "$memory/times/file"
	case $what in
	good)
		ok "create: $second" "$mkimage" create --force --fs ext4 "$memory/times" image
		ok "create: $second: e2fsck" good image
		is "create: the time is kept" "$(python3 "$top/tests/mkimage/ext4.py" out |
			grep -c "file.*|${second}000000000|")" 1
		cp empty.inc image
		ok "extend: $second" "$mkimage" extend --in-place image "$memory/times"
		ok "extend: $second: e2fsck" good image
		is "extend: the time is kept" "$(python3 "$top/tests/mkimage/ext4.py" out |
			grep -c "file.*|${second}000000000|")" 1
		;;
	none)
		fails "create: $second" 1 "times/file: its time of modification, $second seconds after 1970, .* 1901 to 2446" \
			"$mkimage" create --force --fs ext4 "$memory/times" none.inc
		fails "extend: $second" 1 "times/file: its time of modification, $second seconds after 1970, .* 1901 to 2446" \
			"$mkimage" extend --output layer empty.inc "$memory/times"
		;;
	small)
		fails "inodes of 128 bytes: $second" 1 "times/file: its time of modification, $second seconds .* 1901 to 2038" \
			"$mkimage" extend --output layer small.inc "$memory/times"
		;;
	esac
done <<'END'
-2147483648 good
-1 good
15032385535 good
15032385536 none
-2147483649 none
2147483648 small
-2147483649 small
END
export SOURCE_DATE_EPOCH=1700000000
rm -rf "$memory/times" image empty.inc small small.inc out

### Features

mkdir -p more/directory
echo text >more/directory/file
for options in "-O ^ext_attr" "-O mmp"; do
	# shellcheck disable=SC2086
	ext4 raw 3840 $options
	"$mkimage" create --force raw image >/dev/null
	ok "$options: extend" "$mkimage" extend --in-place image more
	ok "$options: e2fsck" good image
	is "$options: the file is there" \
		"$(debugfs -R 'cat directory/file' out 2>/dev/null)" text
	ok "$options: inspect" "$mkimage" inspect --files image
	ok "$options: remove it" "$mkimage" extend --in-place --remove directory image
	ok "$options: e2fsck" good image
	ok "$options: no file named overlay was opened" [ ! -e overlay ]
done
# libext2fs opens a file of the name that it is given.
echo precious >overlay
ok "a file named overlay: extend" "$mkimage" extend --in-place image more
ok "a file named overlay is not touched" [ "$(cat overlay)" = precious ]
rm overlay
ext4 raw 3840 -O ^ext_attr
"$mkimage" create --force raw image >/dev/null
if setfattr -n user.note -v 1 more/directory/file 2>/dev/null; then
	fails "attributes without ext_attr" 1 'more/directory/file: it has extended attributes, and this ext4 holds none: it lacks the feature ext_attr' \
		"$mkimage" extend --in-place image more
fi
ext4 raw 3840 -O ea_inode
"$mkimage" create --force raw image >/dev/null
fails "ea_inode" 1 'features that cannot be changed here \(ea_inode\)' \
	"$mkimage" extend --in-place image more
ext4 raw 3840 -b 1024
"$mkimage" create --force raw image >/dev/null
mkdir links
ln -s "$(printf '%01023d' 0)" links/good
ok "blocks of 1024 bytes: a target of 1023" "$mkimage" extend --in-place image links
ok "blocks of 1024 bytes: e2fsck" good image
ln -s "$(printf '%01024d' 0)" links/long
fails "blocks of 1024 bytes: a target of 1024" 1 'links/long: its target is longer than the 1023 bytes' \
	"$mkimage" extend --in-place image links
rm -rf more links image raw out

finish
