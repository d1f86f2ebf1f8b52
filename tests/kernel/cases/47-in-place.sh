#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Stored extents are read right into the pages that the page cache reads ahead to, and
# verified there: present, absent, corrupt, healing, suspended. No reader sees a byte
# before, and O_DIRECT buffers get none that was not verified.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/cold.sh
. "$(dirname "$0")/../lib/cold.sh"

drop() {	# the page cache
	blockdev --flushbufs "$DEV"
	"$tool" forget "$DEV"
}
scan() {	# scan MODE FIRST COUNT
	drop
	"$tool" scan "$DEV" "$RAW" "$@"
}
sectors() {	# so many the loop device has read
	awk '{ print $3 }' "/sys/block/${LOOP##*/}/stat"
}

# A block of a cluster that is stored: no other block of it is read, which shows that the
# block went to its place. A copy takes the cluster.
open_full stored64K read_timeout 20000
eval "$("$tool" layout "$IMAGE")"
read -r block at length <<<"$("$tool" map "$IMAGE" | awk '$1 == 165 { print $1, $4, $5; exit }')"
is "the cluster of a block is stored, and aligned" "$((at % 4096)) $length" "0 65536"
blockdev --setra 8 "$DEV"
is "map and tree are read" "$(scan buffered 150 1)" ""
drop
before=$(sectors)
is "a block that readahead brings is right" "$("$tool" scan "$DEV" "$RAW" buffered "$block" 1)" ""
is "it is read in place" $(($(sectors) - before)) 8
drop
before=$(sectors)
is "a block for O_DIRECT is right" "$("$tool" scan "$DEV" "$RAW" direct "$block" 1)" ""
is "it is copied" $(($(sectors) - before)) 128
blockdev --setra 256 "$DEV"
for mode in buffered mmap mmap+readahead direct; do
	drop
	ok "all is right: $mode" "$tool" compare "$DEV" "$RAW" "$mode" 131072
done
ok "with many readers" "$tool" random "$DEV" "$RAW" 6 30 1

# Damage that nobody heals: an error, and nothing of it in the page cache.
at=$((at + 5 * 4096))
"$tool" flip "$LOCAL" $((at + 100))
for mode in buffered mmap+readahead; do
	is "a corrupt block cannot be read: $mode" "$(scan "$mode" 0 512)" "EIO $block-$block"
	is "nor once more" "$("$tool" scan "$DEV" "$RAW" "$mode" $((block - 5)) 10)" "EIO $block-$block"
done
is "O_DIRECT: neither" "$(scan direct 0 512)" "EIO $block-$block"
"$tool" flip "$LOCAL" $((at + 100))
is "it can when the file is as before" "$("$tool" scan "$DEV" "$RAW" buffered 0 512)" ""

# Damage that heals: the same pages are read once more.
for mode in buffered mmap+readahead; do
	drop
	"$tool" flip "$LOCAL" $((at + 100))
	serve
	healed=$(field healed)
	ok "damage heals: $mode" "$tool" compare "$DEV" "$RAW" "$mode" 131072
	between "and is counted" $(($(field healed) - healed)) 1 100
	stop
	ok "in the file, too" cmp "$LOCAL" "$IMAGE"
done

# Readers wait for it to heal, and none has the bytes meanwhile.
drop
"$tool" flip "$LOCAL" $((at + 100))
loader "$tool" hoard "$NODE"
reader a $((block * 4096)) 4096 buffered
ok "a read of damage waits" within 10 some_wait
reader b $((block * 4096)) 4096 mmap
reader c $((block * 4096)) 4096 buffered
ok "so do others of its page" within 10 blocked "${readers[@]: -2}"
is "an O_DIRECT read of a neighbour does not" \
	"$("$tool" scan "$DEV" "$RAW" direct $((block + 1)) 1)" ""
dmsetup suspend --noflush t
ok "suspended: they wait" within 10 blocked "${readers[@]: -3}"
dmsetup resume t
ok "resumed: the read waits again" within 10 some_wait
is "no reader has anything" "$(cat a b c)" ""
stop
serve
is "all get their bytes when it has healed" "$(outcome a) $(outcome b) $(outcome c)" "4096 4096 4096"
is "the page cache has the right ones" "$("$tool" scan "$DEV" "$RAW" buffered 0 512)" ""
stop

# It does not heal, and the read's time is over.
drop
"$tool" flip "$LOCAL" $((at + 100))
dmsetup message t 0 read_timeout 300
loader "$tool" hoard "$NODE"
reader a $((block * 4096)) 4096 buffered
reader b $((block * 4096)) 4096 mmap
like "readers get an error" "$(outcome a) $(outcome b)" '^(ETIMEDOUT|EIO) (ETIMEDOUT|EIO|SIGBUS|EFAULT)$'
stop
# Suspended without noflush: such reads fail.
dmsetup message t 0 read_timeout 60000
loader "$tool" hoard "$NODE"
reader a $((block * 4096)) 4096 buffered
ok "one waits" within 10 some_wait
dmsetup suspend t
# The page cache reads once more by itself, which dm holds back.
ok "suspend does not wait for it" within 10 blocked "${readers[-1]}"
stop
serve
dmsetup resume t
is "it gets its bytes after the resume" "$(outcome a)" 4096
stop
ok "all is right" "$tool" compare "$DEV" "$RAW" mmap
close_image

# Half present, while chunks come and go.
open_image stored64K read_timeout 20000
serve limit=1000000
ok "what is present can be read, what is not comes" "$tool" compare "$DEV" "$RAW" buffered 131072 0 700000
stop
serve delay=5
ok "in all ways" "$tool" random "$DEV" "$RAW" 6 30 2
ok "and all of it" "$tool" compare "$DEV" "$RAW" mmap+readahead 131072
comes_and_goes "$data_offset" $((72 * 4096))
stop
close_image

# Clusters of a block; hints instead of readahead.
for options in "" "absent_readahead hint"; do
	# shellcheck disable=SC2086	# a list of words
	open_image stored read_timeout 20000 $options
	serve delay=2
	ok "clusters of 4K${options:+, $options}" "$tool" compare "$DEV" "$RAW" buffered 131072
	ok "with many readers" "$tool" random "$DEV" "$RAW" 4 20 3
	stop
	close_image
done

# An erofs that mkimage compresses.
ok "an erofs with compressed files, cold" cold compressed erofs ro "" "$images/lz4.files" mixed 8 1
open_full compressed
eval "$("$tool" layout "$IMAGE")"
is "all of its stored extents are aligned" \
	"$("$tool" map "$IMAGE" | awk '$2 == 1 { print $4 % 4096 }' | sort -u)" 0
mounted "$DEV" "$work/mnt" -t erofs -o ro
for mode in buffered random mmap-random direct; do
	echo 3 >/proc/sys/vm/drop_caches
	ok "present: $mode" "$tool" tree "$work/mnt" "$images/lz4.files" $mode 4 2
done
unmounted "$work/mnt"
close_image

# By the real loader, which verifies along the owner table.
open_image compressed read_timeout 20000
loader incrementald --origin "$IMAGE" "$LOOP"
ok "incrementald brings it" "$tool" compare "$DEV" "$RAW" buffered 131072
ok "all of it comes" within 60 field_is state complete
stop
ok "the file is the image" cmp "$LOCAL" "$IMAGE"
close_image
the_end
