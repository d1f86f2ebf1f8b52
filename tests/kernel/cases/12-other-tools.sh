#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tools that know nothing of this target accept its devices, and find their damage.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# veritysetup on the raw image, with the same salt, gives our root hash.
for name in size1 size128 size129 size513 cluster64K chunk64K nosalt longsalt erofs ext4; do
	choose $name
	eval "$("$tool" layout "$IMAGE")"
	got=$(veritysetup format --salt "${salt:--}" "$RAW" tree | sed -n 's/^Root hash:[[:space:]]*//p')
	is "$name: veritysetup's root hash" "$got" "$root"
done

# veritysetup on the mapped device, fetched as it goes, with our hash tree.
for name in size513 erofs ext4; do
	open_image $name
	serve
	eval "$("$tool" layout "$IMAGE")"
	ok "$name: the hash tree can be exported" mkimage extract --hash-tree "$name.tree" "$IMAGE" "$name.raw"
	ok "$name: mkimage extracts the raw image" cmp "$name.raw" "$RAW"
	ok "$name: veritysetup accepts the mapped device" veritysetup verify "$DEV" "$name.tree" "$root"
	fails "$name: but not with another root hash" - "" veritysetup verify "$DEV" "$name.tree" "${root//[0-7]/8}"
	case $name in
	erofs)
		ok "fsck.erofs passes on it" fsck.erofs "$DEV"
		;;
	ext4)
		ok "e2fsck passes on it" e2fsck -fn "$DEV"
		;;
	esac
	stop
	close_image
done

# fio reads every block at random, several at a time, and verifies the checksum
# that it put in the block when it wrote the raw image.
verify() {
	fio --name=verify --filename="$DEV" --readonly --size=8M --bs=4k --rw=randread \
		--ioengine=libaio --iodepth=8 --direct=1 --verify=crc32c --verify_fatal=1 --output=fio.out
}
open_image fio
serve
ok "fio verifies every block, cold" verify
is "it has read all of them" "$(grep -o 'issued rwts: total=[0-9]*' fio.out)" "issued rwts: total=2048"
stop
ok "fio verifies every block, warm" verify
close_image
# fio does find damage.
cp "$images/fio.inc" damaged.inc
chmod u+w damaged.inc
"$tool" flip damaged.inc $(($(stat -c %s damaged.inc) - 100000))
attach "$PWD/damaged.inc"
table
activate
fails "fio finds a corrupt block" - "" verify
the_end
