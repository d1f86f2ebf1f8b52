#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The presence bitmap cannot be written: commits are tried again, but less and
# less often, whatever commit_interval says.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

modprobe -a dm-flakey

choose small
eval "$("$tool" layout "$IMAGE")"
LOCAL=$work/small.inc DEV=/dev/mapper/t
"$tool" sparse "$IMAGE" "$LOCAL"
attach "$LOCAL"
sectors=$(blockdev --getsz "$LOOP")
from=$((bitmap_offset / 512)) to=$((meta_offset / 512))

# The bitmap's part of the device below is a device of its own.
bits() {	# bits TARGET OPTION...
	echo "0 $((to - from)) $1 $LOOP $from ${*:2}"
}
change() {	# change TARGET OPTION...
	dmsetup reload bits --table "$(bits "$@")" &&
		dmsetup suspend --noflush bits && dmsetup resume bits
}

dmsetup create bits --table "$(bits linear)"
dmsetup create back --table "0 $from linear $LOOP 0
$from $((to - from)) linear /dev/mapper/bits 0
$to $((sectors - to)) linear $LOOP $to"
NODE=/dev/incremental/dm-$(dmsetup info -c --noheadings -o minor back)
bits=dm-$(dmsetup info -c --noheadings -o minor bits)
TABLE="$("$tool" table "$IMAGE" /dev/mapper/back) 2 commit_interval 0"
activate

written() {	# written NUMBER: that many writes of the bitmap, or more
	[ "$(writes)" -ge "$1" ]
}
writes() {	# flushes included
	tr -s ' ' <"/sys/block/$bits/stat" | sed 's/^ //' | cut -d ' ' -f 5
}
chunk=$data_offset
fill() {	# one more chunk
	"$tool" node "$NODE" write "$chunk" "$chunk_size" "$IMAGE" >/dev/null
	chunk=$((chunk + chunk_size))
}
committed() {	# the last chunk is committed
	local n=$((chunk / chunk_size - 1)) byte
	byte=$(od -An -tu1 -j $((bitmap_offset + n / 8)) -N 1 "$LOCAL")
	[ $((byte >> (n % 8) & 1)) = 1 ]
}

fill
ok "a commit comes at once" within 20 committed
ok "the bitmap cannot be written" change flakey 0 3600 1 error_writes
mark
fill
ok "the kernel logs it" within 20 said 'cannot commit presence'
# Each try is a flush and a write; chunks arrive meanwhile.
start=$(milliseconds) before=$(writes)
tries() {
	[ $chunk -gt $((data_offset + 50 * chunk_size)) ] || fill
	written $((before + 8))
}
ok "it tries again and again" within 100 tries
took=$(($(milliseconds) - start))
between "but less and less often: four times, so many ms" $took 500 $((500000 * SLOW))
ok "fsync fails" sh -c "'$tool' node '$NODE' fsync | grep -q EIO"
ok "it can be written again" change linear
ok "and is, by itself" within 100 committed
fill
ok "a commit comes at once again" within 20 committed
dmsetup remove t
dmsetup remove back
dmsetup remove bits
detach
the_end
