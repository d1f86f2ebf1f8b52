#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Small reads along a large cluster: it is read and expanded twice at the most. What
# was expanded for one device is not used for another, nor after the file has changed.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

reads() {	# so many the loop device has done
	awk '{ print $1 }' "/sys/block/${LOOP##*/}/stat"
}

open_full cluster64K read_timeout 500
# The first whole cluster of 16 blocks that is compressed.
read -r block offset length <<<"$("$tool" map "$IMAGE" |
	awk '$2 == 2 && $3 == 4 && $1 % 16 == 0 { print $1, $4, $5; exit }')"
like "there is a compressed cluster" "$block $offset $length" '^[0-9]+ [0-9]+ [0-9]+$'
scan() {	# scan FIRST COUNT: nothing, if all of it is right
	"$tool" scan "$DEV" "$RAW" direct "$@"
}
# Map and tree pages are in memory after this, and the area has another cluster.
is "a block of it can be read" "$(scan "$block" 1)" ""
is "and one of another" "$(scan $((block + 16)) 1)" ""
before=$(reads)
is "its blocks can be read, one by one" "$(scan "$block" 16)" ""
between "reads of the file for 16 blocks" $(($(reads) - before)) 1 2
before=$(reads)
is "and once more" "$(scan "$block" 16)" ""
is "reads of the file for that" $(($(reads) - before)) 0

# Another device, on a file in which the cluster is corrupt.
first=$LOOP
cp "$LOCAL" other
"$tool" flip other $((offset + length / 2))
attach "$PWD/other"
table
activate u
DEV=/dev/mapper/u
like "it is corrupt on another device" "$(scan "$block" 16 | cut -d ' ' -f 1 | sort -u)" '^EIO$'
dmsetup remove u
DEV=/dev/mapper/t LOOP=$first NODE=/dev/incremental/${first##*/}
is "but not on this one" "$(scan "$block" 16)" ""

# Its chunks are discarded: no read gets what is kept of them.
"$tool" node "$NODE" discard $((offset & ~4095)) $(((offset + length + 4095 & ~4095) - (offset & ~4095))) >/dev/null
is "without its chunks it cannot be read" "$(scan "$block" 1 | cut -d ' ' -f 1)" ETIMEDOUT
the_end
